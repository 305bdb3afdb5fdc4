/** @file Euler, Heun, KDPM2, LMS and DPM SDE configs: states in the frame of unit signal, `x = x₀ + σ·ε`. */
import { unitVariance } from '../denoiser.ts';
import { roundHalfEven } from '../grids/numpy.ts';
import { betaSigmas, exponentialSigmas, karrasSigmas, resampleSigmas } from '../grids/sigma-grids.ts';
import { type SigmaTable, sigmaTable } from '../grids/sigma-table.ts';
import type { Point } from '../process.ts';
import type { Grid } from '../solver.ts';
import { dpmppSde } from '../solvers/dpm-stages.ts';
import { euler, eulerAncestral } from '../solvers/euler.ts';
import { lms } from '../solvers/linear-multistep.ts';
import { heun, kdpm2, kdpm2Ancestral } from '../solvers/second-order.ts';
import { ZERO_SNR_FLOOR } from './multistep-grid.ts';
import { type GridRequest, multistepOrders, onePerStep, type PlanParts } from './plan.ts';
import type { SchedulerOptions } from './read.ts';
import { configProcess, requestedTimesteps } from './variance-preserving.ts';

/** Time written at a grid's last point, where the network is never asked. */
const CLOSING = -1;

/** Levels with their times, from noise to data. */
function levels(
  o: SchedulerOptions,
  table: SigmaTable,
  request: GridRequest,
  roundKarras: boolean,
): [number, number][] {
  const timed = (sigmas: readonly number[], round = false): [number, number][] =>
    sigmas.map((sigma) => {
      const t = table.timeOf(sigma);
      return [sigma, round ? roundHalfEven(t) : t];
    });
  const times = requestedTimesteps(o, request, { fractional: true });
  const steps = times.length;
  const direct =
    o.interpolation_type === 'log_linear'
      ? resampleSigmas([table.sigmas[table.sigmas.length - 1]!, table.sigmas[0]!], steps + 1)
      : times.map((t) => table.sigmaAt(t));
  const range = { sigmaMin: o.sigma_min ?? direct[direct.length - 1]!, sigmaMax: o.sigma_max ?? direct[0]! };
  if (o.use_karras_sigmas) return timed(karrasSigmas(steps, range), roundKarras);
  if (o.use_exponential_sigmas) return timed(exponentialSigmas(steps, range));
  if (o.use_beta_sigmas) return timed(betaSigmas(steps, range));
  // log-linear levels come with their own last one, at σ_min
  return direct.map((sigma, i) => [sigma, times[i] ?? CLOSING]);
}

/** Shared parts; `roundKarras`: KDPM2 rounds the times of Karras levels. */
function sigmaParts(
  o: SchedulerOptions,
  { roundKarras = false } = {},
): Omit<PlanParts, 'solve' | 'order' | 'stochastic' | 'evaluations'> {
  const process = configProcess(o, ZERO_SNR_FLOOR);
  const table = sigmaTable(process);
  const continuous = o.timestep_type === 'continuous' && o.prediction_type === 'v_prediction';
  const timeOf = (sigma: number, t: number) => Math.fround(continuous ? 0.25 * Math.log(sigma) : t);
  return {
    process,
    reading: { prediction: o.prediction_type, scaleInput: unitVariance, consistent: true },
    grid: (request): Grid => {
      const point = (level: number, t?: number): Point => {
        const sigma = Math.fround(level);
        return { t: timeOf(sigma, t ?? table.timeOf(sigma)), alpha: 1, sigma };
      };
      if (request.sigmas !== undefined) {
        // the last level of one's own is where the grid ends
        const [last = 0, ...before] = [...request.sigmas].reverse();
        return [...before.reverse().map((sigma) => point(sigma)), { ...point(last), t: CLOSING }];
      }
      const final = o.final_sigmas_type === 'zero' ? 0 : table.sigmas[0]!;
      const pairs = levels(o, table, request, roundKarras);
      const points = pairs.map(([level, t]) => point(level, t));
      const closed = pairs[pairs.length - 1]?.[1] === CLOSING;
      return closed ? points : [...points, { t: CLOSING, alpha: 1, sigma: final }];
    },
    level: (sigma) => ({ t: timeOf(sigma, table.timeOf(sigma)), alpha: 1, sigma }),
    initialScale: (grid) => {
      const sigma = grid[0]?.sigma ?? 0;
      return o.timestep_spacing === 'leading' ? Math.sqrt(sigma ** 2 + 1) : sigma;
    },
  };
}

/** Two evaluations per step, one for the last, when it leads into clean data. */
const twoPerStep = (grid: Grid): number => 2 * (grid.length - 1) - (grid[grid.length - 1]?.sigma === 0 ? 1 : 0);

export function eulerPlan(o: SchedulerOptions): PlanParts {
  const parts = sigmaParts(o);
  return {
    ...parts,
    solve: (denoise, x, grid, options) => euler(denoise, x, grid, { ...options, level: parts.level }),
    order: 1,
    stochastic: false,
    evaluations: onePerStep,
  };
}

export function eulerAncestralPlan(o: SchedulerOptions): PlanParts {
  return { ...sigmaParts(o), solve: eulerAncestral, order: 1, stochastic: true, evaluations: onePerStep };
}

export function heunPlan(o: SchedulerOptions): PlanParts {
  const parts = sigmaParts(o);
  return {
    ...parts,
    solve: (denoise, x, grid, options) => heun(denoise, x, grid, { ...options, level: parts.level }),
    order: 2,
    stochastic: false,
    evaluations: twoPerStep,
  };
}

export function kdpm2Plan(o: SchedulerOptions): PlanParts {
  const parts = sigmaParts(o, { roundKarras: true });
  return {
    ...parts,
    solve: (denoise, x, grid, options) => kdpm2(denoise, x, grid, { ...options, level: parts.level }),
    order: 2,
    stochastic: false,
    evaluations: twoPerStep,
  };
}

export function kdpm2AncestralPlan(o: SchedulerOptions): PlanParts {
  const parts = sigmaParts(o, { roundKarras: true });
  return {
    ...kdpm2Plan(o),
    solve: (denoise, x, grid, options) => kdpm2Ancestral(denoise, x, grid, { ...options, level: parts.level }),
    stochastic: true,
  };
}

export function dpmSdePlan(o: SchedulerOptions): PlanParts {
  const parts = sigmaParts(o);
  return {
    ...parts,
    solve: (denoise, x, grid, options) => dpmppSde(denoise, x, grid, { ...options, level: parts.level }),
    order: 1,
    stochastic: true,
    evaluations: twoPerStep,
  };
}

export function lmsPlan(o: SchedulerOptions): PlanParts {
  return {
    ...sigmaParts(o),
    solve: (denoise, x, grid, { whole, ...options }) =>
      lms(denoise, x, grid, { ...options, before: whole?.slice(0, whole.length - grid.length) }),
    orders: (grid) => multistepOrders(grid, () => 4),
    order: 4,
    stochastic: false,
    evaluations: onePerStep,
  };
}
