/** @file Where a run goes: a folder of its own, never inside the data it learns from. */
import { existsSync, realpathSync, statSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { BUILT_IN_DATA } from '../data/index.node.ts';
import { makeFolder, writeError } from '../formats/index.node.ts';
import { ConfigError } from '../tensor/index.ts';

/** Whether `spec` is the path of a folder, not the name of a built-in data set. */
export function isDataFolder(spec: string): boolean {
  return !BUILT_IN_DATA.includes(spec);
}

/**
 * Where a run on `spec` goes unless told: `runs/<name of the data>`, in the working directory; beside the data where
 * that lies inside of it. Throws `ConfigError` when there is no place outside.
 */
export function defaultRunFolder(spec: string): string {
  if (!isDataFolder(spec)) return join('runs', spec);
  const data = resolve(spec);
  const roots = ['runs', join(dirname(data), 'runs'), join(dirname(data), `${basename(data)}-runs`)];
  const root = roots.find((path) => !liesInside(path, data));
  if (root === undefined) throw insideData(roots[0]!, spec);
  return join(root, basename(data) || 'run');
}

/**
 * Makes a new folder for a run on `spec` and returns its path: the default one, with a number where that is taken. Two
 * runs that start at once get two folders. Throws `DataError` when none can be made.
 */
export async function claimRunFolder(spec: string): Promise<string> {
  const plain = defaultRunFolder(spec);
  for (let number = 1; ; number++) {
    const path = number === 1 ? plain : `${plain}-${number}`;
    try {
      await makeFolder(dirname(path));
      await mkdir(path);
      return path;
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'EEXIST' || !existsSync(path)) throw writeError(path, cause);
    }
  }
}

/** Throws `ConfigError` when the run in `out` would lie inside the data `spec`, and its pictures be learned from. */
export function refuseInsideData(out: string, spec: string): void {
  if (isDataFolder(spec) && liesInside(out, spec)) throw insideData(out, spec);
}

function insideData(out: string, spec: string): ConfigError {
  return new ConfigError(`the run ${out} would lie inside the data ${spec}, and its own pictures be learned from`, {
    api: 'choose a folder outside of the data as out',
    cli: 'choose a folder outside of the data with --out',
  });
}

/** Whether `path`, which need not exist yet, is `folder` or below it, whatever links and spellings lead there. */
function liesInside(path: string, folder: string): boolean {
  if (!existsSync(folder)) return false;
  const { dev, ino } = statSync(folder, { bigint: true });
  let existing = resolve(path);
  while (!existsSync(existing)) existing = dirname(existing);
  for (let at = realpathSync(existing); ; at = dirname(at)) {
    const info = statSync(at, { bigint: true });
    if (info.dev === dev && info.ino === ino) return true;
    if (dirname(at) === at) return false;
  }
}
