import { expect, test } from 'vitest';
import { braillePlot } from './braille-plot.ts';

test('stays within its columns however long the labels are', () => {
  const lines = braillePlot([{ x: [0, 1], y: [-0.0000123, 1] }], { title: 'y over x', columns: 40 });
  expect(lines[8]).toContain('-0.0000123 ┤');
  expect(lines.map((line) => line.length)).toEqual(lines.map(() => 40));
});
