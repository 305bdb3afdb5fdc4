/** @file The rule of every `--out`: a file that was named is replaced, one that was not takes a free name. */
import { writeUnderFreeName } from '../formats/index.node.ts';

/** How a file is written. */
export interface SaveOptions {
  /** Replace a file that was not named, too. */
  readonly overwrite: boolean;
  /** Writes the file; only where `replace` is true in the place of an older one. */
  readonly save: (path: string, replace: boolean) => Promise<unknown>;
}

/** Saves as `named`, else as `standard`, `standard-2`, …; returns the path. */
export async function saveNamed(
  named: string | undefined,
  standard: string,
  { overwrite, save }: SaveOptions,
): Promise<string> {
  if (named === undefined && !overwrite) return writeUnderFreeName(standard, (path) => save(path, false));
  const path = named ?? standard;
  await save(path, true);
  return path;
}
