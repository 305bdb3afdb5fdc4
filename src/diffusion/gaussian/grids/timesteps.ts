/** @file Spacings of training steps, as diffusers rounds them. */
import { ConfigError } from '../../../tensor/index.ts';
import { arange, linspace, roundHalfEven } from './numpy.ts';

export const SPACINGS = ['leading', 'linspace', 'trailing'] as const;
/** Lin et al. 2023, Table 2: `trailing` includes the last training step, `leading` the first, `linspace` both. */
export type Spacing = (typeof SPACINGS)[number];

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
  /** The noisiest training steps that are never visited (`lambda_min_clipped`). */
  readonly skipNoisiest?: number;
  /** Keep fractional `linspace` times (Euler, Heun, LMS) instead of rounding them. */
  readonly fractional?: boolean;
}

/** `steps` descending training steps out of `trainSteps`. */
export function spacedTimesteps(
  trainSteps: number,
  steps: number,
  { spacing = 'leading', stepsOffset = 0, dropLast = false, fractional = false, skipNoisiest = 0 }: SpacingOptions = {},
): number[] {
  assertSteps(steps, trainSteps);
  const extra = dropLast ? 1 : 0;
  const usable = trainSteps - skipNoisiest;
  switch (spacing) {
    case 'linspace': {
      const times = linspace(0, usable - 1, steps + extra).reverse();
      return times.slice(0, steps).map(fractional ? Math.fround : roundHalfEven);
    }
    case 'leading': {
      const stride = Math.floor(usable / (steps + extra));
      return Array.from({ length: steps }, (_, i) => (steps + extra - 1 - i) * stride + stepsOffset);
    }
    case 'trailing': {
      // the stride is that of all training steps, so that fewer of them are visited
      return arange(usable, 0, -trainSteps / steps)
        .map((t) => roundHalfEven(t) - 1)
        .filter((t) => t >= 0);
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
