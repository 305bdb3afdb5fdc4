/** @file Pictures as numbers: float CHW in [-1, 1] to and from 8-bit HWC, and grids of them. */
import { ConfigError, formatShape, type NdArray, ShapeError } from '../tensor/index.ts';

/** An 8-bit picture, row-major [height, width, channels]; 1 = grey, 3 = RGB, 4 = RGBA. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3 | 4;
  readonly data: Uint8Array;
}

/** The level nearest to a value in [-1, 1]; values outside are clamped, NaN becomes 0. */
export function toLevel(value: number): number {
  const level = Math.round((value + 1) * 127.5);
  return level > 0 ? Math.min(level, 255) : 0;
}

/** `[C, H, W]` floats in [-1, 1] from `data[at …]` to an 8-bit picture. Throws `ShapeError` unless C is 1, 3 or 4. */
export function pictureFromFloats(data: ArrayLike<number>, shape: readonly number[], at = 0): Picture {
  const [channels, height, width] = shape;
  if (shape.length !== 3 || (channels !== 1 && channels !== 3 && channels !== 4) || !height || !width) {
    throw new ShapeError(`a picture has the shape [1, 3 or 4, H, W], got ${formatShape(shape)}`);
  }
  const area = height * width;
  const out = new Uint8Array(area * channels);
  for (let c = 0; c < channels; c++) {
    for (let i = 0; i < area; i++) out[i * channels + c] = toLevel(data[at + c * area + i]!);
  }
  return { width, height, channels, data: out };
}

/** An 8-bit picture to `[C, H, W]` floats in [-1, 1]. */
export function floatsFromPicture({ width, height, channels, data }: Picture): Float32Array {
  const area = width * height;
  const out = new Float32Array(area * channels);
  for (let c = 0; c < channels; c++) {
    for (let i = 0; i < area; i++) out[c * area + i] = data[i * channels + c]! / 127.5 - 1;
  }
  return out;
}

/** Each pixel as a block of `scale` × `scale` (nearest neighbour). */
export function enlarge(picture: Picture, scale: number): Picture {
  if (!Number.isInteger(scale) || scale < 1)
    throw new ConfigError(`scale must be a whole number of at least 1, got ${scale}`);
  if (scale === 1) return picture;
  const { channels } = picture;
  const width = picture.width * scale;
  const height = picture.height * scale;
  const out = new Uint8Array(width * height * channels);
  for (let y = 0; y < height; y++) {
    const row = Math.floor(y / scale) * picture.width;
    for (let x = 0; x < width; x++) {
      const from = (row + Math.floor(x / scale)) * channels;
      const to = (y * width + x) * channels;
      for (let c = 0; c < channels; c++) out[to + c] = picture.data[from + c]!;
    }
  }
  return { width, height, channels, data: out };
}

/** Options of `makeGrid`. */
export interface GridOptions {
  /** Pictures per row; the most square grid by default. */
  readonly columns?: number;
  /** Whole-number enlargement of every picture. */
  readonly scale?: number;
  /** Pixels between pictures and around the grid, after enlargement. */
  readonly padding?: number;
  /** Level 0 … 255 of the padding and of empty places. */
  readonly background?: number;
}

/** The largest edge that the PNG and JPEG writers in use accept. */
const MAX_EDGE = 32767;

/**
 * Lays pictures `images: [N, C, H, W]` (floats in [-1, 1]) out in rows. Throws `ShapeError` for another shape,
 * `ConfigError` for an option out of range or a grid too large to write.
 */
export function makeGrid(images: NdArray, options: GridOptions = {}): Picture {
  const [count, ...shape] = images.shape;
  if (images.shape.length !== 4 || !count) {
    throw new ShapeError(`a grid is made of [N, C, H, W] pictures, got ${formatShape(images.shape)}`);
  }
  if (!(images.data instanceof Float32Array || images.data instanceof Float64Array)) {
    throw new ShapeError(`a grid is made of float pictures in [-1, 1], got ${images.dtype}`);
  }
  const { data } = images;
  const size = data.length / count;
  return tile(
    Array.from({ length: count }, (_, i) => pictureFromFloats(data, shape, i * size)),
    options,
  );
}

/** Lays equally sized 8-bit pictures out in rows, see `makeGrid`. */
export function tile(pictures: readonly Picture[], options: GridOptions = {}): Picture {
  const [first] = pictures;
  if (!first) throw new ShapeError('a grid needs at least one picture');
  const { columns = Math.ceil(Math.sqrt(pictures.length)), scale = 1, padding = 0, background = 255 } = options;
  for (const [name, value, minimum] of [
    ['columns', columns, 1],
    ['scale', scale, 1],
    ['padding', padding, 0],
  ] as const) {
    if (!Number.isInteger(value) || value < minimum) {
      throw new ConfigError(`${name} must be a whole number of at least ${minimum}, got ${value}`);
    }
  }
  const { channels } = first;
  const pitchX = first.width * scale + padding;
  const pitchY = first.height * scale + padding;
  const width = columns * pitchX + padding;
  const height = Math.ceil(pictures.length / columns) * pitchY + padding;
  if (Math.max(width, height) > MAX_EDGE) {
    throw new ConfigError(`the grid would be ${width}×${height} pixels`, 'use a smaller scale or fewer pictures');
  }
  const out = new Uint8Array(width * height * channels).fill(background);
  pictures.forEach((picture, index) => {
    if (picture.width !== first.width || picture.height !== first.height || picture.channels !== channels) {
      throw new ShapeError('all pictures of a grid must have the same size and channels');
    }
    const cell = enlarge(picture, scale);
    const left = padding + (index % columns) * pitchX;
    const top = padding + Math.floor(index / columns) * pitchY;
    const stride = cell.width * channels;
    for (let y = 0; y < cell.height; y++) {
      out.set(cell.data.subarray(y * stride, (y + 1) * stride), ((top + y) * width + left) * channels);
    }
  });
  return { width, height, channels, data: out };
}
