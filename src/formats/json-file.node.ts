/** @file JSON files that others wrote: Python's numbers, Git LFS pointers, and errors that name the place. */
import { readFile } from 'node:fs/promises';
import { DataError } from '../tensor/index.ts';
import { refuseLfsPointer } from './lfs-pointer.ts';
import { parsePythonJson } from './python-json.ts';
import { readProblem } from './read-problem.node.ts';

/**
 * Reads `path`, which holds a JSON object as Python writes it. Throws `DataError` when it is missing (`hint` says what to
 * check), a Git LFS pointer, no JSON, or another value.
 */
export async function readJsonObject(
  path: string,
  hint = 'check the path',
): Promise<Readonly<Record<string, unknown>>> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') throw new DataError(`there is no ${path}`, hint, { cause });
    throw new DataError(`could not read ${path}: ${readProblem(cause)}`, 'check the path and its permissions', {
      cause,
    });
  }
  refuseLfsPointer(text, path);
  let json: unknown;
  try {
    json = parsePythonJson(text);
  } catch (cause) {
    throw new DataError(`could not read ${path}: ${(cause as Error).message}`, 'mend the file, or download it again', {
      cause,
    });
  }
  if (json === null || typeof json !== 'object' || Array.isArray(json)) {
    throw new DataError(
      `${path} holds ${String(JSON.stringify(json)).slice(0, 60)}, expected an object`,
      'download the file again',
    );
  }
  return json as Readonly<Record<string, unknown>>;
}
