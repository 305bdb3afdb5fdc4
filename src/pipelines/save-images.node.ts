/** @file Generated pictures as PNG files. */
import { type GridOptions, makeGrid, type PngOptions, writePng } from '../formats/index.node.ts';
import { float32Data, type NdArray, ndArray } from '../tensor/index.ts';

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

/** Writes each of the pictures [N, C, H, W] in [-1, 1] to the path of its number, at its own size. */
export async function saveImages(
  images: NdArray,
  pathOf: (index: number) => string,
  options: PngOptions = {},
): Promise<string[]> {
  const [count = 0, ...shape] = images.shape;
  const size = images.data.length / count;
  const paths: string[] = [];
  for (let i = 0; i < count; i++) {
    const one = ndArray(float32Data(images).slice(i * size, (i + 1) * size), [1, ...shape]);
    await saveGrid(pathOf(i), one, { ...options, scale: 1, padding: 0 });
    paths.push(pathOf(i));
  }
  return paths;
}
