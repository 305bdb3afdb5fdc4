import { expect, test } from 'vitest';
import { percentText, significant } from './numbers.ts';

test('writes shares as percentages, never with an exponent', () => {
  expect([0, 1e-7, 0.00012, 0.0683, 0.776, 0.996, 1, 1.23].map(percentText)).toEqual([
    '0 %',
    '< 0.001 %',
    '0.012 %',
    '6.8 %',
    '78 %',
    '100 %',
    '100 %',
    '120 %',
  ]);
});

test('writes four digits', () => {
  expect([0.123456, 123456, -1e-5, Number.POSITIVE_INFINITY, Number.NaN].map(significant)).toEqual([
    '0.1235',
    '1.23e5',
    '−1.00e−5',
    '∞',
    '',
  ]);
});
