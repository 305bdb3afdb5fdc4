import { expect, test } from 'vitest';
import { ConfigError } from '../tensor/index.ts';
import { createDataset } from './dataset.ts';
import { splitDataset } from './split.ts';

const dataset = createDataset({
  name: 'ten',
  imageShape: [1, 1, 1],
  pixels: Uint8Array.from({ length: 10 }, (_, i) => i),
  captions: Array.from({ length: 10 }, (_, i) => String(i)),
});
const captions = (part: { length: number; caption(i: number): string | undefined }): string[] =>
  Array.from({ length: part.length }, (_, i) => part.caption(i)!);

test('every picture is in exactly one part, and both keep the order', () => {
  const { train, heldOut } = splitDataset(dataset, { heldOut: 3 });
  expect(heldOut.length).toBe(3);
  expect(heldOut.name).toBe('ten held-out');
  expect([...captions(train), ...captions(heldOut)].sort()).toEqual(captions(dataset));
  expect(captions(train)).toEqual([...captions(train)].sort());
});

test('the seed decides, and the same seed decides alike', () => {
  const splits = [1, 2, 3, 4].map((seed) => captions(splitDataset(dataset, { heldOut: 0.3, seed }).heldOut).join());
  expect(captions(splitDataset(dataset, { heldOut: 0.3, seed: 1 }).heldOut).join()).toBe(splits[0]);
  expect(new Set(splits).size).toBeGreaterThan(1);
});

test('a fraction rounds down, and nothing held out is allowed', () => {
  expect(splitDataset(dataset, { heldOut: 0.19 }).heldOut.length).toBe(1);
  expect(splitDataset(dataset, { heldOut: 0 }).heldOut.length).toBe(0);
});

test('holding out everything is refused', () => {
  for (const heldOut of [10, 11, -1, 2.5, Number.NaN]) {
    expect(() => splitDataset(dataset, { heldOut })).toThrow(ConfigError);
  }
  expect(() => splitDataset(dataset, { heldOut: 10 })).toThrow('cannot hold out 10 of the 10 pictures of ten');
});
