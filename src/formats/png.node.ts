/** @file PNG files: written from 8-bit pictures with text chunks, read back as 8-bit pictures. */
import { readFile } from 'node:fs/promises';
import sharp from 'sharp';
import { DataError } from '../tensor/index.ts';
import { atomicWrite } from './atomic-write.node.ts';
import type { Picture } from './images.ts';
import { refuseLfsPointer } from './lfs-pointer.ts';
import type { OverwriteOptions } from './output-files.node.ts';
import { insertPngText } from './png-text.ts';

/** Options of the PNG writers. */
export interface PngOptions extends OverwriteOptions {
  /** tEXt/iTXt chunks by keyword, e.g. `{ parameters: 'a cat\nSteps: 20' }`. */
  readonly text?: Readonly<Record<string, string>>;
}

/** The bytes of a PNG file. */
export async function encodePng(picture: Picture, options: PngOptions = {}): Promise<Uint8Array> {
  const { width, height, channels, data } = picture;
  const pipeline = sharp(data, { raw: { width, height, channels } });
  if (channels === 1) pipeline.toColourspace('b-w');
  const bytes = await pipeline.png({ compressionLevel: 9 }).toBuffer();
  return options.text ? insertPngText(bytes, options.text) : bytes;
}

/** Writes a PNG file, whole or not at all, in the place of an older one. Throws `DataError` when the path cannot be written. */
export async function writePng(path: string, picture: Picture, options: PngOptions = {}): Promise<void> {
  await atomicWrite(path, [await encodePng(picture, options)], options);
}

/**
 * Reads any picture sharp knows (first frame, upright, sRGB, 8 bit): opaque grey stays 1 channel, transparency stays 4.
 * Throws `DataError` when `source` is missing or no picture.
 */
export async function readPicture(source: string | Uint8Array): Promise<Picture> {
  try {
    const pipeline = sharp(source, { failOn: 'error' }).autoOrient();
    const { space, hasAlpha } = await pipeline.metadata();
    const isGrey = (space === 'b-w' || space === 'grey16') && !hasAlpha;
    const { data, info } = await pipeline
      .toColourspace(isGrey ? 'b-w' : 'srgb')
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    return { width: info.width, height: info.height, channels: info.channels as Picture['channels'], data: bytes };
  } catch (cause) {
    const name = typeof source === 'string' ? source : 'the given bytes';
    refuseLfsPointer(typeof source === 'string' ? await readFile(source).catch(() => '') : source, name);
    throw new DataError(`could not read ${name} as a picture: ${(cause as Error).message}`, 'check the file', {
      cause,
    });
  }
}
