/** @file The built-in data set `avatars`: dicebear's pixelArt faces at their native 16×16, drawn on this machine. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pixelArt } from '@dicebear/collection';
import { createAvatar } from '@dicebear/core';
import sharp from 'sharp';
import { ndArray } from '../tensor/index.ts';
import {
  type AvatarAttribute,
  type AvatarParts,
  avatarAttributes,
  avatarCaption,
  avatarLabels,
} from './avatar-words.ts';
import { type CachedPictures, readCache, writeCache } from './cache.node.ts';
import { checkCount, createDataset, type DataSplits } from './dataset.ts';

/** Options of `openAvatars`. */
export interface AvatarsOptions {
  /** Pictures to train on. */
  readonly count?: number;
  /** Pictures held out: the first seeds, so that more training pictures leave them unchanged. */
  readonly heldOut?: number;
  /** Attribute, or product of attributes, that becomes the class label. */
  readonly labelBy?: AvatarAttribute | readonly AvatarAttribute[];
  /** Keep the rendered pictures in the cache folder. */
  readonly cache?: boolean;
  /** Called while the pictures are drawn. */
  readonly onProgress?: (done: number, total: number) => void;
  /** Called when something failed that does not matter for the result. */
  readonly onWarning?: (message: string) => void;
}

/** Native edge of a pixelArt avatar. */
const SIZE = 16;
/** Avatars drawn as one picture. */
const SHEET_COLUMNS = 8;
const SHEET_ROWS = 4;
/** Sheets under way at a time: enough to fill the renderer's threads. */
const CONCURRENCY = 4;

/**
 * Faces of seeds `"0" … "heldOut + count - 1"` on white, RGB, [3, 16, 16], with attributes, captions and labels.
 * Deterministic: the same seeds give the same pictures. The first `heldOut` seeds are held out. The drawings are CC0.
 * Throws `ConfigError` for an impossible count or an unknown attribute.
 */
export async function openAvatars(options: AvatarsOptions = {}): Promise<DataSplits> {
  const {
    count = 4096,
    heldOut = 512,
    labelBy = 'hairColor',
    cache = true,
    onProgress = (): void => undefined,
    onWarning = console.warn,
  } = options;
  checkCount('count', count, 1);
  checkCount('heldOut', heldOut, 0);
  avatarLabels([], labelBy);
  const total = count + heldOut;
  const key = `avatars-${makers()}-${total}`;
  let pictures = cache ? await readCache(key) : undefined;
  if (pictures?.notes.length !== total) {
    pictures = await render(total, onProgress);
    if (cache) await writeCache(key, pictures, onWarning);
  }
  const attributes = pictures.notes.map((parts) => avatarAttributes(parts as AvatarParts));
  const all = createDataset({
    name: 'avatars',
    imageShape: [3, SIZE, SIZE],
    pixels: pictures.pixels.data as Uint8Array,
    captions: attributes.map(avatarCaption),
    attributes,
    ...avatarLabels(attributes, labelBy),
  });
  const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);
  return {
    train: all.subset(range(heldOut, total)),
    heldOut: all.subset(range(0, heldOut), 'avatars held-out'),
  };
}

/** Versions of everything that decides the pixels. */
function makers(): string {
  // the package exports its entry alone, so its package.json is found beside it
  const entry = createRequire(import.meta.url).resolve('@dicebear/collection');
  const { version } = JSON.parse(readFileSync(join(dirname(entry), '..', 'package.json'), 'utf8')) as {
    version: string;
  };
  return `${version}-rsvg${sharp.versions.rsvg ?? ''}-${SIZE}`;
}

async function render(total: number, onProgress: (done: number, total: number) => void): Promise<CachedPictures> {
  const area = SIZE * SIZE;
  const pixels = new Uint8Array(total * 3 * area);
  const notes = new Array<unknown>(total);
  let next = 0;
  let done = 0;
  const work = async (): Promise<void> => {
    while (next < total) {
      const first = next;
      next = Math.min(total, first + SHEET_COLUMNS * SHEET_ROWS);
      const avatars = Array.from({ length: next - first }, (_, i) =>
        createAvatar(pixelArt, { seed: String(first + i), size: SIZE }),
      );
      const sheet = await drawSheet(avatars.map(String));
      avatars.forEach((avatar, i) => {
        notes[first + i] = avatar.toJson().extra;
        sheet.copyTo(i, pixels.subarray((first + i) * 3 * area));
      });
      done += avatars.length;
      onProgress(done, total);
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, work));
  return { pixels: ndArray(pixels, [total, 3, SIZE, SIZE], 'uint8'), notes };
}

/**
 * Draws many avatars as one picture, which takes a quarter of the time of one by one. Ids get a prefix each, because
 * avatars name their masks alike; so every pixel is that of an avatar drawn alone.
 */
async function drawSheet(svgs: readonly string[]): Promise<{ copyTo(index: number, chw: Uint8Array): void }> {
  const width = SHEET_COLUMNS * SIZE;
  const height = SHEET_ROWS * SIZE;
  const cells = svgs.map((svg, i) => {
    const place = `<svg x="${(i % SHEET_COLUMNS) * SIZE}" y="${Math.floor(i / SHEET_COLUMNS) * SIZE}" `;
    return svg.replaceAll(' id="', ` id="a${i}-`).replaceAll('url(#', `url(#a${i}-`).replace('<svg ', place);
  });
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${cells.join('')}</svg>`;
  const rgb = await sharp(new TextEncoder().encode(svg))
    .flatten({ background: '#ffffff' })
    .removeAlpha()
    .raw()
    .toBuffer();
  return {
    copyTo(index, chw) {
      const corner = (Math.floor(index / SHEET_COLUMNS) * width + (index % SHEET_COLUMNS)) * SIZE;
      for (let i = 0; i < SIZE * SIZE; i++) {
        const from = (corner + Math.floor(i / SIZE) * width + (i % SIZE)) * 3;
        for (let c = 0; c < 3; c++) chw[c * SIZE * SIZE + i] = rgb[from + c]!;
      }
    },
  };
}
