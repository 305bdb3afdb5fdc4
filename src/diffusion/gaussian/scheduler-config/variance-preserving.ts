/** @file DDPM, DDIM and their relatives: whole training steps of a variance-preserving process. */
import type { BetaOptions, BetaSchedule } from '../beta-schedules.ts';
import { CLEAN, type DiscreteProcess, discreteProcess } from '../discrete.ts';
import { sigmaTable } from '../grids/sigma-table.ts';
import { assertTimesteps, type Spacing, type SpacingOptions, spacedTimesteps } from '../grids/timesteps.ts';
import { parameterisation } from '../parameterisation.ts';
import { type Point, pointAt } from '../process.ts';
import type { Grid } from '../solver.ts';
import { ddim } from '../solvers/ddim.ts';
import { ddpm, type VarianceType } from '../solvers/ddpm.ts';
import { pndm } from '../solvers/linear-multistep.ts';
import { type GridRequest, onePerStep, type PlanParts, totalSteps, unitStart } from './plan.ts';
import type { SchedulerOptions } from './read.ts';

/** The options of a config's β schedule. */
export function betaOptions(o: SchedulerOptions): BetaOptions {
  return {
    numTrainTimesteps: o.num_train_timesteps,
    betaStart: o.beta_start,
    betaEnd: o.beta_end,
    betaSchedule: o.beta_schedule as BetaSchedule,
    trainedBetas: o.trained_betas ?? undefined,
    rescaleZeroSnr: o.rescale_betas_zero_snr,
  };
}

/** The β process of a config; `minAlphaBar` as the family of solvers needs it. */
export function configProcess(o: SchedulerOptions, minAlphaBar = 0): DiscreteProcess {
  return discreteProcess({ ...betaOptions(o), minAlphaBar: o.rescale_betas_zero_snr ? minAlphaBar : 0 });
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
export function lastPoint(process: DiscreteProcess, setAlphaToOne: boolean): Point {
  return setAlphaToOne ? CLEAN : { ...pointAt(process, 0), t: -1 };
}

/** Points of a variance-preserving process by their level σ/α; times between training steps are fractional. */
export function variancePreservingLevel(process: DiscreteProcess): (sigma: number) => Point {
  const table = sigmaTable(process);
  return (sigma) => {
    const alpha = 1 / Math.sqrt(sigma ** 2 + 1);
    return { t: table.timeOf(sigma), alpha, sigma: sigma * alpha };
  };
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
    level: variancePreservingLevel(process),
    evaluations: onePerStep,
  };
}

export function ddimPlan(o: SchedulerOptions, process = configProcess(o)): PlanParts {
  const end = lastPoint(process, o.set_alpha_to_one);
  return {
    process,
    reading: { prediction: o.prediction_type },
    grid: (request) => timeGrid(process, requestedTimesteps(o, request), end),
    solve: (denoise, x, grid, { landOnGrid = false, ...options }) =>
      ddim(denoise, x, grid, {
        ...options,
        ...(!landOnGrid && { landings: strideLandings(process, o, grid, end, totalSteps(grid, options)) }),
      }),
    order: 1,
    stochastic: false,
    initialScale: unitStart,
    level: variancePreservingLevel(process),
    evaluations: onePerStep,
  };
}

/** diffusers' DDIM lands each step ⌊T/N⌋ below its start, wherever the next evaluation is. */
export function strideLandings(
  process: DiscreteProcess,
  o: SchedulerOptions,
  grid: Grid,
  end: Point,
  steps: number,
): Point[] {
  const stride = Math.floor(o.num_train_timesteps / steps);
  return grid.slice(0, -1).map(({ t }) => (t - stride >= 0 ? pointAt(process, t - stride) : end));
}

/**
 * DDIM run backwards, as diffusers does: the network is told the time it goes to, the state is taken at the level ⌊T/N⌋
 * below. The grid ascends; its first level is that of clean data (or of step 0).
 */
export function ddimInversePlan(o: SchedulerOptions): PlanParts {
  const process = configProcess(o);
  const start = lastPoint(process, o.set_alpha_to_one);
  return {
    ...ddimPlan(o),
    grid: (request) => {
      const times = [...requestedTimesteps(o, request)].reverse();
      const stride = Math.floor(o.num_train_timesteps / times.length);
      const levelBefore = (t: number): Point => (t - stride >= 0 ? pointAt(process, t - stride) : start);
      return [...times.map((t) => ({ ...levelBefore(t), t })), pointAt(process, times[times.length - 1]!)];
    },
    solve: (denoise, x, grid, options) => {
      const landings = grid.slice(0, -1).map(({ t }) => pointAt(process, t));
      return ddim(denoise, x, grid, { ...options, landings, direction: 'inversion' });
    },
  };
}

/** PNDM: three Runge-Kutta steps, or the PLMS start of Stable Diffusion when `skip_prk_steps` is set. */
export function pndmPlan(o: SchedulerOptions): PlanParts {
  const process = configProcess(o);
  const end = lastPoint(process, o.set_alpha_to_one);
  const start = o.skip_prk_steps ? 'plms' : 'runge-kutta';
  return {
    ...ddimPlan(o),
    solve: (denoise, x, grid, { landOnGrid = false, ...options }) => {
      const steps = totalSteps(grid, options);
      const stride = Math.floor(o.num_train_timesteps / steps);
      const half = Math.floor(stride / 2);
      const second = grid[1]!.t;
      return pndm(denoise, x, grid, {
        ...options,
        start,
        halfway: grid
          .slice(0, -1)
          .slice(0, 3)
          .map(({ t }, i) => ({
            reached: pointAt(process, Math.max(t - half, 0)),
            asked: pointAt(process, Math.max(landOnGrid ? t - half : grid[i + 1]!.t + half, 0)),
          })),
        parameterisation: parameterisation(o.prediction_type),
        ...(!landOnGrid && {
          landings: strideLandings(process, o, grid, end, steps),
          restart: start === 'plms' && second >= 0 ? pointAt(process, second + stride) : undefined,
        }),
      });
    },
    // Runge-Kutta of order 4, or two slopes, to begin with
    orders: (grid) => grid.slice(1).map((_, i) => (start === 'plms' ? Math.min(i === 0 ? 2 : i + 1, 4) : 4)),
    order: 4,
    evaluations: (grid) => grid.length - 1 + (start === 'plms' ? 1 : 9),
  };
}

/** UnCLIP's DDPM: cosine betas, steps from the last to the first training step. */
export function unclipPlan(o: SchedulerOptions): PlanParts {
  return ddpmPlan({ ...o, timestep_spacing: 'linspace' });
}
