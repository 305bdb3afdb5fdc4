/** @file Short labels drawn into pictures with a font of 5 × 7 dots: no font files, the same on every machine. */
import type { Picture } from './images.ts';

/** Dots of a letter, and from one letter or line to the next. */
export const GLYPH = { width: 5, height: 7, advance: 6, line: 11 } as const;

/** Rows from top to bottom, five bits each, two hexadecimal digits a row. */
const FONT: Readonly<Record<string, string>> = {
  '0': '0e11131519110e',
  '1': '040c040404040e',
  '2': '0e11010204081f',
  '3': '1f02040201110e',
  '4': '02060a121f0202',
  '5': '1f101e0101110e',
  '6': '0608101e11110e',
  '7': '1f010204080808',
  '8': '0e11110e11110e',
  '9': '0e11110f01020c',
  a: '00000e010f110f',
  b: '1010161911111e',
  c: '00000e1010110e',
  d: '01010d1311110f',
  e: '00000e111f100e',
  f: '0609081c080808',
  g: '000f11110f010e',
  h: '10101619111111',
  i: '04000c0404040e',
  j: '0200060202120c',
  k: '10101214181412',
  l: '0c04040404040e',
  m: '00001a15151111',
  n: '00001619111111',
  o: '00000e1111110e',
  p: '00001e111e1010',
  q: '00000d130f0101',
  r: '00001619101010',
  s: '00000e100e011e',
  t: '08081c08080906',
  u: '0000111111130d',
  v: '00001111110a04',
  w: '0000111115150a',
  x: '0000110a040a11',
  y: '000011110f010e',
  z: '00001f0204081f',
  D: '1c12111111121c',
  K: '11121418141211',
  L: '1010101010101f',
  N: '11111915131111',
  R: '1e11111e141211',
  S: '0f10100e01011e',
  '.': '00000000000c0c',
  ',': '00000000000408',
  '-': '0000001f000000',
  '−': '0000001f000000',
  '+': '0004041f040400',
  '=': '00001f001f0000',
  ':': '000c0c000c0c00',
  '/': '00010204081000',
  '(': '02040808080402',
  ')': '08040202020408',
  '^': '040a1100000000',
  '%': '18190204081303',
  '∞': '00000a15150a00',
};
const MISSING = '1f11111111111f';

/** Where and how dark to write; `level` 0 … 255. */
export interface TextPlace {
  readonly left: number;
  readonly top: number;
  readonly level?: number;
}

/** Writes one line of `text` into `picture`, in place; what lies outside is cut off, unknown letters are boxes. */
export function bitmapText(picture: Picture, text: string, { left, top, level = 0 }: TextPlace): void {
  const { width, height, channels, data } = picture;
  Array.from(text).forEach((letter, index) => {
    if (letter === ' ') return;
    const rows = FONT[letter] ?? MISSING;
    for (let row = 0; row < GLYPH.height; row++) {
      const bits = Number.parseInt(rows.slice(2 * row, 2 * row + 2), 16);
      for (let column = 0; column < GLYPH.width; column++) {
        const [x, y] = [left + index * GLYPH.advance + column, top + row];
        if (!(bits & (0x10 >> column)) || x < 0 || y < 0 || x >= width || y >= height) continue;
        for (let c = 0; c < Math.min(channels, 3); c++) data[(y * width + x) * channels + c] = level;
      }
    }
  });
}
