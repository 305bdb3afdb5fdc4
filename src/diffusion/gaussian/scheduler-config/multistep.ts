/** @file UniPC, DEIS and SA-Solver configs. */
import type { Grid } from '../solver.ts';
import { deis } from '../solvers/deis.ts';
import { saSolver } from '../solvers/sa-solver.ts';
import { type UnipcType, unipc } from '../solvers/unipc.ts';
import { multistepParts } from './multistep-grid.ts';
import { multistepOrders, type PlanParts, totalSteps } from './plan.ts';
import type { SchedulerOptions } from './read.ts';

/** Orders of methods that use no more nodes than steps are left. */
export function taperedOrders(order: number, taper: (grid: Grid) => boolean): (grid: Grid) => number[] {
  return (grid) =>
    multistepOrders(grid, ({ sigma }, left) => (sigma === 0 ? 1 : taper(grid) ? Math.min(order, left) : order));
}

export function unipcPlan(o: SchedulerOptions): PlanParts {
  return {
    ...multistepParts(o, { final: 'configured', unipc: true }),
    solve: (denoise, x, grid, options) =>
      unipc(denoise, x, grid, {
        ...options,
        order: o.solver_order,
        type: (o.solver_type === 'bh1' ? 'bh1' : 'bh2') satisfies UnipcType,
        kind: o.predict_x0 ? 'data' : 'noise',
        lowerOrderFinal: o.lower_order_final,
        // diffusers counts the steps of the whole grid
        disableCorrector: o.disable_corrector.map((step) => step - (totalSteps(grid, options) - grid.length + 1)),
      }),
    orders: taperedOrders(o.solver_order, () => o.lower_order_final),
    order: o.solver_order,
    stochastic: false,
  };
}

export function deisPlan(o: SchedulerOptions): PlanParts {
  return {
    ...multistepParts(o, { final: 'repeat' }),
    solve: (denoise, x, grid, options) =>
      deis(denoise, x, grid, {
        ...options,
        order: o.solver_order,
        lowerOrderFinal: o.lower_order_final && totalSteps(grid, options) < 15,
      }),
    orders: taperedOrders(o.solver_order, (grid) => o.lower_order_final && grid.length - 1 < 15),
    order: o.solver_order,
    stochastic: false,
  };
}

export function saSolverPlan(o: SchedulerOptions): PlanParts {
  return {
    ...multistepParts(o, { final: 'repeat' }),
    solve: (denoise, x, grid, options) =>
      saSolver(denoise, x, grid, {
        ...options,
        predictorOrder: o.predictor_order,
        correctorOrder: o.corrector_order,
        kind: o.algorithm_type === 'noise_prediction' ? 'noise' : 'data',
        lowerOrderFinal: o.lower_order_final,
        tau: ({ t }) => (t >= 200 && t <= 800 ? 1 : 0),
      }),
    orders: taperedOrders(o.predictor_order, () => o.lower_order_final),
    order: o.predictor_order,
    stochastic: true,
  };
}
