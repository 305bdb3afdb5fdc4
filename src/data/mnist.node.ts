/** @file The built-in data set `mnist`: 10,000 real handwritten digits of the npm package of that name. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { DataError, permutation } from '../tensor/index.ts';
import { createDataset, type DataSplits } from './dataset.ts';
import { splitDataset } from './split.ts';

/** Edge of a digit as MNIST has it, and padded so that networks can halve it. */
const NATIVE = 28;
const SIZE = 32;
const HELD_OUT = 1000;

/**
 * Digits 0 … 9, white on black, [1, 32, 32]: 9,000 to train on, 1,000 held out, always the same.
 * Throws `DataError` when the package is damaged.
 */
export async function openMnist(): Promise<DataSplits> {
  const folder = join(dirname(createRequire(import.meta.url).resolve('mnist/package.json')), 'src', 'digits');
  const digits: { label: number; levels: Uint8Array }[] = [];
  for (let label = 0; label < 10; label++) {
    for (const levels of await readDigits(join(folder, `${label}.json`))) digits.push({ label, levels });
  }
  // the package sorts by digit: mix, so that any stretch of the set shows all of them
  const mixed = Array.from(permutation(digits.length, { seed: 0 }), (index) => digits[index]!);
  const pixels = new Uint8Array(mixed.length * SIZE * SIZE);
  mixed.forEach(({ levels }, i) => {
    pixels.set(levels, i * SIZE * SIZE);
  });
  const all = createDataset({
    name: 'mnist',
    imageShape: [1, SIZE, SIZE],
    pixels,
    labels: Int32Array.from(mixed, ({ label }) => label),
    classNames: Array.from({ length: 10 }, (_, digit) => String(digit)),
    captions: mixed.map(({ label }) => `the digit ${label}`),
  });
  return splitDataset(all, { heldOut: HELD_OUT });
}

/** The padded pictures of one digit; the file holds levels divided by 255 and rounded to three decimals. */
async function readDigits(file: string): Promise<Uint8Array[]> {
  let values: readonly number[];
  try {
    ({ data: values } = JSON.parse(await readFile(file, 'utf8')) as { data: number[] });
    if (values.length % NATIVE ** 2 !== 0)
      throw new RangeError(`${values.length} values are no whole number of digits`);
  } catch (cause) {
    throw new DataError(`could not read ${file}: ${(cause as Error).message}`, 'install the packages again: npm ci', {
      cause,
    });
  }
  const margin = (SIZE - NATIVE) / 2;
  return Array.from({ length: values.length / NATIVE ** 2 }, (_, index) => {
    const levels = new Uint8Array(SIZE * SIZE);
    for (let i = 0; i < NATIVE ** 2; i++) {
      const at = (Math.floor(i / NATIVE) + margin) * SIZE + margin + (i % NATIVE);
      levels[at] = Math.round(values[index * NATIVE ** 2 + i]! * 255);
    }
    return levels;
  });
}
