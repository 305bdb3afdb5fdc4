/** @file Size and checksum of a file, to find out later whether it is still what was written. */
import { createReadStream } from 'node:fs';
import { crc32 } from 'node:zlib';
import { z } from 'zod';

export const fileSumSchema = z.strictObject({ bytes: z.int().nonnegative(), crc32: z.int().nonnegative() });

/** What a file was like when it was written. */
export type FileSum = z.output<typeof fileSumSchema>;

/** Reads a file through, a megabyte at a time. Throws the system's error when it cannot be read. */
export async function fileSum(path: string): Promise<FileSum> {
  let [bytes, sum] = [0, 0];
  for await (const chunk of createReadStream(path, { highWaterMark: 2 ** 20 }) as AsyncIterable<Buffer>) {
    bytes += chunk.byteLength;
    sum = crc32(chunk, sum);
  }
  return { bytes, crc32: sum };
}

/** How the file differs from `written`, as the end of a sentence that begins with its name; undefined: not at all. */
export async function findChange(path: string, written: FileSum | undefined): Promise<string | undefined> {
  if (!written) return 'has no checksum';
  let now: FileSum;
  try {
    now = await fileSum(path);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    return code === 'ENOENT' ? 'is missing' : `cannot be read: ${message}`;
  }
  if (now.bytes !== written.bytes) return `has ${now.bytes} bytes, ${written.bytes} were written`;
  return now.crc32 === written.crc32 ? undefined : 'holds other bytes than were written (its checksum differs)';
}
