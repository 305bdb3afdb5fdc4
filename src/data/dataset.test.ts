import { describe, expect, test } from 'vitest';
import { DataError } from '../tensor/index.ts';
import { createDataset, type DatasetContents } from './dataset.ts';

/** Three grey pictures of 1×2 pixels. */
const contents: DatasetContents = {
  name: 'tiny',
  imageShape: [1, 1, 2],
  pixels: Uint8Array.of(0, 255, 51, 102, 10, 20),
  labels: Int32Array.of(1, 0, 1),
  classNames: ['even', 'odd'],
  captions: ['a', undefined, 'c'],
  attributes: [{ n: '1' }, { n: '2' }, { n: '3' }],
};

describe('a data set', () => {
  const dataset = createDataset(contents);

  test('maps level 0 to -1 and 255 to 1', () => {
    expect(dataset.length).toBe(3);
    expect([...dataset.item(0).image]).toEqual([-1, 1]);
    expect(dataset.item(1).image[0]).toBeCloseTo(-0.6, 6);
  });

  test('gives label, caption and attributes, and leaves out what is unknown', () => {
    expect(dataset.item(0)).toMatchObject({ label: 1, caption: 'a', attributes: { n: '1' } });
    expect(dataset.item(1)).not.toHaveProperty('caption');
  });

  test('mirrors left to right, channel by channel and row by row', () => {
    const rgb = createDataset({ name: 'rgb', imageShape: [2, 2, 2], pixels: Uint8Array.of(0, 1, 2, 3, 4, 5, 6, 7) });
    const out = new Float32Array(10);
    rgb.copyImage(0, out, 1, true);
    expect([...out].map((value) => Math.round((value + 1) * 127.5)).slice(1, 9)).toEqual([1, 0, 3, 2, 5, 4, 7, 6]);
  });

  test('appends its mirror image', () => {
    const pair = dataset.withMirrored();
    expect(pair.length).toBe(6);
    expect([...pair.item(3).image]).toEqual([1, -1]);
    expect(pair.item(3)).toMatchObject({ label: 1, caption: 'a' });
    expect([...pair.withMirrored().item(9).image]).toEqual([...dataset.item(0).image]);
  });

  test('makes subsets of subsets in the order asked for', () => {
    const subset = dataset.subset([2, 0], 'two');
    expect(subset.name).toBe('two');
    expect(subset.caption(0)).toBe('c');
    expect([...subset.labels!]).toEqual([1, 1]);
    expect(subset.subset([1]).caption(0)).toBe('a');
  });

  test('has a fingerprint that depends on pixels, labels, captions, order and mirroring alone', () => {
    const same = createDataset({ ...contents, name: 'other name' });
    expect(same.fingerprint).toBe(dataset.fingerprint);
    const others = [
      createDataset({ ...contents, pixels: Uint8Array.of(0, 255, 51, 102, 10, 21) }),
      createDataset({ ...contents, labels: Int32Array.of(0, 0, 1) }),
      createDataset({ ...contents, captions: ['a', 'b', 'c'] }),
      createDataset({ ...contents, imageShape: [1, 2, 1] }),
      dataset.subset([0, 2, 1]),
      dataset.subset([0, 1]),
      dataset.withMirrored(),
      dataset.withMirrored().subset([3, 4, 5]),
    ].map(({ fingerprint }) => fingerprint);
    expect(new Set([dataset.fingerprint, ...others]).size).toBe(9);
  });

  test('refuses an index outside', () => {
    expect(() => dataset.item(3)).toThrow(new DataError('tiny has pictures 0 … 2, asked for 3'));
    expect(() => dataset.subset([0, 7])).toThrow(DataError);
  });
});

test('pieces of different lengths are refused', () => {
  expect(() => createDataset({ ...contents, labels: Int32Array.of(0) })).toThrow('3 pictures but 1 labels');
  expect(() => createDataset({ ...contents, captions: [] })).toThrow('3 pictures but 0 captions');
  expect(() => createDataset({ ...contents, pixels: new Uint8Array(5) })).toThrow(
    'no whole number of [1, 1, 2] pictures',
  );
  expect(() => createDataset({ ...contents, labels: Int32Array.of(0, 2, 0) })).toThrow(
    'label 2, but only 2 class names',
  );
  expect(() => createDataset({ ...contents, classNames: undefined })).toThrow('labels without classNames');
});
