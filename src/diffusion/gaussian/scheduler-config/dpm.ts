/** @file DPM-Solver configs: multistep, singlestep, and run from data to noise. */
import { ConfigError } from '../../../tensor/index.ts';
import { sigmaTable } from '../grids/sigma-table.ts';
import { assertSteps, linspace, roundHalfEven } from '../grids/timesteps.ts';
import type { Grid } from '../solver.ts';
import { dpmSinglestep, singlestepOrders } from '../solvers/dpm-singlestep.ts';
import { type DpmAlgorithm, type DpmSolverOptions, dpmOrderAllowed, dpmSolver } from '../solvers/dpm-solver.ts';
import { clippedTraining, multistepParts, pointOf } from './multistep-grid.ts';
import { multistepOrders, type PlanParts, type RunOptions, totalSteps } from './plan.ts';
import type { SchedulerOptions } from './read.ts';
import { configProcess, requestedTimesteps } from './variance-preserving.ts';

/** Names of other families count as DPM-Solver++, as diffusers maps them. */
const dpmAlgorithm = (algorithm: string): DpmAlgorithm =>
  algorithm === 'deis' ? 'dpmsolver++' : (algorithm as DpmAlgorithm);

/** How a config's DPM-Solver runs; solver types of other families (bh1, logrho …) count as `midpoint`. */
export function dpmOptions(
  o: SchedulerOptions,
  algorithm: DpmAlgorithm,
  grid: Grid,
  { eta = 1, ...options }: RunOptions,
): DpmSolverOptions & { readonly solverType: 'midpoint' | 'heun' } {
  return {
    ...options,
    eta,
    order: o.solver_order,
    algorithm,
    solverType: o.solver_type === 'heun' ? 'heun' : 'midpoint',
    lowerOrderFinal: o.lower_order_final && totalSteps(grid, options) < 15,
    eulerAtFinal: o.euler_at_final,
  };
}

export function dpmMultistepPlan(o: SchedulerOptions): PlanParts {
  const algorithm = dpmAlgorithm(o.algorithm_type);
  return {
    ...multistepParts(o, { final: 'configured', keepFractions: true }),
    solve: (denoise, x, grid, options) => dpmSolver(denoise, x, grid, dpmOptions(o, algorithm, grid, options)),
    orders: dpmOrders(o),
    order: o.solver_order,
    stochastic: algorithm.startsWith('sde'),
  };
}

/** Orders of multistep DPM-Solver on a whole grid. */
export function dpmOrders(o: SchedulerOptions): (grid: Grid) => number[] {
  return (grid) =>
    multistepOrders(grid, (to, left) =>
      dpmOrderAllowed(to, left, {
        order: o.solver_order,
        lowerOrderFinal: o.lower_order_final && grid.length - 1 < 15,
        eulerAtFinal: o.euler_at_final,
      }),
    );
}

export function dpmSinglestepPlan(o: SchedulerOptions): PlanParts {
  const algorithm = dpmAlgorithm(o.algorithm_type) as Exclude<DpmAlgorithm, 'sde-dpmsolver'>;
  return {
    ...multistepParts(o, { final: 'configured' }),
    solve: (denoise, x, grid, options) =>
      dpmSinglestep(denoise, x, grid, {
        ...dpmOptions(o, algorithm, grid, options),
        algorithm,
        lowerOrderFinal: o.lower_order_final,
        totalSteps: totalSteps(grid, options),
      }),
    orders: (grid) =>
      singlestepOrders(grid.length - 1, o.solver_order, o.lower_order_final, grid[grid.length - 1]?.sigma === 0),
    order: o.solver_order,
    stochastic: algorithm.startsWith('sde'),
  };
}

/**
 * DPM-Solver run from data to noise (DDIM inversion at higher order): training steps ascend, the last level is that of
 * the noisiest step. Throws `ConfigError` for σ spacings, whose ascending form in diffusers repeats its end.
 */
export function dpmInversePlan(o: SchedulerOptions): PlanParts {
  if (o.use_karras_sigmas || o.use_exponential_sigmas || o.use_beta_sigmas || o.use_flow_sigmas) {
    throw new ConfigError('the inverse DPM-Solver takes training steps only', 'leave the use_…_sigmas options out');
  }
  const parts = multistepParts(o, { final: 'configured' });
  const table = sigmaTable(configProcess(o));
  return {
    ...parts,
    grid: ({ steps = 50 }) => {
      const clipped = clippedTraining(o, table);
      const noisiest = clipped.num_train_timesteps - 1;
      const times =
        o.timestep_spacing === 'linspace'
          ? linspace(0, noisiest, steps + 1)
              .slice(0, steps)
              .map(roundHalfEven)
          : [...requestedTimesteps(clipped, { steps }, { dropLast: true })].reverse();
      assertSteps(steps, clipped.num_train_timesteps);
      const shifted =
        o.timestep_spacing === 'leading' ? times.map((t) => t - Math.min(...times) + o.steps_offset) : times;
      return [...shifted, noisiest].map((t) => pointOf(Math.fround(table.sigmaAt(t)), t, false));
    },
    solve: (denoise, x, grid, options) =>
      dpmSolver(denoise, x, grid, {
        ...dpmOptions(o, dpmAlgorithm(o.algorithm_type), grid, options),
        direction: 'inversion',
      }),
    orders: dpmOrders(o),
    order: o.solver_order,
    stochastic: false,
  };
}
