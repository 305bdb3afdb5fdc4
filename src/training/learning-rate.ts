/** @file Learning-rate schedules: warm-up, hold, decay, as plain functions of the step. */
import { ConfigError } from '../tensor/index.ts';

/** How the rate moves from its peak to `floor`. */
export type DecayShape = 'constant' | 'linear' | 'cosine';

export interface LearningRateOptions {
  /** Peak rate. */
  readonly learningRate: number;
  /** Steps of linear growth from 0. */
  readonly warmupSteps: number;
  readonly decay: DecayShape;
  /** Fraction of the peak that remains at the end. */
  readonly floor: number;
}

/** The steps between which the rate decays, the start perhaps a fraction of one; the end is the length of the run. */
export interface DecayWindow {
  readonly start: number;
  readonly end: number;
}

/** The rate of step `step` (from 0). With `start` = 0 this is the usual warm-up and cosine; a later start holds the peak first. */
export function learningRateAt(
  step: number,
  { learningRate, warmupSteps, decay, floor }: LearningRateOptions,
  { start, end }: DecayWindow,
): number {
  const warm = warmupSteps > 0 ? Math.min(1, (step + 1) / warmupSteps) : 1;
  // a run that ends before its warm-up decays all the same; a start before the run is that of a plan corrected later
  const from = end <= warmupSteps || start < 0 ? start : Math.max(start, warmupSteps);
  const progress = end > from ? Math.min(1, Math.max(0, (step - from) / (end - from))) : 0;
  return learningRate * warm * (floor + (1 - floor) * remaining(decay, progress));
}

function remaining(decay: DecayShape, progress: number): number {
  switch (decay) {
    case 'constant':
      return 1;
    case 'linear':
      return 1 - progress;
    case 'cosine':
      return 0.5 * (1 + Math.cos(Math.PI * progress));
    default:
      throw new ConfigError(`there is no learning-rate decay '${decay satisfies never}'`);
  }
}
