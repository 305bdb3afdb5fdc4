/** @file DDPM, DDIM and their relatives: whole training steps of a variance-preserving process. */
import type { BetaSchedule } from '../beta-schedules.ts';
import { CLEAN, type DiscreteProcess, discreteProcess } from '../discrete.ts';
import { assertTimesteps, type Spacing, type SpacingOptions, spacedTimesteps } from '../grids/timesteps.ts';
import { type Point, pointAt } from '../process.ts';
import type { Grid } from '../solver.ts';
import { ddim } from '../solvers/ddim.ts';
import { ddpm, type VarianceType } from '../solvers/ddpm.ts';
import { type GridRequest, type PlanParts, unitStart } from './plan.ts';
import type { SchedulerOptions } from './read.ts';

/** The β process of a config; `minAlphaBar` as the family of solvers needs it. */
export function configProcess(o: SchedulerOptions, minAlphaBar = 0): DiscreteProcess {
  return discreteProcess({
    numTrainTimesteps: o.num_train_timesteps,
    betaStart: o.beta_start,
    betaEnd: o.beta_end,
    betaSchedule: o.beta_schedule as BetaSchedule,
    trainedBetas: o.trained_betas ?? undefined,
    rescaleZeroSnr: o.rescale_betas_zero_snr,
    minAlphaBar: o.rescale_betas_zero_snr ? minAlphaBar : 0,
  });
}

/** Training steps as requested or as the config spaces them. */
export function requestedTimesteps(
  o: SchedulerOptions,
  { steps, timesteps }: GridRequest,
  options: SpacingOptions = {},
): readonly number[] {
  if (timesteps !== undefined) {
    assertTimesteps(timesteps, o.num_train_timesteps);
    return timesteps;
  }
  return spacedTimesteps(o.num_train_timesteps, steps ?? 50, {
    spacing: o.timestep_spacing as Spacing,
    stepsOffset: o.steps_offset,
    ...options,
  });
}

/** Points at `times`, closed by `last`. */
export function timeGrid(process: DiscreteProcess, times: readonly number[], last: Point = CLEAN): Grid {
  return [...times.map((t) => pointAt(process, t)), last];
}

/** Where DDIM and PNDM end: clean data, or the first training step. */
function lastPoint(process: DiscreteProcess, setAlphaToOne: boolean): Point {
  return setAlphaToOne ? CLEAN : { ...pointAt(process, 0), t: -1 };
}

export function ddpmPlan(o: SchedulerOptions): PlanParts {
  const process = configProcess(o);
  const varianceType = (o.variance_type ?? 'fixed_small') as VarianceType;
  return {
    process,
    reading: { prediction: o.prediction_type },
    grid: (request) => timeGrid(process, requestedTimesteps(o, request)),
    solve: (denoise, x, grid, options) => ddpm(denoise, x, grid, { ...options, varianceType }),
    order: 1,
    stochastic: true,
    initialScale: unitStart,
    evaluations: (grid) => grid.length - 1,
  };
}

export function ddimPlan(o: SchedulerOptions): PlanParts {
  const process = configProcess(o);
  const end = lastPoint(process, o.set_alpha_to_one);
  return {
    process,
    reading: { prediction: o.prediction_type },
    grid: (request) => timeGrid(process, requestedTimesteps(o, request), end),
    solve: (denoise, x, grid, options) =>
      ddim(denoise, x, grid, { ...options, landings: strideLandings(process, o, grid, end, options.totalSteps) }),
    order: 1,
    stochastic: false,
    initialScale: unitStart,
    evaluations: (grid) => grid.length - 1,
  };
}

/** diffusers' DDIM lands each step ⌊T/N⌋ below its start, wherever the next evaluation is. */
export function strideLandings(
  process: DiscreteProcess,
  o: SchedulerOptions,
  grid: Grid,
  end: Point,
  totalSteps = grid.length - 1,
): Point[] {
  const stride = Math.floor(o.num_train_timesteps / totalSteps);
  return grid.slice(0, -1).map(({ t }) => (t - stride >= 0 ? pointAt(process, t - stride) : end));
}
