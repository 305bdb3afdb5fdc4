/** @file Reads Windows bitmaps: palettes, run lengths, bit fields and true colour, bottom-up or top-down (Microsoft, "Bitmap Storage"). */
import { DataError } from '../tensor/index.ts';
import type { Picture } from './images.ts';

/** What the header of a bitmap says. */
export interface BmpHeader {
  readonly width: number;
  readonly height: number;
  /** Whether the first row of the file is the top one. */
  readonly topDown: boolean;
  /** Bits per pixel. */
  readonly bits: number;
  readonly compression: number;
  /** Where the pixels begin. */
  readonly offset: number;
  /** Red, green, blue and alpha of direct colours; 0 where there is none. */
  readonly masks: readonly [number, number, number, number];
  /** RGB of every index, of at most 256. */
  readonly palette: Uint8Array;
}

const FILE_HEADER = 14;
/** The header of OS/2 1.x, with 16-bit sizes and palettes of three bytes. */
const CORE_HEADER = 12;
const INFO_HEADER = 40;
const [RGB, RLE8, RLE4, BIT_FIELDS, ALPHA_BIT_FIELDS] = [0, 1, 2, 3, 6];
const INDEXED = [1, 2, 4, 8];

/** Reads the header alone. Throws `DataError` when it is cut short, or of a kind that is not a picture in itself. */
export function readBmpHeader(bytes: Uint8Array): BmpHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < FILE_HEADER + CORE_HEADER || view.getUint16(0) !== 0x424d) throw cutShort();
  const size = view.getUint32(FILE_HEADER, true);
  const isCore = size === CORE_HEADER;
  if (!isCore && (size < INFO_HEADER || bytes.length < FILE_HEADER + size)) throw cutShort();
  const at = FILE_HEADER + 4;
  const width = isCore ? view.getUint16(at, true) : view.getInt32(at, true);
  const signedHeight = isCore ? view.getUint16(at + 2, true) : view.getInt32(at + 4, true);
  const bits = view.getUint16(at + (isCore ? 6 : 10), true);
  const compression = isCore ? RGB! : view.getUint32(at + 12, true);
  const indexed = INDEXED.includes(bits);
  const known =
    (compression === RGB && (indexed || [16, 24, 32].includes(bits))) ||
    (compression === RLE8 && bits === 8) ||
    (compression === RLE4 && bits === 4) ||
    ([BIT_FIELDS, ALPHA_BIT_FIELDS].includes(compression) && (bits === 16 || bits === 32));
  if (!known) throw new DataError(`a bitmap of ${bits} bits and compression ${compression} is not read`);
  if (width <= 0 || signedHeight === 0) throw new DataError(`a bitmap of ${width}×${signedHeight} holds no pixels`);
  // fields of 40-byte headers follow them, where later headers hold them
  const fields = compression === ALPHA_BIT_FIELDS ? 4 : compression === BIT_FIELDS ? 3 : 0;
  const paletteAt = FILE_HEADER + size + (size === INFO_HEADER ? fields * 4 : 0);
  const offset = view.getUint32(10, true);
  const entry = isCore ? 3 : 4;
  const asked = indexed ? (isCore ? 0 : view.getUint32(at + 28, true)) || 2 ** bits : 0;
  const colours = Math.max(
    0,
    Math.min(asked, 2 ** bits, Math.floor((Math.min(offset, bytes.length) - paletteAt) / entry)),
  );
  const palette = new Uint8Array(3 * 2 ** (indexed ? bits : 0));
  for (let i = 0; i < colours; i++) {
    const from = paletteAt + i * entry;
    palette.set([bytes[from + 2]!, bytes[from + 1]!, bytes[from]!], i * 3);
  }
  return {
    width,
    height: Math.abs(signedHeight),
    topDown: signedHeight < 0,
    bits,
    compression,
    offset,
    masks: masksOf(view, size, bits, fields),
    palette,
  };
}

function masksOf(view: DataView, headerSize: number, bits: number, fields: number): BmpHeader['masks'] {
  if (fields === 0) return bits === 16 ? [0x7c00, 0x3e0, 0x1f, 0] : [0xff0000, 0xff00, 0xff, 0];
  const at = FILE_HEADER + INFO_HEADER;
  const hasAlpha = fields === 4 || headerSize >= INFO_HEADER + 16;
  if (view.byteLength < at + (hasAlpha ? 16 : 12)) throw cutShort();
  const mask = (i: number): number => view.getUint32(at + 4 * i, true);
  return [mask(0), mask(1), mask(2), hasAlpha ? mask(3) : 0];
}

/**
 * The picture of a `.bmp` file, RGB, or RGBA where it has an alpha channel that is not empty.
 * Throws `DataError` when it is cut short or its compression is none of a bitmap's own.
 */
