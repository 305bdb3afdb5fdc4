/** @file What a comparison of solvers refuses before it runs. */
import { ConfigError, DataError } from '../tensor/index.ts';
import type { SolverComparisonOptions } from './solver-comparison.ts';

/** Throws `ConfigError` for numbers out of range. */
export function checkOptions(whole: {
  readonly count: number;
  readonly steps: readonly number[];
  readonly seed: number;
  readonly referenceSteps: number;
  readonly within: number;
}): void {
  const { count, steps, seed, referenceSteps, within } = whole;
  const check = (name: string, value: number, least: number): void => {
    if (Number.isSafeInteger(value) && value >= least) return;
    throw new ConfigError(`${name} is a whole number of at least ${least}, got ${value}`);
  };
  check('count', count, 2);
  check('seed', seed, 0);
  check('referenceSteps', referenceSteps, 2);
  if (steps.length === 0) throw new ConfigError('no steps to compare were given', 'e.g. 5, 10, 20, 50');
  for (const n of steps) check('a number of steps', n, 1);
  if (!(within >= 0)) throw new ConfigError(`within is a percentage of at least 0, got ${within}`);
}

/** Throws `DataError` when there are too few pictures to measure against. */
export function checkPictures({ heldOut, train, sampleSize }: SolverComparisonOptions): void {
  if (heldOut.length < 2 * sampleSize) {
    throw new DataError(`${heldOut.length / sampleSize} held-out pictures are too few to measure samples against`, {
      api: 'hold out at least 2 pictures; some hundred measure better',
      cli: 'a tenth of a folder is held out, so give it 20 pictures or more; or sort them into folders train and validation in it',
    });
  }
  if (train.length < 2 * sampleSize) throw new DataError('the data has fewer than 2 training pictures');
}
