/** @file SA-Solver: stochastic Adams, predictor and corrector (Xue et al. 2023). */
import { exponentialStep, linearMoments, type Node, type PredictionKind } from '../exponential.ts';
import { lambdaOf, type Point } from '../process.ts';
import { drawNoise, eachStep, type Solver, type SolverOptions } from '../solver.ts';
import type { State } from '../state.ts';

/** SA-Solver's own options. */
export interface SaSolverOptions extends SolverOptions {
  readonly predictorOrder?: number;
  /** 0 switches the corrector off. */
  readonly correctorOrder?: number;
  readonly kind?: PredictionKind;
  /** Stochasticity τ(t) ≥ 0 at a point: 0 the ODE, 1 the SDE. */
  readonly tau?: (point: Point) => number;
  readonly lowerOrderFinal?: boolean;
}

/** What the corrector redoes: the last step, with the same noise. */
interface Predicted {
  readonly x: State;
  readonly from: Point;
  readonly tau: number;
  readonly noise: State;
  readonly correctorOrder: number;
}

/**
 * Stochastic Adams-Bashforth, then stochastic Adams-Moulton with the same noise once the next prediction is there.
 * Stochastic, one evaluation per step.
 */
export const saSolver: Solver<SaSolverOptions> = (
  denoise,
  x,
  grid,
  {
    predictorOrder = 2,
    correctorOrder = 2,
    kind = 'data',
    tau: tauAt = () => 1,
    lowerOrderFinal = true,
    ...options
  } = {},
) => {
  const history: Node[] = [];
  const rule = kind === 'data' ? linearMoments : (moments: number[]) => moments;
  let last: Predicted | undefined;
  return eachStep(x, grid, options, async (x, from, to, step) => {
    const prediction = await denoise(x, from, step);
    const node: Node = { lambda: lambdaOf(from), value: kind === 'data' ? prediction.x0 : prediction.eps };
    let corrected = x;
    if (last !== undefined && correctorOrder > 0) {
      const nodes = [node, ...history.slice(0, last.correctorOrder - 1)];
      const { x: before, from: start, tau, noise } = last;
      corrected = exponentialStep({ x: before, from: start, to: from, kind, nodes, rule, tau, noise });
    }
    const available = history.unshift(node);
    history.length = Math.min(available, Math.max(predictorOrder, correctorOrder - 1));
    const left = grid.length - 1 - step;
    const usable = to.sigma === 0 ? 1 : lowerOrderFinal ? Math.min(predictorOrder, left) : predictorOrder;
    const tau = tauAt(from);
    const noise = drawNoise(options.noise, x, step);
    last = {
      x: corrected,
      from,
      tau,
      noise,
      correctorOrder: Math.min(lowerOrderFinal ? Math.min(correctorOrder, left + 1) : correctorOrder, available + 1),
    };
    const nodes = history.slice(0, usable);
    return { x: exponentialStep({ x: corrected, from, to, kind, nodes, rule, tau, noise }), prediction };
  });
};
