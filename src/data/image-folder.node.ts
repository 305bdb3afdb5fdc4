/** @file A folder of pictures as a data set: anything odd is converted or skipped, counted, and never fatal. */
import { readFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { ConfigError, DataError } from '../tensor/index.ts';
import { plural } from '../tensor/plural.ts';
import { isDescription, readCaptions } from './captions.node.ts';
import {
  type Conversion,
  createDataset,
  type DataReport,
  type DataSplits,
  type Dataset,
  type SkippedFile,
} from './dataset.ts';
import { type Crop, type DecodedImage, decodeImage } from './decode-image.node.ts';
import { findPictures } from './find-pictures.node.ts';
import { type FolderLayout, folderLayout } from './folder-classes.ts';
import { type ImageSize, type PixelSize, parseImageSize } from './image-size.ts';
import { listed } from './listed.ts';
import { scanFolder, unreadable } from './scan-folder.node.ts';
import { type SplitRows, splitRows } from './split.ts';
import { twins } from './twins.ts';

/** Options of `openImageFolder`. */
export interface ImageFolderOptions {
  /** Edge of square pictures in pixels, or `'48x32'` for width x height. */
  readonly size?: ImageSize;
  /** `auto` is grey when every picture is, else RGB. */
  readonly channels?: 'rgb' | 'grey' | 'auto';
  /** What to do with pictures of another shape; padding is white. */
  readonly crop?: Crop;
  /** Add the mirror image of every training picture. */
  readonly flip?: boolean;
  /** Fraction below 1, or count, of pictures to hold out where the folder has no validation part. */
  readonly heldOut?: number;
  /** Which pictures are held out. */
  readonly seed?: number;
  /** Column of the captions in metadata files. */
  readonly captionColumn?: string;
  /** Read sub-folders as kohya's trainers do: `10_cat` holds pictures of class `cat`, each seen 10 times an epoch. */
  readonly folderRepeats?: boolean;
  /** Called while the pictures are decoded. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** Pictures live in one array in memory. */
const MAX_BYTES = 2 ** 31;
/** Places of an epoch at most: numbers of folders beyond it are dates, not repeats. */
const MAX_PLACES = 2 ** 24;
/** Files under way at a time. */
const CONCURRENCY = 8;

/**
 * Opens the pictures below `path`, found by their content: sub-folders as classes, captions from metadata files or
 * same-stem `.txt`. The report counts every file. Throws `DataError` when the folder is missing or holds no usable
 * picture, `ConfigError` for impossible options or more than 2 GiB of pictures.
 */
export async function openImageFolder(path: string, options: ImageFolderOptions = {}): Promise<DataSplits> {
  const { channels = 'auto', crop = 'centre', flip = false, captionColumn = 'text', onProgress } = options;
  const size = parseImageSize(options.size ?? 32);
  checkChoice('channels', channels, ['rgb', 'grey', 'auto']);
  checkChoice('crop', crop, ['centre', 'stretch', 'pad']);
  const scan = await scanFolder(path);
  const { pictures, others } = await findPictures(
    path,
    scan.files.filter((file) => !isDescription(file)),
  );
  const described = await readCaptions({ root: path, files: scan.files, pictures, column: captionColumn });
  const strays = scan.files.filter((file) => isDescription(file) && !described.sources.has(file));
  const skipped: SkippedFile[] = [
    ...scan.skipped,
    ...others,
    ...strays.map((file) => ({ file, reason: 'a text that belongs to no picture' })),
  ];
  checkMemory(pictures.length, size);
  const decoded = await decodeAll(path, pictures, size, crop, skipped, onProgress);
  const used = pictures.filter((_, i) => decoded[i]);
  const images = decoded.filter((image) => image !== undefined);
  if (images.length === 0) throw new DataError(`${path} holds no usable picture${summary(skipped)}`, EMPTY_HINT);
  const isGrey = channels === 'grey' || (channels === 'auto' && images.every(({ grey }) => grey));
  const layout = folderLayout(used, options);
  const { width, height } = size;
  const pixels = pack(images, width * height, isGrey);
  const all = createDataset({
    name: basename(resolve(path)),
    imageShape: [isGrey ? 1 : 3, height, width],
    pixels,
    labels: layout.labels,
    classNames: layout.classNames,
    captions: described.captions.size > 0 ? used.map((file) => described.captions.get(file)) : undefined,
    attributes: used.map((file) => ({ file, ...described.attributes.get(file) })),
  });
  const rows = rowsOfParts(all, layout, options);
  const uncaptioned = described.captions.size > 0 ? used.filter((file) => !described.captions.has(file)) : [];
  const shared = twins(pixels, pixels.length / used.length, rows).map(([a, b]) => `${used[b]} is ${used[a]}`);
  const report: DataReport = {
    used: images.length,
    skipped: skipped.sort((a, b) => (a.file < b.file ? -1 : 1)),
    converted: countConversions(images, isGrey),
    warnings: [
      ...described.warnings,
      ...layout.warnings,
      ...(uncaptioned.length > 0
        ? [`${plural(uncaptioned.length, 'picture')} without a caption: ${listed(uncaptioned)}`]
        : []),
      ...(shared.length > 0
        ? [
            `${plural(shared.length, 'held-out picture')} also trained on, so the held-out loss flatters: ${listed(shared)}`,
          ]
        : []),
    ],
  };
  const train = all.subset(repeated(rows.train, layout.repeats));
  const heldOut = all.subset(rows.heldOut, `${all.name} held-out`);
  return { train: flip ? train.withMirrored() : train, heldOut, report };
}

const EMPTY_HINT = 'put PNG, JPEG, WebP, GIF, AVIF, TIFF, BMP or SVG files in it or in its sub-folders';

function checkMemory(count: number, { width, height }: PixelSize): void {
  const bytes = count * width * height * 3;
  if (bytes <= MAX_BYTES) return;
  throw new ConfigError(
    `${plural(count, 'picture')} of ${width}×${height} need ${(bytes / 2 ** 30).toFixed(1)} GiB, at most ${MAX_BYTES / 2 ** 30} fit`,
    { api: 'use a smaller size, or fewer pictures', cli: 'use a smaller --size, or fewer pictures' },
  );
}

function checkChoice(option: string, value: string, choices: readonly string[]): void {
  if (!choices.includes(value)) {
    throw new ConfigError(`${option} is ${choices.join(', ')}, got ${JSON.stringify(value)}`);
  }
}

/** Decodes every candidate; a failure becomes an entry of `skipped` and a hole in the result. */
async function decodeAll(
  root: string,
  files: readonly string[],
  size: PixelSize,
  crop: Crop,
  skipped: SkippedFile[],
  onProgress?: (done: number, total: number) => void,
): Promise<(DecodedImage | undefined)[]> {
  const results = new Array<DecodedImage | undefined>(files.length).fill(undefined);
  let next = 0;
  let done = 0;
  const work = async (): Promise<void> => {
    while (next < files.length) {
      const index = next++;
      const file = files[index]!;
      try {
        const bytes = await readFile(join(root, file)).catch((cause) => {
          throw new Error(unreadable(cause), { cause });
        });
        results[index] = await decodeImage(bytes, size, crop);
      } catch (error) {
        skipped.push({ file, reason: (error as Error).message });
      }
      onProgress?.(++done, files.length);
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, work));
  return results;
}

/** HWC pictures to one [N, C, H, W] array; grey is Rec. 709 luma, exact for neutral pixels. */
function pack(images: readonly DecodedImage[], area: number, isGrey: boolean): Uint8Array {
  const channels = isGrey ? 1 : 3;
  const pixels = new Uint8Array(images.length * channels * area);
  images.forEach(({ rgb }, n) => {
    const start = n * channels * area;
    for (let i = 0; i < area; i++) {
      const [r, g, b] = [rgb[3 * i]!, rgb[3 * i + 1]!, rgb[3 * i + 2]!];
      if (isGrey) pixels[start + i] = Math.round(0.2126 * r + 0.7152 * g + 0.0722 * b);
      else {
        pixels[start + i] = r;
        pixels[start + area + i] = g;
        pixels[start + 2 * area + i] = b;
      }
    }
  });
  return pixels;
}

function countConversions(images: readonly DecodedImage[], isGrey: boolean): Partial<Record<Conversion, number>> {
  const counts: Partial<Record<Conversion, number>> = {};
  for (const { grey, conversions } of images) {
    const recoloured: Conversion[] = grey === isGrey ? [] : [isGrey ? 'colour' : 'grey'];
    for (const conversion of [...conversions, ...recoloured]) counts[conversion] = (counts[conversion] ?? 0) + 1;
  }
  return counts;
}

/** As the folder says, else by the seed. */
function rowsOfParts(all: Dataset, { parts }: FolderLayout, { heldOut, seed }: ImageFolderOptions): SplitRows {
  const rowsOf = (part: string): Uint32Array =>
    Uint32Array.from(parts.flatMap((value, row) => (value === part ? [row] : [])));
  if (rowsOf('heldOut').length > 0) return { train: rowsOf('train'), heldOut: rowsOf('heldOut') };
  return splitRows(all, { ...(heldOut !== undefined && { heldOut }), ...(seed !== undefined && { seed }) });
}

/** Every row as often as an epoch is to see it. Throws `ConfigError` where no memory could hold an epoch. */
function repeated(rows: Uint32Array, repeats: readonly number[]): Uint32Array {
  const total = rows.reduce((sum, row) => sum + repeats[row]!, 0);
  if (total > MAX_PLACES) {
    throw new ConfigError(`the names of the folders ask for ${total} pictures an epoch, at most ${MAX_PLACES} fit`, {
      api: 'leave folderRepeats out',
      cli: 'leave --folder-repeats out',
    });
  }
  const places = new Uint32Array(total);
  let at = 0;
  for (const row of rows) {
    places.fill(row, at, at + repeats[row]!);
    at += repeats[row]!;
  }
  return places;
}

/** ": a.txt: not a picture; b.png: …", at most three. */
function summary(skipped: readonly SkippedFile[]): string {
  if (skipped.length === 0) return ': it is empty';
  const some = skipped.slice(0, 3).map(({ file, reason }) => `${file}: ${reason}`);
  return `: ${some.join('; ')}${skipped.length > 3 ? `; and ${plural(skipped.length - 3, 'more file')}` : ''}`;
}
