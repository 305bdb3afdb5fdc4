/** @file DEIS in log ρ (Zhang & Chen 2023): ε̂ as a polynomial in log(σ/α), integrated exactly. */
import { ConfigError } from '../../../tensor/index.ts';
import { exponentialStep, type Node } from '../exponential.ts';
import { lambdaOf } from '../process.ts';
import { integrate, type Solver, type SolverOptions } from '../solver.ts';

/** DEIS's own options. */
export interface DeisOptions extends SolverOptions {
  /** 1 to 4. */
  readonly order?: number;
  readonly lowerOrderFinal?: boolean;
}

/**
 * ρAB-DEIS with t ↦ log ρ: since log ρ = −λ this is exponential Adams-Bashforth on ε̂. One evaluation per step,
 * deterministic. A step into clean data falls back to order 1.
 */
export const deis: Solver<DeisOptions> = (denoise, x, grid, { order = 2, lowerOrderFinal = true, ...options } = {}) => {
  if (![1, 2, 3, 4].includes(order)) throw new ConfigError(`DEIS has orders 1 to 4, got ${order}`);
  const history: Node[] = [];
  return integrate(denoise, x, grid, options, (x, { eps }, from, to, step) => {
    history.unshift({ lambda: lambdaOf(from), value: eps });
    history.length = Math.min(history.length, order);
    const left = grid.length - 1 - step;
    const usable = to.sigma === 0 ? 1 : lowerOrderFinal ? Math.min(order, left) : order;
    return exponentialStep({ x, from, to, kind: 'noise', nodes: history.slice(0, usable) });
  });
};
