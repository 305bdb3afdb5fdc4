import { describe, expect, test } from 'vitest';
import { decodeBmp, readBmpHeader } from './bmp.ts';

const [RED, BLUE, GREEN] = [
  [255, 0, 0],
  [0, 0, 255],
  [10, 200, 30],
] as const;
/** 6×3: red on the left, blue on the right, green in its last row. */
const ROWS = [
  [RED, RED, RED, BLUE, BLUE, BLUE],
  [RED, RED, RED, BLUE, BLUE, BLUE],
  [RED, RED, RED, GREEN, GREEN, GREEN],
];
const PICTURE = ROWS.flat(2);
const PALETTE = [RED, BLUE, GREEN];
const indicesOf = (row: (typeof ROWS)[number]): number[] => row.map((colour) => PALETTE.indexOf(colour));

interface Parts {
  readonly bits: number;
  readonly compression?: number;
  readonly height?: number;
  /** What stands between a header of 40 bytes and the palette, or in a longer header. */
  readonly fields?: readonly number[];
  readonly headerSize?: number;
  readonly palette?: readonly (readonly number[])[];
  readonly pixels: readonly number[];
}

/** A file as "Bitmap Storage" describes it. */
function bmp({
  bits,
  compression = 0,
  height = 3,
  fields = [],
  headerSize = 40,
  palette = [],
  pixels,
}: Parts): Uint8Array {
  const inHeader = headerSize > 40;
  const header = Buffer.alloc(14 + headerSize);
  header.write('BM', 0);
  header.writeUInt32LE(headerSize, 14);
  header.writeInt32LE(6, 18);
  header.writeInt32LE(height, 22);
  header.writeUInt16LE(1, 26);
  header.writeUInt16LE(bits, 28);
  header.writeUInt32LE(compression, 30);
  header.writeUInt32LE(palette.length, 46);
  const masks = Buffer.alloc(4 * fields.length);
  fields.forEach((field, i) => {
    masks.writeUInt32LE(field, 4 * i);
  });
  if (inHeader) masks.copy(header, 54);
  const colours = palette.flatMap(([r, g, b]) => [b!, g!, r!, 0]);
  const start = Buffer.concat([header, inHeader ? Buffer.alloc(0) : masks, Buffer.from(colours)]);
  start.writeUInt32LE(start.length, 10);
  return Buffer.concat([start, Buffer.from(pixels)]);
}

/** Rows as a file has them: from the bottom, each filled up to whole words. */
const stored = (encode: (row: (typeof ROWS)[number]) => number[], rows = ROWS.toReversed()): number[] =>
  rows.flatMap((row) => {
    const bytes = encode(row);
    return [...bytes, ...new Array<number>(-bytes.length & 3).fill(0)];
  });
const bgr = (row: (typeof ROWS)[number]): number[] => row.flatMap(([r, g, b]) => [b, g, r]);
const bgrx = (x: number) => (row: (typeof ROWS)[number]) => row.flatMap(([r, g, b]) => [b, g, r, x]);
const words = (encode: (colour: readonly [number, number, number]) => number) => (row: (typeof ROWS)[number]) =>
  row.flatMap((colour) => [encode(colour) & 255, encode(colour) >> 8]);
const nibbles = (row: (typeof ROWS)[number]): number[] =>
  [0, 2, 4].map((i) => indicesOf(row)[i]! * 16 + indicesOf(row)[i + 1]!);

