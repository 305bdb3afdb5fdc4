/** @file A folder of pictures as a data set: anything odd is converted or skipped, counted, and never fatal. */
import { readFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { ConfigError, DataError } from '../tensor/index.ts';
import { extensionOf, readCaptions } from './captions.node.ts';
import {
  type Conversion,
  checkCount,
  createDataset,
  type DataReport,
  type DataSplits,
  type Dataset,
} from './dataset.ts';
import { type Crop, type DecodedImage, decodeImage } from './decode-image.node.ts';
import { folderLayout } from './folder-classes.ts';
import { scanFolder } from './scan-folder.node.ts';
import { splitDataset } from './split.ts';

/** Options of `openImageFolder`. */
export interface ImageFolderOptions {
  /** Edge of the square pictures, in pixels. */
  readonly size?: number;
  /** `auto` is grey when every picture is, else RGB. */
  readonly channels?: 'rgb' | 'grey' | 'auto';
  /** What to do with pictures that are not square; padding is white. */
  readonly crop?: Crop;
  /** Add the mirror image of every training picture. */
  readonly flip?: boolean;
  /** Fraction below 1, or count, of pictures to hold out where the folder has no validation part. */
  readonly heldOut?: number;
  /** Which pictures are held out. */
  readonly seed?: number;
  /** Column of the captions in metadata files. */
  readonly captionColumn?: string;
  /** Called while the pictures are decoded. */
  readonly onProgress?: (done: number, total: number) => void;
}

const IMAGE_EXTENSIONS = ['.png', '.jpg', '.jpeg', '.webp', '.gif', '.avif', '.tif', '.tiff', '.svg', ''];
/** Pictures live in one array in memory. */
const MAX_BYTES = 2 ** 31;
/** Files under way at a time. */
const CONCURRENCY = 8;

/**
 * Opens the pictures below `path`: sub-folders as classes, captions from metadata files or same-stem `.txt`.
 * The report counts every file. Throws `DataError` when the folder is missing or holds no usable picture, `ConfigError`
 * for impossible options or more than 2 GiB of pictures.
 */
export async function openImageFolder(path: string, options: ImageFolderOptions = {}): Promise<DataSplits> {
  const { size = 32, channels = 'auto', crop = 'centre', flip = false, captionColumn = 'text', onProgress } = options;
  checkCount('size', size, 1);
  checkChoice('channels', channels, ['rgb', 'grey', 'auto']);
  checkChoice('crop', crop, ['centre', 'stretch', 'pad']);
  const scan = await scanFolder(path);
  const candidates = scan.files.filter((file) => IMAGE_EXTENSIONS.includes(extensionOf(file)));
  const described = await readCaptions(path, scan.files, candidates, captionColumn);
  const skipped = [...scan.skipped];
  const isCandidate = new Set(candidates);
  for (const file of scan.files) {
    if (isCandidate.has(file) || described.sources.has(file)) continue;
    skipped.push({ file, reason: `not a picture inkwash reads (${extensionOf(file)})` });
  }
  const area = size * size;
  if (candidates.length * area * 3 > MAX_BYTES) {
    throw new ConfigError(
      `${candidates.length} pictures of ${size}×${size} need ${candidates.length * area * 3} bytes, more than ${MAX_BYTES}`,
      'use a smaller size, or fewer pictures',
    );
  }
  const decoded = await decodeAll(path, candidates, size, crop, skipped, onProgress);
  const used = candidates.filter((_, i) => decoded[i]);
  const images = decoded.filter((image) => image !== undefined);
  if (images.length === 0) throw new DataError(`${path} holds no usable picture${summary(skipped)}`, EMPTY_HINT);
  const isGrey = channels === 'grey' || (channels === 'auto' && images.every(({ grey }) => grey));
  const layout = folderLayout(used);
  const all = createDataset({
    name: basename(resolve(path)),
    imageShape: [isGrey ? 1 : 3, size, size],
    pixels: pack(images, area, isGrey),
    labels: layout.labels,
    classNames: layout.classNames,
    captions: described.captions.size > 0 ? used.map((file) => described.captions.get(file)) : undefined,
    attributes: used.map((file) => ({ file, ...described.attributes.get(file) })),
  });
  const uncaptioned = used.filter((file) => !described.captions.has(file)).length;
  const warnings = [...described.warnings, ...layout.warnings];
  if (described.captions.size > 0 && uncaptioned > 0) warnings.push(`${uncaptioned} pictures have no caption`);
  const report: DataReport = {
    used: images.length,
    skipped: skipped.sort((a, b) => (a.file < b.file ? -1 : 1)),
    converted: countConversions(images, isGrey),
    warnings,
  };
  const { train, heldOut } = splitByFolder(all, layout.parts, options);
  return { train: flip ? train.withMirrored() : train, heldOut, report };
}

const EMPTY_HINT = 'put PNG, JPEG, WebP, GIF, AVIF, TIFF or SVG files in it or in its sub-folders';

function checkChoice(option: string, value: string, choices: readonly string[]): void {
  if (!choices.includes(value)) {
    throw new ConfigError(`${option} is ${choices.join(', ')}, got ${JSON.stringify(value)}`);
  }
}

/** Decodes every candidate; a failure becomes an entry of `skipped` and a hole in the result. */
async function decodeAll(
  root: string,
  files: readonly string[],
  size: number,
  crop: Crop,
  skipped: { file: string; reason: string }[],
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
        results[index] = await decodeImage(await readFile(join(root, file)), size, crop);
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

function splitByFolder(all: Dataset, parts: readonly string[], options: ImageFolderOptions): DataSplits {
  const rowsOf = (part: string): number[] => parts.flatMap((value, row) => (value === part ? [row] : []));
  if (rowsOf('heldOut').length > 0) {
    return { train: all.subset(rowsOf('train')), heldOut: all.subset(rowsOf('heldOut'), `${all.name} held-out`) };
  }
  const { heldOut = 0.1, seed = 0 } = options;
  return splitDataset(all, { heldOut, seed });
}

/** ": a.txt: not a picture; b.png: …", at most three. */
function summary(skipped: readonly { file: string; reason: string }[]): string {
  if (skipped.length === 0) return ': it is empty';
  const some = skipped.slice(0, 3).map(({ file, reason }) => `${file}: ${reason}`);
  return `: ${some.join('; ')}${skipped.length > 3 ? `; and ${skipped.length - 3} more files` : ''}`;
}
