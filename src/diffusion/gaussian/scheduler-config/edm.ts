/** @file EDM, cosine-DPM and consistency-model configs: preconditioned networks on levels σ with α = 1. */
import { exponentialSigmas, karrasSigmas } from '../grids/sigma-grids.ts';
import { assertSteps, assertTimesteps } from '../grids/timesteps.ts';
import { edmPreconditioning, edmPrediction } from '../parameterisation.ts';
import type { Point } from '../process.ts';
import { edmProcess } from '../processes.ts';
import type { Grid } from '../solver.ts';
import { consistency } from '../solvers/consistency.ts';
import { type DpmAlgorithm, dpmSolver } from '../solvers/dpm-solver.ts';
import { euler } from '../solvers/euler.ts';
import { dpmOptions, dpmOrders } from './dpm.ts';
import { type GridRequest, onePerStep, type PlanParts, type Reading } from './plan.ts';
import type { SchedulerOptions } from './read.ts';

/** Level to network time: `¼·ln σ` (EDM). */
const logTime = (sigma: number): number => Math.fround(0.25 * Math.log(sigma));
/** Level to network time: `2/π·arctan σ` (Stable Audio's cosine schedule). */
const arcTime = (sigma: number): number => Math.fround((Math.atan(sigma) / Math.PI) * 2);

function edmParts(
  o: SchedulerOptions,
  time: (sigma: number) => number,
): Omit<PlanParts, 'solve' | 'order' | 'stochastic'> {
  const sigmaMin = o.sigma_min ?? 0.002;
  const sigmaMax = o.sigma_max ?? 80;
  const point = (sigma: number): Point => ({ t: time(sigma), alpha: 1, sigma });
  const spaced = (steps: number): number[] =>
    o.sigma_schedule === 'karras'
      ? karrasSigmas(steps, { sigmaMin, sigmaMax }, o.rho)
      : exponentialSigmas(steps, { sigmaMin, sigmaMax });
  const reading: Reading = {
    predictionName: 'edm',
    prediction: edmPrediction({ sigmaData: o.sigma_data, sign: o.prediction_type === 'v_prediction' ? -1 : 1 }),
    scaleInput: ({ sigma }) => edmPreconditioning(sigma, o.sigma_data).cIn,
    consistent: true,
  };
  return {
    process: edmProcess({ sigmaMin, sigmaMax }),
    reading,
    grid: ({ steps = 50, sigmas }: GridRequest): Grid => {
      if (sigmas === undefined) assertSteps(steps, o.num_train_timesteps);
      const levels = (sigmas ?? spaced(steps)).map(Math.fround);
      const final = o.final_sigmas_type === 'zero' ? 0 : Math.fround(levels[levels.length - 1]!);
      return [...levels.map(point), { t: Number.NEGATIVE_INFINITY, alpha: 1, sigma: final }];
    },
    level: point,
    initialScale: () => Math.sqrt(sigmaMax ** 2 + 1),
    evaluations: onePerStep,
  };
}

export function edmEulerPlan(o: SchedulerOptions): PlanParts {
  const parts = edmParts(o, logTime);
  return {
    ...parts,
    solve: (denoise, x, grid, options) => euler(denoise, x, grid, { ...options, level: parts.level }),
    order: 1,
    stochastic: false,
  };
}

export function edmDpmPlan(o: SchedulerOptions): PlanParts {
  return dpmOn(edmParts(o, logTime), o, o.algorithm_type as DpmAlgorithm);
}

/** Stable Audio's scheduler: DPM-Solver++ 2M SDE on the cosine schedule. */
export function cosineDpmPlan(o: SchedulerOptions): PlanParts {
  return dpmOn(edmParts(o, arcTime), o, 'sde-dpmsolver++');
}

function dpmOn(parts: Omit<PlanParts, 'solve' | 'order' | 'stochastic'>, o: SchedulerOptions, algorithm: DpmAlgorithm) {
  return {
    ...parts,
    solve: (denoise, x, grid, options) => dpmSolver(denoise, x, grid, dpmOptions(o, algorithm, grid, options)),
    orders: dpmOrders(o),
    order: o.solver_order,
    stochastic: algorithm.startsWith('sde'),
  } satisfies PlanParts;
}

/** Consistency models (Song et al. 2023): the network's own boundary condition holds at σ_min. */
export function consistencyModelPlan(o: SchedulerOptions): PlanParts {
  const sigmaMin = o.sigma_min ?? 0.002;
  const sigmaMax = o.sigma_max ?? 80;
  const parts = edmParts(o, (sigma) => 250 * Math.log(sigma + 1e-44));
  const level = (ramp: number) => {
    const [low, high] = [sigmaMin ** (1 / o.rho), sigmaMax ** (1 / o.rho)];
    return (high + ramp * (low - high)) ** o.rho;
  };
  return {
    ...parts,
    reading: {
      predictionName: 'consistency',
      // F reads x₀ = cSkip·x + cOut·F with cSkip(σ_min) = 1, cOut(σ_min) = 0
      prediction: ({ sigma }) => {
        const cSkip = o.sigma_data ** 2 / ((sigma - sigmaMin) ** 2 + o.sigma_data ** 2);
        const cOut = ((sigma - sigmaMin) * o.sigma_data) / Math.sqrt(sigma ** 2 + o.sigma_data ** 2);
        return { p: (1 - cSkip) / cOut, q: (-cSkip * sigma) / cOut };
      },
      scaleInput: ({ sigma }) => edmPreconditioning(sigma, o.sigma_data).cIn,
    },
    grid: ({ steps = 1, timesteps }) => {
      const train = o.num_train_timesteps;
      if (timesteps === undefined) assertSteps(steps, train);
      else assertTimesteps(timesteps, train);
      const stride = Math.floor(train / steps);
      const times = timesteps ?? Array.from({ length: steps }, (_, i) => (steps - 1 - i) * stride);
      const levels = [...times].reverse().map((t) => level(t / (train - 1)));
      return [
        ...levels.map((sigma): Point => ({ t: 250 * Math.log(sigma + 1e-44), alpha: 1, sigma: Math.fround(sigma) })),
        { t: Number.NEGATIVE_INFINITY, alpha: 1, sigma: 0 },
      ];
    },
    solve: (denoise, x, grid, options) =>
      consistency(denoise, x, grid, {
        ...options,
        noiseScale: o.s_noise,
        // the consistency function gives data at σ_min, so only the rest of the variance is added
        landings: grid.slice(1).map((to) => ({
          ...to,
          sigma: Math.sqrt(Math.max(Math.min(to.sigma, sigmaMax) ** 2 - sigmaMin ** 2, 0)),
        })),
      }),
    initialScale: () => sigmaMax,
    order: 1,
    stochastic: true,
  };
}
