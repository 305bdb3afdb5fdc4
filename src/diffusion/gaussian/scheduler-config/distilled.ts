/** @file LCM, TCD and consistency-decoder configs: a few of the steps a model was distilled on. */
import { ConfigError } from '../../../tensor/index.ts';
import { CLEAN } from '../discrete.ts';
import { assertSteps, assertTimesteps } from '../grids/timesteps.ts';
import { edmPreconditioning, edmPrediction } from '../parameterisation.ts';
import { pointAt, sigmaRatio } from '../process.ts';
import { consistency, lcmBoundary, tcd } from '../solvers/consistency.ts';
import { type GridRequest, onePerStep, type PlanParts, unitStart } from './plan.ts';
import type { SchedulerOptions } from './read.ts';
import { configProcess, timeGrid, variancePreservingLevel } from './variance-preserving.ts';

const f = Math.fround;

/** `steps` of the `original_inference_steps` distillation steps, evenly by index from the top. */
export function distilledTimesteps(o: SchedulerOptions, { steps = 4, timesteps }: GridRequest): readonly number[] {
  if (timesteps !== undefined) {
    assertTimesteps(timesteps, o.num_train_timesteps);
    return timesteps;
  }
  assertSteps(steps, o.num_train_timesteps);
  const original = o.original_inference_steps;
  if (original > o.num_train_timesteps) {
    throw new ConfigError(`original_inference_steps ${original} exceeds the ${o.num_train_timesteps} training steps`);
  }
  if (steps > original) {
    throw new ConfigError(
      `${steps} steps are more than the ${original} the model was distilled on`,
      `ask for at most ${original} steps; distilled models need 1 to 8`,
    );
  }
  const stride = Math.floor(o.num_train_timesteps / original);
  return Array.from({ length: steps }, (_, i) => (original - Math.floor((i * original) / steps)) * stride - 1);
}

export function lcmPlan(o: SchedulerOptions): PlanParts {
  const process = configProcess(o);
  const boundary = lcmBoundary(o.timestep_scaling);
  return {
    process,
    reading: { prediction: o.prediction_type },
    grid: (request) => timeGrid(process, distilledTimesteps(o, request), CLEAN),
    solve: (denoise, x, grid, options) => consistency(denoise, x, grid, { ...options, boundary }),
    level: variancePreservingLevel(process),
    initialScale: unitStart,
    order: 1,
    stochastic: true,
    evaluations: onePerStep,
  };
}

export function tcdPlan(o: SchedulerOptions): PlanParts {
  const process = configProcess(o);
  return {
    ...lcmPlan(o),
    clips: false,
    // TCD denoises to the first training step, not to clean data
    grid: (request) => timeGrid(process, distilledTimesteps(o, request), pointAt(process, 0)),
    solve: (denoise, x, grid, options) =>
      tcd(denoise, x, grid, {
        ...options,
        between: (to, eta) => pointAt(process, Math.floor(f(f(1 - eta) * Math.max(to.t, 0)))),
      }),
  };
}

/** Where the consistency decoder is evaluated. */
const DECODER_TIMES = [1008, 512];

/**
 * The consistency decoder (Betker et al. 2023, DALL-E 3): two steps on the cosine schedule, EDM-preconditioned in the frame
 * of unit signal. The latents it decodes are an input of the network, not of the solver: close over them.
 */
export function consistencyDecoderPlan(o: SchedulerOptions): PlanParts {
  const process = configProcess({ ...o, beta_schedule: 'squaredcos_cap_v2' });
  return {
    process,
    reading: {
      predictionName: 'edm',
      prediction: edmPrediction({ sigmaData: o.sigma_data }),
      scaleInput: (point) => edmPreconditioning(sigmaRatio(point), o.sigma_data).cIn / point.alpha,
    },
    grid: ({ steps = 2, timesteps }) => {
      if (timesteps === undefined && steps !== 2) {
        throw new ConfigError(
          `the consistency decoder takes 2 steps, got ${steps}`,
          'ask for 2, or give timesteps of your own, such as [1008, 512]',
        );
      }
      const times = timesteps ?? DECODER_TIMES;
      assertTimesteps(times, o.num_train_timesteps);
      return timeGrid(process, times, CLEAN);
    },
    solve: (denoise, x, grid, options) => consistency(denoise, x, grid, options),
    level: variancePreservingLevel(process),
    initialScale: (grid) => grid[0]?.sigma ?? 1,
    order: 1,
    stochastic: true,
    evaluations: onePerStep,
  };
}
