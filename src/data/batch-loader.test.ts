import { describe, expect, test } from 'vitest';
import { ConfigError } from '../tensor/index.ts';
import { BatchLoader } from './batch-loader.ts';
import { createDataset } from './dataset.ts';

const dataset = createDataset({
  name: 'ten',
  imageShape: [1, 1, 2],
  pixels: Uint8Array.from({ length: 20 }, (_, i) => i),
  labels: Int32Array.from({ length: 10 }, (_, i) => i % 3),
  classNames: ['a', 'b', 'c'],
});
const levels = (images: Float32Array): number[] => Array.from(images, (value) => Math.round((value + 1) * 127.5));

describe('a batch loader', () => {
  test('serves each picture once an epoch, in another order each epoch', () => {
    const loader = new BatchLoader(dataset, { batchSize: 5, seed: 3 });
    const epochs = [0, 1].map(() => [...loader.next().indices, ...loader.next().indices]);
    for (const order of epochs) expect([...order].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(epochs[0]).not.toEqual(epochs[1]);
  });

  test('gives images [B, C, H, W], labels and indices that belong together', () => {
    const { images, labels, indices, epoch } = new BatchLoader(dataset, { batchSize: 4 }).at(5);
    expect(levels(images)).toEqual([...indices].flatMap((index) => [2 * index, 2 * index + 1]));
    expect([...labels!]).toEqual([...indices].map((index) => index % 3));
    expect(epoch).toBe(2);
  });

  test('drops the last short batch, or keeps it', () => {
    const sizes = (dropLast: boolean): number[] => {
      const loader = new BatchLoader(dataset, { batchSize: 4, dropLast });
      return [0, 1, 2, 3].map(() => loader.next().indices.length);
    };
    expect(sizes(true)).toEqual([4, 4, 4, 4]);
    expect(sizes(false)).toEqual([4, 4, 2, 4]);
  });

  test('continues from its state with the same batches, flips included', () => {
    const options = { batchSize: 3, seed: 7, flip: true };
    const straight = new BatchLoader(dataset, options);
    const batches = Array.from({ length: 9 }, () => straight.next());
    const first = new BatchLoader(dataset, options);
    for (let i = 0; i < 4; i++) first.next();
    const resumed = new BatchLoader(dataset, options);
    resumed.restore(JSON.parse(JSON.stringify(first.state)));
    for (let i = 4; i < 9; i++) expect(resumed.next()).toEqual(batches[i]);
  });

  test('is a function of the step: any order of asking gives the same batches', () => {
    const loader = new BatchLoader(dataset, { batchSize: 3, seed: 1, flip: true });
    const later = loader.at(8);
    loader.at(0);
    expect(loader.at(8)).toEqual(later);
  });

  test('depends on the seed', () => {
    const orders = [1, 2, 3].map((seed) => [...new BatchLoader(dataset, { batchSize: 10, seed }).at(0).indices].join());
    expect(new Set(orders).size).toBe(3);
  });

  test('mirrors about half of the pictures, anew at every step', () => {
    const loader = new BatchLoader(dataset, { batchSize: 10, flip: true });
    let mirrored = 0;
    for (let step = 0; step < 100; step++) {
      const { images, indices } = loader.next();
      const seen = levels(images);
      indices.forEach((index, i) => {
        const pair = seen.slice(2 * i, 2 * i + 2);
        if (pair[0] === 2 * index + 1) mirrored++;
        else expect(pair).toEqual([2 * index, 2 * index + 1]);
      });
    }
    expect(mirrored).toBeGreaterThan(420);
    expect(mirrored).toBeLessThan(580);
  });

  test('keeps the order when told not to shuffle', () => {
    expect([...new BatchLoader(dataset, { batchSize: 4, shuffle: false }).at(1).indices]).toEqual([4, 5, 6, 7]);
  });
});

test('a batch larger than the data set is refused with the remedy', () => {
  expect(() => new BatchLoader(dataset, { batchSize: 11 })).toThrow(
    new ConfigError(
      'a batch of 11 is larger than ten, which has 10 pictures',
      'use a batch of at most 10, or add pictures',
    ),
  );
});

test('impossible sizes and steps are refused', () => {
  for (const batchSize of [0, -1, 1.5]) expect(() => new BatchLoader(dataset, { batchSize })).toThrow(ConfigError);
  expect(() => new BatchLoader(dataset, { batchSize: 1 }).restore({ step: -1 })).toThrow(ConfigError);
  expect(() => new BatchLoader(dataset.subset([]), { batchSize: 1 })).toThrow('add pictures');
});
