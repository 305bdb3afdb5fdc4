/** @file Spacings of training steps, with the rounding of NumPy that diffusers relies on. */
import { ConfigError } from '../../../tensor/index.ts';

export const SPACINGS = ['leading', 'linspace', 'trailing'] as const;
/** Lin et al. 2023, Table 2: `trailing` includes the last training step, `leading` the first, `linspace` both. */
export type Spacing = (typeof SPACINGS)[number];

/** Rounds to the nearest integer, halves to the even one, as NumPy does. */
export function roundHalfEven(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  if (rest !== 0.5) return Math.round(x);
  return floor % 2 === 0 ? floor : floor + 1;
}

/** `count` numbers from `start` to `end`, as `numpy.linspace` computes them. */
export function linspace(start: number, end: number, count: number): number[] {
  if (count === 1) return [start];
  const step = (end - start) / (count - 1);
  return Array.from({ length: count }, (_, i) => (i === count - 1 ? end : i * step + start));
}

/** Throws `ConfigError` unless `steps` is a whole number from 1 to the number of training steps. */
export function assertSteps(steps: number, trainSteps = Number.POSITIVE_INFINITY): void {
  if (!Number.isInteger(steps) || steps < 1) {
    throw new ConfigError(
      `the number of steps is a positive integer, got ${steps}`,
      'use 10 to 50 steps, fewer with UniPC',
    );
  }
  if (steps > trainSteps) {
    throw new ConfigError(
      `${steps} steps are more than the ${trainSteps} the model was trained on`,
      `ask for at most ${trainSteps} steps`,
    );
  }
}

/** How training steps are spaced. */
export interface SpacingOptions {
  readonly spacing?: Spacing;
  readonly stepsOffset?: number;
  /**
   * Count one point more and drop the lowest, as the multistep schedulers of diffusers do (UniPC, DPM-Solver, DEIS), so
   * that the step into clean data is as long as the others.
   */
  readonly dropLast?: boolean;
  /** Keep fractional `linspace` times (Euler, Heun, LMS) instead of rounding them. */
  readonly fractional?: boolean;
}

/** `steps` descending training steps out of `trainSteps`. */
export function spacedTimesteps(
  trainSteps: number,
  steps: number,
  { spacing = 'leading', stepsOffset = 0, dropLast = false, fractional = false }: SpacingOptions = {},
): number[] {
  assertSteps(steps, trainSteps);
  const extra = dropLast ? 1 : 0;
  switch (spacing) {
    case 'linspace': {
      const times = linspace(0, trainSteps - 1, steps + extra).reverse();
      return times.slice(0, steps).map(fractional ? Math.fround : roundHalfEven);
    }
    case 'leading': {
      const stride = Math.floor(trainSteps / (steps + extra));
      return Array.from({ length: steps }, (_, i) => (steps + extra - 1 - i) * stride + stepsOffset);
    }
    case 'trailing': {
      const stride = trainSteps / steps;
      return Array.from(
        { length: Math.ceil(trainSteps / stride) },
        (_, i) => roundHalfEven(trainSteps - i * stride) - 1,
      );
    }
  }
}

/** Throws `ConfigError` unless user-given `times` descend and stay within `trainSteps`. */
export function assertTimesteps(times: readonly number[], trainSteps: number): void {
  if (times.length === 0) throw new ConfigError('the list of timesteps is empty', 'give at least one timestep');
  times.forEach((t, i) => {
    if (!(t >= 0 && t < trainSteps)) {
      throw new ConfigError(`timestep ${t} lies outside 0 … ${trainSteps - 1}`, 'stay within the training steps');
    }
    if (i > 0 && !(t < times[i - 1]!)) {
      throw new ConfigError(
        `timesteps must descend: ${times[i - 1]} is followed by ${t}`,
        'order the times from noise to data, without repeats',
      );
    }
  });
}
