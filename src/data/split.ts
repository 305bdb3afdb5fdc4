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

/**
 * Holds out `heldOut` pictures drawn by a seeded permutation; both parts keep the set's order. A fraction rounds down
 * and leaves at least one picture to train on. Throws `ConfigError` when nothing would be left to train on.
 */
export function splitDataset(dataset: Dataset, options: SplitOptions = {}): DataSplits {
  const { heldOut = 0.1, seed = 0 } = options;
  const total = dataset.length;
  const count = heldOut < 1 ? Math.floor(total * heldOut) : heldOut;
  if (!Number.isInteger(count) || count < 0 || count >= total) {
    throw new ConfigError(
      `cannot hold out ${heldOut} of the ${total} pictures of ${dataset.name}`,
      `use a fraction below 1 or a count of 0 … ${total - 1}`,
    );
  }
  const order = permutation(total, { seed, draw: SPLIT_DRAW });
  return {
    train: dataset.subset(order.subarray(count).slice().sort()),
    heldOut: dataset.subset(order.subarray(0, count).slice().sort(), `${dataset.name} held-out`),
  };
}

/** Keeps the split's random stream apart from every loader's. */
const SPLIT_DRAW = 0x5b117;
