/** @file Splits: which pictures are held out, decided by a seed and nothing else. */
import { ConfigError, permutation } from '../tensor/index.ts';
import type { DataSplits, Dataset } from './dataset.ts';

/** Options of `splitDataset`. */
export interface SplitOptions {
  /** How many pictures to hold out: a fraction below 1, or a count. */
  readonly heldOut?: number;
  /** Which permutation decides. */
  readonly seed?: number;
}

/** Positions of both parts, ascending. */
export interface SplitRows {
  readonly train: Uint32Array;
  readonly heldOut: Uint32Array;
}

/**
 * Holds out `heldOut` pictures drawn by a seeded permutation; both parts keep the set's order. A fraction rounds down
 * and leaves at least one picture to train on. Throws `ConfigError` when nothing would be left to train on.
 */
export function splitDataset(dataset: Dataset, options: SplitOptions = {}): DataSplits {
  const { train, heldOut } = splitRows(dataset, options);
  return { train: dataset.subset(train), heldOut: dataset.subset(heldOut, `${dataset.name} held-out`) };
}

/** The positions that `splitDataset` divides a set into. */
export function splitRows(
  { length: total, name }: Pick<Dataset, 'length' | 'name'>,
  { heldOut = 0.1, seed = 0 }: SplitOptions = {},
): SplitRows {
  const count = heldOut < 1 ? Math.floor(total * heldOut) : heldOut;
  if (!Number.isInteger(count) || count < 0 || count >= total) {
    throw new ConfigError(
      `cannot hold out ${heldOut} of the ${total} pictures of ${name}`,
      `use a fraction below 1 or a count of 0 … ${total - 1}`,
    );
  }
  const order = permutation(total, { seed, draw: SPLIT_DRAW });
  return { train: order.subarray(count).slice().sort(), heldOut: order.subarray(0, count).slice().sort() };
}

/** Keeps the split's random stream apart from every loader's. */
const SPLIT_DRAW = 0x5b117;
