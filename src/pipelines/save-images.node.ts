/** @file Generated pictures as PNG files. */
import {
  type GridOptions,
  makeGrid,
  type OverwriteOptions,
  type PngOptions,
  pictureFromFloats,
  refuseOverwriting,
  writePng,
} from '../formats/index.node.ts';
import { float32Data, type NdArray } from '../tensor/index.ts';

/** Small pictures are enlarged to about this edge, so that they can be seen. */
const SHOWN_EDGE = 64;

/** Whole-number enlargement for pictures of this size. */
export function shownScale([height = 1, width = 1]: readonly number[]): number {
  return Math.max(1, Math.round(SHOWN_EDGE / Math.max(height, width)));
}

/**
 * Writes pictures [N, C, H, W] in [-1, 1] as one PNG, in rows, small ones enlarged with nearest neighbour; an older file of
 * that name is replaced unless `overwrite` is false. Throws `DataError` when the file cannot be written.
 */
export async function saveGrid(path: string, images: NdArray, options: GridOptions & PngOptions = {}): Promise<void> {
  const { text, overwrite = true, ...grid } = options;
  const picture = makeGrid(images, { scale: shownScale(images.shape.slice(2)), padding: 2, ...grid });
  await writePng(path, picture, { overwrite, ...(text && { text }) });
}

/** Options of `saveImages`. */
export interface SaveImagesOptions extends OverwriteOptions {
  /** Text chunks of each picture. */
  readonly textOf?: (index: number) => Readonly<Record<string, string>>;
}

/**
 * Writes each of the pictures [N, C, H, W] in [-1, 1] to the path of its number, at its own size, and returns the paths.
 * Throws `DataError` before anything is written when a file is there already, unless `overwrite`; when a file cannot be
 * written; `ConfigError` when two pictures have one path.
 */
export async function saveImages(
  images: NdArray,
  pathOf: (index: number) => string,
  { textOf, overwrite = false }: SaveImagesOptions = {},
): Promise<string[]> {
  const [count = 0, ...shape] = images.shape;
  const size = images.data.length / count;
  const paths = Array.from({ length: count }, (_, i) => pathOf(i));
  await refuseOverwriting(paths, { overwrite });
  for (const [i, path] of paths.entries()) {
    const picture = pictureFromFloats(float32Data(images), shape, i * size);
    await writePng(path, picture, { overwrite, ...(textOf && { text: textOf(i) }) });
  }
  return paths;
}
