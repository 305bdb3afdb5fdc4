/** @file Files that are about to be written: nothing that a user has is replaced without being asked for. */
import { lstat } from 'node:fs/promises';
import { join, parse, resolve } from 'node:path';
import { ConfigError, DataError } from '../tensor/index.ts';

/**
 * Whether files may be replaced. Where a function writes the one file it is given, an older one is replaced unless this
 * is false; where it chooses names itself, nothing is replaced unless this is true.
 */
export interface OverwriteOptions {
  readonly overwrite?: boolean;
}

/** The error of a file that is in the way. */
export function alreadyThere(path: string): DataError {
  return new DataError(
    `${path} is already there`,
    {
      api: 'choose another place, or set overwrite to true to replace it',
      cli: 'choose another place, or replace it with --overwrite',
    },
    { cause: { code: 'EEXIST' } },
  );
}

/**
 * Checks a list of files before work on them starts. Throws `DataError` naming the first that is there already, unless
 * `overwrite`; `ConfigError` for one that would be written twice.
 */
export async function refuseOverwriting(
  paths: readonly string[],
  { overwrite = false }: OverwriteOptions = {},
): Promise<void> {
  const seen = new Set<string>();
  for (const path of paths) {
    const full = resolve(path);
    if (seen.has(full)) throw new ConfigError(`${path} would be written twice`, 'give every file a name of its own');
    seen.add(full);
    if (!overwrite && (await isThere(path))) throw alreadyThere(path);
  }
}

/**
 * Writes a file under the first free name of `grid.png`, `grid-2.png`, … and returns it. `write` must not replace a file:
 * where another process was faster, the next name is tried.
 */
export async function writeUnderFreeName(path: string, write: (path: string) => Promise<unknown>): Promise<string> {
  const { dir, name, ext } = parse(path);
  for (let number = 1; ; number++) {
    const candidate = number === 1 ? path : join(dir, `${name}-${number}${ext}`);
    if (await isThere(candidate)) continue;
    try {
      await write(candidate);
      return candidate;
    } catch (error) {
      const cause = error instanceof DataError ? (error.cause as { readonly code?: unknown } | undefined) : undefined;
      if (cause?.code !== 'EEXIST' || !(await isThere(candidate))) throw error;
    }
  }
}

/** A link counts, wherever it leads. */
function isThere(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}
