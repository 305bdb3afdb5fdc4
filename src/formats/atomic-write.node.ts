/** @file Files that appear whole or not at all: written beside their place, then renamed. */
import { randomUUID } from 'node:crypto';
import { link, mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DataError } from '../tensor/index.ts';
import { alreadyThere, type OverwriteOptions } from './output-files.node.ts';

/** What to do about each way a disk refuses. */
const REMEDIES: Readonly<Record<string, readonly [problem: string, remedy: string]>> = {
  ENOSPC: ['the disk is full', 'free some space, or write to another disk'],
  EDQUOT: ['the disk quota is used up', 'free some space, or write to another disk'],
  EACCES: ['permission denied', 'choose a folder you may write to, or change its permissions'],
  EPERM: ['permission denied', 'choose a folder you may write to, or change its permissions'],
  EROFS: ['the disk is read-only', 'choose a folder on a writable disk'],
  ENOENT: ['there is no such place, and none can be made', 'check the path, or choose another folder'],
  ENOTDIR: ['part of the path is a file, not a folder', 'rename that file, or choose another folder'],
  EEXIST: ['part of the path is a file, not a folder', 'rename that file, or choose another folder'],
  EISDIR: ['a folder of that name is in the way', 'remove the folder, or choose another name'],
  ENOTEMPTY: ['a folder of that name is in the way', 'remove the folder, or choose another name'],
  ENAMETOOLONG: ['the name is too long', 'choose a shorter name'],
};

/** The `DataError` that explains why writing `path` failed; errors that are no system errors pass unchanged. */
export function writeError(path: string, cause: unknown): unknown {
  const code = (cause as NodeJS.ErrnoException | undefined)?.code;
  if (typeof code !== 'string' || cause instanceof DataError) return cause;
  const [problem, remedy] = REMEDIES[code] ?? [(cause as Error).message, 'check the path and the disk'];
  return new DataError(`could not write ${path}: ${problem} (${code})`, remedy, { cause });
}

/**
 * Makes a folder and those above it, where they do not exist. Throws the system's error: Node's own recursive `mkdir`
 * never returns where a folder refuses with "no such file" (as /proc does), and hides that a disk is read-only.
 */
export async function makeFolder(path: string): Promise<void> {
  const above = dirname(path);
  if (above !== path && !(await isFolder(above))) await makeFolder(above);
  try {
    await mkdir(path);
  } catch (error) {
    if (!(await isFolder(path))) throw error;
  }
}

function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (info) => info.isDirectory(),
    () => false,
  );
}

/**
 * Writes `chunks` one after the other to `path`, making its folder, in the place of an older file unless `overwrite` is
 * false. Nothing is left behind on failure, and the older file stays as it was. Throws `DataError` saying which path and what to do.
 */
export async function atomicWrite(
  path: string,
  chunks: Iterable<Uint8Array> | string,
  { overwrite = true }: OverwriteOptions = {},
): Promise<void> {
  if (/[/\\]$/.test(path)) throw new DataError(`could not write ${path}: that is a folder`, 'add the name of a file');
  const temporary = `${path}.${randomUUID().slice(0, 8)}.tmp`;
  try {
    await makeFolder(dirname(path));
    const file = await open(temporary, 'wx');
    try {
      for (const chunk of typeof chunks === 'string' ? [new TextEncoder().encode(chunks)] : chunks) {
        await writeAll(file, chunk);
      }
      await file.sync();
    } finally {
      await file.close();
    }
    if (overwrite) await rename(temporary, path);
    else await renameNew(temporary, path);
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw writeError(path, cause);
  }
}

/**
 * Finds out whether `atomicWrite` could write `path`, before work that would be lost if it could not: makes and removes a
 * file in the nearest folder above that exists. Throws `DataError` as `atomicWrite` does.
 */
export async function checkWritable(path: string): Promise<void> {
  if (/[/\\]$/.test(path)) throw new DataError(`could not write ${path}: that is a folder`, 'add the name of a file');
  try {
    if (await isFolder(path)) throw systemError('EISDIR');
    const file = join(await nearestFolder(dirname(path)), `.inkwash-${randomUUID().slice(0, 8)}.tmp`);
    await (await open(file, 'wx')).close();
    await rm(file, { force: true });
  } catch (cause) {
    throw writeError(path, cause);
  }
}

/** `path`, or the folder nearest above it that exists. Throws the system's error where a file is in the way. */
async function nearestFolder(path: string): Promise<string> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory()) return path;
  if (found) throw systemError('ENOTDIR');
  return nearestFolder(dirname(path));
}

function systemError(code: string): NodeJS.ErrnoException {
  return Object.assign(new Error(code), { code });
}

/** Renames a file to a name that is free. Throws `DataError` when it is not. */
async function renameNew(from: string, to: string): Promise<void> {
  try {
    // a second name for the file, which unlike a rename never replaces one
    await link(from, to);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') throw alreadyThere(to);
    // a file system without links: claim the name, then fill it
    if (!['EPERM', 'ENOTSUP', 'ENOSYS', 'EOPNOTSUPP', 'EMLINK'].includes(code ?? '')) throw error;
    const claim = await open(to, 'wx').catch((cause: NodeJS.ErrnoException) => {
      throw cause.code === 'EEXIST' ? alreadyThere(to) : cause;
    });
    await claim.close();
    await rename(from, to);
    return;
  }
  await rm(from, { force: true });
}

/** A single write may stop short, and the system caps it at 2 GiB. */
async function writeAll(file: Awaited<ReturnType<typeof open>>, chunk: Uint8Array): Promise<void> {
  for (let at = 0; at < chunk.byteLength; ) {
    const { bytesWritten } = await file.write(chunk, at, Math.min(chunk.byteLength - at, 2 ** 30));
    at += bytesWritten;
  }
}
