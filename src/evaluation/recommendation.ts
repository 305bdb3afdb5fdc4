/** @file Which of the compared solvers to use. */
import type { SolverResult } from './solver-comparison.ts';

/** The fewest evaluations that are good enough; the least distance when none are. */
export interface Recommendation {
  readonly result: SolverResult;
  readonly within: number;
  /** Whether its distance is within `within` per cent of the reference's. */
  readonly reached: boolean;
}

/** The fewest evaluations within `within` per cent of `distance`; among equals the least distance. */
export function recommend(results: readonly SolverResult[], distance: number, within: number): Recommendation {
  const enough = results.filter((result) => result.distance <= distance * (1 + within / 100));
  const order = (a: SolverResult, b: SolverResult): number => a.evaluations - b.evaluations || a.distance - b.distance;
  const best = [...enough].sort(order)[0];
  if (best !== undefined) return { result: best, within, reached: true };
  const nearest = results.reduce((a, b) => (b.distance < a.distance ? b : a));
  return { result: nearest, within, reached: false };
}