describe('a bitmap', () => {
  test.each([
    ['of 24 bits', { bits: 24, pixels: stored(bgr) }],
    ['of 24 bits, the top row first', { bits: 24, height: -3, pixels: stored(bgr, ROWS) }],
    ['of 32 bits, of which the last 8 mean nothing', { bits: 32, pixels: stored(bgrx(77)) }],
    ['of a palette of 8 bits', { bits: 8, palette: PALETTE, pixels: stored(indicesOf) }],
    ['of a palette of 4 bits', { bits: 4, palette: PALETTE, pixels: stored(nibbles) }],
    [
      'of runs of 4 bits',
      {
        bits: 4,
        compression: 2,
        palette: PALETTE,
        pixels: [3, 0, 3, 0x22, 0, 0, 0, 6, 0, 1, 0x11, 0, 0, 0, 3, 0, 3, 0x11, 0, 1],
      },
    ],
    [
      'with masks that put red last',
      {
        bits: 32,
        compression: 3,
        fields: [0xff, 0xff00, 0xff0000],
        pixels: stored((row) => row.flatMap(([r, g, b]) => [r, g, b, 0])),
      },
    ],
    [
      'with an alpha channel of zeros',
      {
        bits: 32,
        compression: 3,
        headerSize: 108,
        fields: [0xff0000, 0xff00, 0xff, 0xff000000],
        pixels: stored(bgrx(0)),
      },
    ],
  ] satisfies [string, Parts][])('%s is read', (_, parts) => {
    const { width, height, channels, data } = decodeBmp(bmp(parts));
    expect([width, height, channels]).toEqual([6, 3, 3]);
    expect([...data]).toEqual(PICTURE);
  });

  test.each([
    ['555', { bits: 16, pixels: stored(words(([r, g, b]) => ((r >> 3) << 10) | ((g >> 3) << 5) | (b >> 3))) }],
    [
      '565',
      {
        bits: 16,
        compression: 3,
        fields: [0xf800, 0x7e0, 0x1f],
        pixels: stored(words(([r, g, b]) => ((r >> 3) << 11) | ((g >> 2) << 5) | (b >> 3))),
      },
    ],
  ] satisfies [string, Parts][])('of 16 bits (%s) keeps black, white and all between to half a step', (_, parts) => {
    const { data } = decodeBmp(bmp(parts));
    data.forEach((level, i) => {
      expect(Math.abs(level - PICTURE[i]!)).toBeLessThanOrEqual(8);
      if (PICTURE[i] === 255 || PICTURE[i] === 0) expect(level).toBe(PICTURE[i]);
    });
  });

  test('of runs, literal stretches and jumps shows the first colour where it was jumped over', () => {
    const [run, literal, jump] = [
      [3, 0],
      [0, 3, 2, 1, 2, 0],
      [0, 2, 2, 1],
    ];
    const pixels = [...run, ...literal, ...[0, 0], ...[2, 1], ...jump, ...[2, 2], ...[0, 1]];
    const { data } = decodeBmp(bmp({ bits: 8, compression: 1, palette: PALETTE, pixels }));
    const top = [RED, RED, RED, RED, GREEN, GREEN];
    const middle = [BLUE, BLUE, RED, RED, RED, RED];
    const bottom = [RED, RED, RED, GREEN, BLUE, GREEN];
    expect([...data]).toEqual([top, middle, bottom].flat(2));
  });

  test('with an alpha channel is RGBA', () => {
    const fields = [0xff0000, 0xff00, 0xff, 0xff000000];
    const picture = decodeBmp(bmp({ bits: 32, compression: 3, headerSize: 124, fields, pixels: stored(bgrx(128)) }));
    expect(picture.channels).toBe(4);
    expect([...picture.data.subarray(0, 4)]).toEqual([255, 0, 0, 128]);
  });

  test('of OS/2, with its short header, is read', () => {
    const header = Buffer.alloc(26);
    header.write('BM', 0);
    header.writeUInt32LE(26, 10);
    header.writeUInt32LE(12, 14);
    for (const [i, value] of [6, 3, 1, 24].entries()) header.writeUInt16LE(value, 18 + 2 * i);
    expect([...decodeBmp(Buffer.concat([header, Buffer.from(stored(bgr))])).data]).toEqual(PICTURE);
  });

  test('that is cut anywhere throws, and allocates nothing for pixels that are not there', () => {
    const whole = bmp({ bits: 24, pixels: stored(bgr) });
    for (let length = 0; length < whole.length; length++) {
      expect(() => decodeBmp(whole.subarray(0, length))).toThrow('cut short');
    }
    const huge = Buffer.from(whole);
    huge.writeInt32LE(60_000, 18);
    huge.writeInt32LE(60_000, 22);
    expect(readBmpHeader(huge)).toMatchObject({ width: 60_000, height: 60_000 });
    expect(() => decodeBmp(huge)).toThrow('cut short');
  });

  test('of a kind that holds another file is refused', () => {
    expect(() => decodeBmp(bmp({ bits: 24, compression: 4, pixels: [] }))).toThrow('compression 4 is not read');
    expect(() => decodeBmp(bmp({ bits: 24, height: 0, pixels: [] }))).toThrow('holds no pixels');
  });
});
