/** @file The size of pictures as users write it: `32` for a square, `'48x32'` for width × height. */
import { ConfigError } from '../tensor/index.ts';

/** Edge of square pictures in pixels, or width x height. */
export type ImageSize = number | `${number}x${number}`;

/** Width and height in pixels. */
export interface PixelSize {
  readonly width: number;
  readonly height: number;
}

/** Reads `32`, `'32'` or `'48x32'`. Throws `ConfigError` for anything else. */
export function parseImageSize(size: unknown): PixelSize {
  const [, width, height = width] = /^\s*(\d+)(?:\s*[x×]\s*(\d+))?\s*$/i.exec(String(size)) ?? [];
  const parsed = { width: Number(width), height: Number(height) };
  if (['number', 'string'].includes(typeof size) && parsed.width >= 1 && parsed.height >= 1) return parsed;
  throw new ConfigError(
    `a size is a whole number of pixels, or width x height, got ${JSON.stringify(size)}`,
    'write 32 for squares, 48x32 for pictures that are 48 wide and 32 high',
  );
}

/** The one way to write a size: a number for squares. */
export function formatImageSize({ width, height }: PixelSize): ImageSize {
  return width === height ? width : `${width}x${height}`;
}
