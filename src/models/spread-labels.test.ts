/** @file Tests of the classes given to pictures that ask for none. */
import { expect, test } from 'vitest';
import { spreadLabel } from './spread-labels.ts';

test('gives classes in proportion to their pictures', () => {
  const seen = [0, 0, 0, 0];
  for (let i = 0; i < 1000; i++) seen[spreadLabel(i, [10, 0, 30, 60])]!++;
  expect(seen[1]).toBe(0);
  [100, 0, 300, 600].forEach((wanted, label) => {
    expect(Math.abs(seen[label]! - wanted)).toBeLessThanOrEqual(3);
  });
});

test('shows every class early when all are equally frequent', () => {
  const first = new Set(Array.from({ length: 16 }, (_, i) => spreadLabel(i, new Array<number>(9).fill(1))));
  expect(first.size).toBe(9);
});
