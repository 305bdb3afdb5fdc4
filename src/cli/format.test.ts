import { expect, test } from 'vitest';
import { bar, formatBytes, formatCount, formatDuration, formatRate, sparkline } from './format.ts';

test('writes durations as people do', () => {
  expect([0, 59.6, 75.4, 3700, -3].map(formatDuration)).toEqual(['0:00', '1:00', '1:15', '1:01:40', '0:00']);
});

test('writes counts, bytes and rates in the unit that reads best', () => {
  expect([512, 9999, 12_345, 1_234_567, 2.5e9].map(formatCount)).toEqual(['512', '9999', '12 k', '1.2 M', '2.5 G']);
  expect([1.2e6, 64e6, 2.3e9].map(formatBytes)).toEqual(['1.2 MB', '64 MB', '2.3 GB']);
  expect([12.34, 0.5, 0, Number.NaN, Number.POSITIVE_INFINITY].map(formatRate)).toEqual([
    '12.3 steps/s',
    '2.0 s/step',
    '',
    '',
    '',
  ]);
});

test('draws a curve from high to low, logarithmic where it can be', () => {
  expect(sparkline([128, 64, 32, 16, 8, 4, 2, 1], 8)).toBe('█▇▆▅▄▃▂▁');
  expect(sparkline([0, 7], 2)).toBe('▁█');
  expect(sparkline([1, 1, 1], 2)).toBe('▁▁');
  expect(sparkline([], 5)).toBe('');
  expect(sparkline([4, 4, 1, 1], 2)).toBe('█▁');
});

test('fills a bar to eighths of a character', () => {
  expect(bar(0, 4)).toBe('░░░░');
  expect(bar(0.5, 4)).toBe('██░░');
  expect(bar(0.53, 4)).toBe('██▏░');
  expect(bar(2, 4)).toBe('████');
});