export function decodeBmp(bytes: Uint8Array): Picture {
  const header = readBmpHeader(bytes);
  const { width, height, bits, compression } = header;
  if (!INDEXED.includes(bits)) return directColours(bytes, header);
  const isRle = compression === RLE8 || compression === RLE4;
  const indices = isRle ? runLengths(bytes, header) : packedIndices(bytes, header);
  const data = new Uint8Array(width * height * 3);
  for (let i = 0; i < indices.length; i++) {
    const from = indices[i]! * 3;
    data[3 * i] = header.palette[from]!;
    data[3 * i + 1] = header.palette[from + 1]!;
    data[3 * i + 2] = header.palette[from + 2]!;
  }
  return { width, height, channels: 3, data };
}

/** Where each row of the picture begins in the file, from the top; rows fill whole 32-bit words. */
function rowStarts(bytes: Uint8Array, { width, height, bits, topDown, offset }: BmpHeader): number[] {
  const stride = 4 * Math.ceil((width * bits) / 32);
  if (offset + stride * height > bytes.length) throw cutShort();
  return Array.from({ length: height }, (_, y) => offset + (topDown ? y : height - 1 - y) * stride);
}

/** 1, 2, 4 or 8 bits a pixel, the leftmost in the highest bits. */
function packedIndices(bytes: Uint8Array, header: BmpHeader): Uint8Array {
  const { width, height, bits } = header;
  const starts = rowStarts(bytes, header);
  const indices = new Uint8Array(width * height);
  const perByte = 8 / bits;
  starts.forEach((start, y) => {
    for (let x = 0; x < width; x++) {
      const shift = 8 - bits * ((x % perByte) + 1);
      indices[y * width + x] = (bytes[start + Math.floor(x / perByte)]! >> shift) & (2 ** bits - 1);
    }
  });
  return indices;
}

/** Runs of one index (RLE8) or two in turns (RLE4), literal stretches, jumps and ends; what is jumped over is index 0. */
function runLengths(bytes: Uint8Array, { width, height, bits, topDown, offset }: BmpHeader): Uint8Array {
  const indices = new Uint8Array(width * height);
  let [at, x, y] = [offset, 0, 0];
  const next = (): number => {
    const byte = bytes[at++];
    if (byte === undefined) throw cutShort();
    return byte;
  };
  const put = (index: number): void => {
    if (x < width && y < height) indices[(topDown ? y : height - 1 - y) * width + x] = index;
    x++;
  };
  for (;;) {
    const [count, value] = [next(), next()];
    if (count > 0) {
      for (let i = 0; i < count; i++) put(bits === 8 ? value : i % 2 === 0 ? value >> 4 : value & 15);
    } else if (value === 0) {
      [x, y] = [0, y + 1];
    } else if (value === 1) {
      return indices;
    } else if (value === 2) {
      x += next();
      y += next();
    } else {
      const from = at;
      for (let i = 0, byte = 0; i < value; i++) {
        if (bits === 8 || i % 2 === 0) byte = next();
        put(bits === 8 ? byte : i % 2 === 0 ? byte >> 4 : byte & 15);
      }
      // literal stretches fill whole 16-bit words
      at += (at - from) % 2;
    }
  }
}

/** 16, 24 or 32 bits a pixel, the channels under their masks. */
function directColours(bytes: Uint8Array, header: BmpHeader): Picture {
  const { width, height, bits, masks } = header;
  const step = bits / 8;
  const starts = rowStarts(bytes, header);
  const rgba = new Uint8Array(width * height * 4);
  const levels = masks.map(levelsUnder);
  starts.forEach((start, y) => {
    for (let x = 0; x < width; x++) {
      const from = start + x * step;
      let word = 0;
      for (let i = step - 1; i >= 0; i--) word = word * 256 + bytes[from + i]!;
      for (let c = 0; c < 4; c++) rgba[(y * width + x) * 4 + c] = levels[c]!(word);
    }
  });
  // many programs leave an alpha channel of zeros behind, and mean nothing by it
  const hasAlpha = masks[3] !== 0 && rgba.some((level, i) => i % 4 === 3 && level > 0);
  if (hasAlpha) return { width, height, channels: 4, data: rgba };
  return { width, height, channels: 3, data: rgba.filter((_, i) => i % 4 !== 3) };
}

/** The bits under a mask as a level of 0 … 255. */
function levelsUnder(mask: number): (word: number) => number {
  if (mask === 0) return () => 0;
  const unit = (mask & -mask) >>> 0;
  const largest = Math.floor(mask / unit);
  return (word) => Math.round((Math.floor(((word & mask) >>> 0) / unit) / largest) * 255);
}

function cutShort(): DataError {
  return new DataError('the bitmap is cut short');
}
