import { expect, test } from 'vitest';
import { hexToLab, nearestColourWord, type Palette, paletteWords } from './colour-words.ts';

test('converts the sRGB primaries to their CIE L*a*b* values', () => {
  // Lindbloom's calculator, sRGB, D65
  const known = { '#ffffff': [100, 0, 0], '#ff0000': [53.24, 80.09, 67.2], '#0000ff': [32.3, 79.19, -107.86] };
  for (const [hex, lab] of Object.entries(known)) {
    hexToLab(hex).forEach((value, i) => {
      expect(Math.abs(value - lab[i]!)).toBeLessThan(0.02);
    });
  }
});

test('finds the nearest word, with or without the #', () => {
  const palette: Palette = [
    ['#ff0000', 'red'],
    ['#800000', 'dark red'],
    ['#0000ff', 'blue'],
    ['#2020ff', 'blue'],
  ];
  expect(nearestColourWord('#f01010', palette)).toBe('red');
  expect(nearestColourWord('7a0505', palette)).toBe('dark red');
  expect(nearestColourWord('#1818e0', palette)).toBe('blue');
  expect(paletteWords(palette)).toEqual(['red', 'dark red', 'blue']);
});
