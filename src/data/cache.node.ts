/** @file The disk cache of rendered data sets: a broken entry is rebuilt, an unwritable folder stops nothing. */
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { atomicWrite } from '../formats/index.node.ts';
import { encodeSafetensors, parseSafetensors } from '../formats/index.ts';
import { type NdArray, ndArray } from '../tensor/index.ts';
import { contentHash } from './content-hash.ts';

/** Pictures and their descriptions, as kept on disk. */
export interface CachedPictures {
  /** u8, shape [N, C, H, W]. */
  readonly pixels: NdArray;
  /** One JSON value per picture. */
  readonly notes: readonly unknown[];
}

/** The cache folder: `INKWASH_CACHE`, else `~/.cache/inkwash`. */
export function cacheDirectory(): string {
  return process.env.INKWASH_CACHE || join(homedir(), '.cache', 'inkwash');
}

/** The entry `key`, or `undefined` when it is absent, damaged or of another make. */
export async function readCache(key: string): Promise<CachedPictures | undefined> {
  try {
    const { tensors, metadata } = parseSafetensors(await readFile(cachePath(key)));
    const pixels = tensors.get('pixels');
    const notes = metadata.notes;
    if (!pixels || notes === undefined || metadata.hash !== hashEntry(pixels, notes)) return undefined;
    return { pixels: ndArray(pixels.data, pixels.shape, 'uint8'), notes: JSON.parse(notes) as unknown[] };
  } catch {
    return undefined;
  }
}

/** Stores an entry; when the folder that the user chose cannot be written, says so through `onWarning` and goes on. */
export async function writeCache(
  key: string,
  { pixels, notes }: CachedPictures,
  onWarning: (message: string) => void,
): Promise<void> {
  const text = JSON.stringify(notes);
  const metadata = { notes: text, hash: hashEntry(pixels, text) };
  try {
    await atomicWrite(cachePath(key), [encodeSafetensors({ pixels }, { metadata })]);
  } catch (error) {
    // nobody asked for the one in the home folder, and the pictures can be drawn again
    if (!process.env.INKWASH_CACHE) return;
    onWarning(
      `the data cache was not saved, the pictures will be rendered again next time: ${(error as Error).message}\n` +
        '  set INKWASH_CACHE to a folder you may write to',
    );
  }
}

function cachePath(key: string): string {
  return join(cacheDirectory(), `${key}.safetensors`);
}

function hashEntry(pixels: NdArray, notes: string): string {
  return contentHash([pixels.data as Uint8Array, notes]);
}
