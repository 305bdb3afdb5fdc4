/** @file DPM-Solver and DPM-Solver++, multistep, as ODE and as SDE (Lu et al. 2022a, 2022b). */
import { ConfigError } from '../../../tensor/index.ts';
import { oneOf } from '../choices.ts';
import {
  exactMoments,
  exponentialStep,
  type MomentRule,
  midpointMoments,
  type Node,
  type PredictionKind,
} from '../exponential.ts';
import { lambdaOf, type Point } from '../process.ts';
import { drawNoise, integrate, type Solver, type SolverOptions } from '../solver.ts';

export const DPM_ALGORITHMS = ['dpmsolver++', 'dpmsolver', 'sde-dpmsolver++', 'sde-dpmsolver'] as const;
/** `++` extrapolates x̂₀, the others ε̂; `sde-` solves the SDE instead of the ODE. */
export type DpmAlgorithm = (typeof DPM_ALGORITHMS)[number];

export const DPM_SOLVER_TYPES = ['midpoint', 'heun', 'exact'] as const;
/**
 * How moments are computed. `midpoint` and `heun` are the published variants; `exact` is exponential Adams-Bashforth.
 * The published third-order multistep formula carries only half of its second-order difference, which makes it
 * second-order in the limit; `exact` reaches order 3.
 */
export type DpmSolverType = (typeof DPM_SOLVER_TYPES)[number];

/** Options of the multistep DPM-Solvers. */
export interface DpmSolverOptions extends SolverOptions {
  /** 1, 2 or 3. */
  readonly order?: number;
  readonly algorithm?: DpmAlgorithm;
  readonly solverType?: DpmSolverType;
  /** Order 1 in the last step and at most 2 in the one before, for stability; meant for fewer than 15 steps. */
  readonly lowerOrderFinal?: boolean;
  /** Order 1 in the last step alone. */
  readonly eulerAtFinal?: boolean;
  /** Steps that follow the grid's end: orders are chosen as if they were part of it. */
  readonly stepsAfter?: number;
  /** Weight τ² of the SDE's noise (η of k-diffusion's 2M and 3M SDE); 1 is the reverse SDE. */
  readonly eta?: number;
}

/** The prediction an algorithm extrapolates. */
export function predictionKind(algorithm: DpmAlgorithm): PredictionKind {
  return algorithm.endsWith('++') ? 'data' : 'noise';
}

/** The moments of a solver type. */
export function momentRule(type: DpmSolverType): MomentRule {
  if (type === 'exact') return exactMoments;
  const second = type === 'midpoint' ? midpointMoments : exactMoments;
  return (moments, c, order) => (order === 3 ? [moments[0]!, moments[1]!, moments[2]! / 2] : second(moments, c, order));
}

/**
 * Multistep DPM-Solver(++) of order 1-3, one evaluation per step; k-diffusion's DPM++ 2M, 2M SDE and 3M SDE are the
 * algorithms `dpmsolver++` and `sde-dpmsolver++` in σ-space. A step into clean data falls back to order 1.
 */
export const dpmSolver: Solver<DpmSolverOptions> = (
  denoise,
  x,
  grid,
  {
    order = 2,
    algorithm = 'dpmsolver++',
    solverType = 'midpoint',
    lowerOrderFinal = true,
    eulerAtFinal = false,
    stepsAfter = 0,
    eta = 1,
    ...options
  } = {},
) => {
  if (![1, 2, 3].includes(order)) throw new ConfigError(`DPM-Solver has orders 1, 2 and 3, got ${order}`);
  const kind = predictionKind(oneOf('DPM-Solver algorithm', algorithm, DPM_ALGORITHMS));
  const rule = momentRule(oneOf('solver type', solverType, DPM_SOLVER_TYPES));
  const tau = algorithm.startsWith('sde-') ? Math.sqrt(eta) : 0;
  const history: Node[] = [];
  return integrate(denoise, x, grid, options, (x, prediction, from, to, step) => {
    history.unshift({ lambda: lambdaOf(from), value: kind === 'data' ? prediction.x0 : prediction.eps });
    history.length = Math.min(history.length, order);
    const left = grid.length - 1 - step + stepsAfter;
    const nodes = history.slice(0, dpmOrderAllowed(to, left, { order, lowerOrderFinal, eulerAtFinal }));
    const noise = tau > 0 ? drawNoise(options.noise, x, step) : undefined;
    return exponentialStep({ x, from, to, kind, nodes, rule, tau, noise });
  });
};

/** The order that multistep DPM-Solver allows with `left` steps to go (this one included). */
export function dpmOrderAllowed(
  to: Point,
  left: number,
  {
    order,
    lowerOrderFinal,
    eulerAtFinal,
  }: Required<Pick<DpmSolverOptions, 'order' | 'lowerOrderFinal' | 'eulerAtFinal'>>,
): number {
  if (left === 1 && (eulerAtFinal || lowerOrderFinal || to.sigma === 0)) return 1;
  return left === 2 && lowerOrderFinal ? Math.min(order, 2) : order;
}
