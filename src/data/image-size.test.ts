import { expect, test } from 'vitest';
import { ConfigError } from '../tensor/index.ts';
import { formatImageSize, parseImageSize } from './image-size.ts';

test.each([
  [32, { width: 32, height: 32 }],
  ['32', { width: 32, height: 32 }],
  ['48x32', { width: 48, height: 32 }],
  [' 48 × 32 ', { width: 48, height: 32 }],
  ['48X32', { width: 48, height: 32 }],
])('%j is a size, the width first', (text, size) => {
  expect(parseImageSize(text)).toEqual(size);
});

test.each([0, -8, 1.5, '', '48x', 'x32', '48x0', '48x32x3', 'large', true, null, [48, 32]])('%j is none', (text) => {
  expect(() => parseImageSize(text)).toThrow(ConfigError);
});

test('a size is written in one way', () => {
  expect(formatImageSize(parseImageSize('32x32'))).toBe(32);
  expect(formatImageSize(parseImageSize('48×32'))).toBe('48x32');
});
