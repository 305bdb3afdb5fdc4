/** @file UniPC, the unified predictor-corrector (Zhao et al. 2023). */
import { ConfigError } from '../../../tensor/index.ts';
import { oneOf } from '../choices.ts';
import { exponentialStep, linearMoments, midpointMoments, type Node, type PredictionKind } from '../exponential.ts';
import { lambdaOf, type Point } from '../process.ts';
import { eachStep, type Solver, type SolverOptions } from '../solver.ts';
import type { State } from '../state.ts';

export const UNIPC_TYPES = ['bh1', 'bh2'] as const;
/** B(h) = h or e^h − 1; they differ only where the paper fixes ρ = ½ (order-2 predictor, order-1 corrector). */
export type UnipcType = (typeof UNIPC_TYPES)[number];

/** UniPC's own options. */
export interface UnipcOptions extends SolverOptions {
  /** Predictor order p ≥ 1; the corrector reaches order p + 1. */
  readonly order?: number;
  readonly type?: UnipcType;
  /** Extrapolate x̂₀ (default) or ε̂. */
  readonly kind?: PredictionKind;
  /** Never use more nodes than steps are left. */
  readonly lowerOrderFinal?: boolean;
  /** Steps after which the corrector is switched off. */
  readonly disableCorrector?: readonly number[];
}

/** Everything the corrector needs of the step that led to the current state. */
interface Predicted {
  readonly x: State;
  readonly from: Point;
  readonly nodes: readonly Node[];
}

/**
 * UniPC-p: after each evaluation the corrector redoes the last step with the new prediction as a further node, then the
 * predictor goes on from the corrected state. Order p + 1 at one evaluation per step, deterministic.
 */
export const unipc: Solver<UnipcOptions> = (
  denoise,
  x,
  grid,
  { order = 2, type = 'bh2', kind = 'data', lowerOrderFinal = true, disableCorrector = [], ...options } = {},
) => {
  if (!Number.isInteger(order) || order < 1) throw new ConfigError(`UniPC's order is a positive integer, got ${order}`);
  const rule = oneOf('UniPC type', type, UNIPC_TYPES) === 'bh1' ? linearMoments : midpointMoments;
  const history: Node[] = [];
  let last: Predicted | undefined;
  return eachStep(x, grid, options, async (x, from, to, step) => {
    const prediction = await denoise(x, from, step);
    const node: Node = { lambda: lambdaOf(from), value: kind === 'data' ? prediction.x0 : prediction.eps };
    const corrected =
      last === undefined || disableCorrector.includes(step - 1)
        ? x
        : exponentialStep({ x: last.x, from: last.from, to: from, kind, nodes: [...last.nodes, node], rule });
    history.unshift(node);
    history.length = Math.min(history.length, order);
    const left = grid.length - 1 - step;
    const usable = to.sigma === 0 ? 1 : lowerOrderFinal ? Math.min(order, left) : order;
    const nodes = history.slice(0, usable);
    last = { x: corrected, from, nodes };
    return { x: exponentialStep({ x: corrected, from, to, kind, nodes, rule }), prediction };
  });
};
