/** @file Which files of a folder are pictures, by their content. */
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { fileKind, HEAD_BYTES } from '../formats/file-kind.ts';
import type { SkippedFile } from './dataset.ts';
import { refusal } from './decode-image.node.ts';
import { unreadable } from './scan-folder.node.ts';

/** The pictures among some files, and why the others are none. */
export interface FoundPictures {
  /** In the order of the files. */
  readonly pictures: readonly string[];
  readonly others: readonly SkippedFile[];
}

/** A larger file is no picture to learn from, and would not fit into memory several times. */
const MAX_FILE_BYTES = 2 ** 30;
/** Files under way at a time. */
const CONCURRENCY = 16;

/** Looks at the first bytes of each of `files`, paths relative to `root`. */
export async function findPictures(root: string, files: readonly string[]): Promise<FoundPictures> {
  const reasons = new Array<string | undefined>(files.length);
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < files.length) {
      const index = next++;
      reasons[index] = await whyNot(join(root, files[index]!));
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, work));
  return {
    pictures: files.filter((_, i) => reasons[i] === undefined),
    others: files.flatMap((file, i) => (reasons[i] === undefined ? [] : { file, reason: reasons[i] })),
  };
}

/** Why a file is not tried as a picture; undefined when it is. */
async function whyNot(path: string): Promise<string | undefined> {
  try {
    const file = await open(path);
    try {
      const { size } = await file.stat();
      if (size === 0) return 'the file is empty';
      const { buffer, bytesRead } = await file.read(new Uint8Array(HEAD_BYTES), 0, HEAD_BYTES, 0);
      const refused = refusal(fileKind(buffer.subarray(0, bytesRead)));
      if (refused !== undefined || size <= MAX_FILE_BYTES) return refused;
      return `too large: a file of ${(size / 2 ** 30).toFixed(1)} GiB, at most 1 is read`;
    } finally {
      await file.close();
    }
  } catch (error) {
    return unreadable(error);
  }
}
