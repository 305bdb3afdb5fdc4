/** @file Git LFS pointers: the few lines that stand in a clone where a large file was not fetched. */
import { DataError } from '../tensor/index.ts';

/** No pointer is larger, as the specification of Git LFS says. */
export const LFS_POINTER_BYTES = 1024;

/** What to do about a pointer. */
export const LFS_REMEDY = 'run `git lfs pull` in its repository, or download the file itself';

const POINTER = /^version https:\/\/git-lfs\.github\.com\/spec\/v1\r?\n/;

/** Whether `content`, a whole file, is a Git LFS pointer. */
export function isLfsPointer(content: string | Uint8Array): boolean {
  return content.length <= LFS_POINTER_BYTES && POINTER.test(asText(content));
}

/** Throws `DataError` with the remedy when `content`, the whole of `file`, is a Git LFS pointer. */
export function refuseLfsPointer(content: string | Uint8Array, file: string): void {
  if (!isLfsPointer(content)) return;
  const size = /^size (\d+)\r?$/m.exec(asText(content))?.[1];
  throw new DataError(
    `${file} is a Git LFS pointer, not the file itself${size === undefined ? '' : ` (${size} bytes)`}`,
    LFS_REMEDY,
  );
}

function asText(content: string | Uint8Array): string {
  return typeof content === 'string' ? content : new TextDecoder().decode(content);
}
