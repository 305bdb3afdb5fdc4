/** @file DPM-Solver configs: multistep, singlestep, and run from data to noise. */
import { ConfigError } from '../../../tensor/index.ts';
import { linspace, roundHalfEven } from '../grids/numpy.ts';
import { type SigmaTable, sigmaTable } from '../grids/sigma-table.ts';
import { assertSteps, type Spacing } from '../grids/timesteps.ts';
import type { Grid } from '../solver.ts';
import { dpmSinglestep, singlestepOrders } from '../solvers/dpm-singlestep.ts';
import { type DpmAlgorithm, type DpmSolverOptions, dpmOrderAllowed, dpmSolver } from '../solvers/dpm-solver.ts';
import { multistepLevels, multistepParts, pointOf, unusableSteps } from './multistep-grid.ts';
import { type GridRequest, multistepOrders, type PlanParts, type RunOptions, totalSteps } from './plan.ts';
import type { SchedulerOptions } from './read.ts';
import { configProcess, requestedTimesteps } from './variance-preserving.ts';

/** Names of other families count as DPM-Solver++, as diffusers maps them. */
const dpmAlgorithm = (algorithm: string): DpmAlgorithm =>
  algorithm === 'deis' ? 'dpmsolver++' : (algorithm as DpmAlgorithm);

/**
 * How a config's DPM-Solver runs; solver types of other families (bh1, logrho …) count as `midpoint`. `stepsAfter`: steps of
 * diffusers' grid that ours does without.
 */
export function dpmOptions(
  o: SchedulerOptions,
  algorithm: DpmAlgorithm,
  grid: Grid,
  { eta = 1, ...options }: RunOptions,
  stepsAfter = 0,
): DpmSolverOptions & { readonly solverType: 'midpoint' | 'heun' } {
  return {
    ...options,
    eta,
    order: o.solver_order,
    algorithm,
    solverType: o.solver_type === 'heun' ? 'heun' : 'midpoint',
    lowerOrderFinal: o.lower_order_final && totalSteps(grid, options) + stepsAfter < 15,
    eulerAtFinal: o.euler_at_final,
    stepsAfter,
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
export function dpmOrders(o: SchedulerOptions, stepsAfter = 0): (grid: Grid) => number[] {
  return (grid) =>
    multistepOrders(grid, (to, left) =>
      dpmOrderAllowed(to, left + stepsAfter, {
        order: o.solver_order,
        lowerOrderFinal: o.lower_order_final && grid.length - 1 + stepsAfter < 15,
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
 * DPM-Solver run from data to noise (DDIM inversion at higher order): training steps ascend to the noisiest, or spaced levels
 * do. diffusers repeats the last of spaced levels and of `trailing` times, a step of length zero; here it is left out, with
 * its evaluation. Throws `ConfigError` for flow levels, which diffusers lays out the other way round.
 */
export function dpmInversePlan(o: SchedulerOptions): PlanParts {
  if (o.use_flow_sigmas) {
    throw new ConfigError('the inverse DPM-Solver does not invert flows', {
      api: 'use ddimInversion() on a flow grid',
    });
  }
  const layout = { final: 'configured' } as const;
  const table = sigmaTable(configProcess(o));
  const spaced = o.use_karras_sigmas || o.use_exponential_sigmas || o.use_beta_sigmas;
  const repeats = spaced || o.timestep_spacing === 'trailing';
  const stepsAfter = repeats ? 1 : 0;
  return {
    ...multistepParts(o, layout),
    grid: (request) => {
      const pairs = spaced ? multistepLevels(o, table, request, layout).reverse() : inverseTimes(o, table, request);
      if (pairs.length < 2)
        throw new ConfigError('these levels run from the first to the last', 'ask for 2 steps or more');
      return pairs.map(([sigma, t]) => pointOf(Math.fround(sigma), t, false));
    },
    solve: (denoise, x, grid, options) =>
      dpmSolver(denoise, x, grid, {
        ...dpmOptions(o, dpmAlgorithm(o.algorithm_type), grid, options, stepsAfter),
        direction: 'inversion',
      }),
    orders: dpmOrders(o, stepsAfter),
    order: o.solver_order,
    stochastic: false,
  };
}

/** Ascending levels and training times, the noisiest included. */
function inverseTimes(o: SchedulerOptions, table: SigmaTable, { steps = 50 }: GridRequest): [number, number][] {
  const skipNoisiest = unusableSteps(o, table);
  const noisiest = o.num_train_timesteps - skipNoisiest - 1;
  assertSteps(steps, noisiest + 1);
  const spaced = (): number[] => [...requestedTimesteps(o, { steps }, { dropLast: true, skipNoisiest })].reverse();
  const ascending: Record<Spacing, () => number[]> = {
    linspace: () =>
      linspace(0, noisiest, steps + 1)
        .slice(0, steps)
        .map(roundHalfEven),
    leading: () => {
      const stride = Math.floor((noisiest + 1) / (steps + 1));
      return Array.from({ length: steps }, (_, i) => i * stride + o.steps_offset);
    },
    // includes the noisiest
    trailing: () => spaced().slice(0, -1),
  };
  const times = ascending[o.timestep_spacing as Spacing]();
  return [...times, noisiest].map((t) => [table.sigmaAt(t), t]);
}
