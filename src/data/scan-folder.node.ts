/** @file Every file below a folder, in a fixed order, whatever links and unreadable folders it holds. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readProblem } from '../formats/index.node.ts';
import { DataError } from '../tensor/index.ts';
import type { SkippedFile } from './dataset.ts';

/** What a scan found: paths relative to the root, with `/` on every system. */
export interface FolderScan {
  readonly files: readonly string[];
  readonly skipped: readonly SkippedFile[];
}

/**
 * Lists all files below `root`, sorted by path. Names that start with a dot are left out. Links are followed, and every
 * folder is visited once, so loops end. Throws `DataError` when `root` is missing or no folder.
 */
export async function scanFolder(root: string): Promise<FolderScan> {
  const top = await stat(root).catch((cause: NodeJS.ErrnoException) => {
    throw cause.code === 'ENOENT'
      ? new DataError(`there is no folder called ${root}`, 'check the path', { cause })
      : new DataError(`could not open ${root}: ${readProblem(cause)}`, 'check the path and its permissions', { cause });
  });
  if (!top.isDirectory())
    throw new DataError(`${root} is a file, not a folder`, 'give the folder that holds the pictures');
  const files: string[] = [];
  const skipped: SkippedFile[] = [];
  const visited = new Set([`${top.dev}:${top.ino}`]);
  const visit = async (folder: string): Promise<void> => {
    const names = await readdir(join(root, folder)).catch((error: NodeJS.ErrnoException) => {
      skipped.push({ file: `${folder}/`, reason: unreadable(error) });
      return [];
    });
    for (const name of names.sort()) {
      if (name.startsWith('.')) continue;
      const path = folder === '' ? name : `${folder}/${name}`;
      try {
        const info = await stat(join(root, path));
        const identity = `${info.dev}:${info.ino}`;
        if (info.isFile()) files.push(path);
        else if (!info.isDirectory()) skipped.push({ file: path, reason: 'neither a file nor a folder' });
        else if (!visited.has(identity)) {
          visited.add(identity);
          await visit(path);
        }
      } catch (error) {
        skipped.push({ file: path, reason: unreadable(error) });
      }
    }
  };
  await visit('');
  return { files: files.sort(), skipped };
}

/** Why the system does not give a file, in our words. */
export function unreadable(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT' || code === 'ELOOP') return 'a broken link';
  if (code === 'EACCES' || code === 'EPERM') return 'it may not be read by you';
  return `it cannot be read (${code ?? message})`;
}
