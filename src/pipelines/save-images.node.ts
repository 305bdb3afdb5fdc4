/** @file Generated pictures as PNG files. */
import { type GridOptions, makeGrid, type PngOptions, pictureFromFloats, writePng } from '../formats/index.node.ts';
import { float32Data, type NdArray } from '../tensor/index.ts';

/** Small pictures are enlarged to about this edge, so that they can be seen. */
const SHOWN_EDGE = 64;

/** Whole-number enlargement for pictures of this size. */
export function shownScale([height = 1, width = 1]: readonly number[]): number {
  return Math.max(1, Math.round(SHOWN_EDGE / Math.max(height, width)));
}

/**
 * Writes pictures [N, C, H, W] in [-1, 1] as one PNG, in rows, small ones enlarged with nearest neighbour.
 * Throws `DataError` when the file cannot be written.
 */
export async function saveGrid(path: string, images: NdArray, options: GridOptions & PngOptions = {}): Promise<void> {
  const { text, ...grid } = options;
  const picture = makeGrid(images, { scale: shownScale(images.shape.slice(2)), padding: 2, ...grid });
  await writePng(path, picture, text ? { text } : {});
}

/**
 * Writes each of the pictures [N, C, H, W] in [-1, 1] to the path of its number, at its own size, and returns the paths.
 * `textOf` gives the text chunks of each. Throws `DataError` when a file cannot be written.
 */
export async function saveImages(
  images: NdArray,
  pathOf: (index: number) => string,
  textOf?: (index: number) => Readonly<Record<string, string>>,
): Promise<string[]> {
  const [count = 0, ...shape] = images.shape;
  const size = images.data.length / count;
  const paths = Array.from({ length: count }, (_, i) => pathOf(i));
  for (const [i, path] of paths.entries()) {
    const picture = pictureFromFloats(float32Data(images), shape, i * size);
    await writePng(path, picture, textOf ? { text: textOf(i) } : {});
  }
  return paths;
}
