/** @file Which of the compared solvers to use: by both distances, and never by a difference within the noise. */
import type { SolverResult } from './solver-comparison.ts';

/** What results are held against. */
export interface Yardstick {
  /** Of the reference's samples from held-out pictures. */
  readonly distance: number;
  /** Root-mean-square distance between different samples of the reference. */
  readonly spread: number;
}

/** The fewest evaluations that are good enough; the nearest result when none are. */
export interface Recommendation {
  readonly result: SolverResult;
  readonly within: number;
  /** Whether it is good enough. */
  readonly reached: boolean;
  /** The result nearest to the data, where it is nearer than `result` by more than the noise. */
  readonly nearer: SolverResult | undefined;
}

/** Differences of less than so many standard errors are noise. */
const SIGNIFICANT = 2;

/** Whether `a` is nearer to the data than `b` by more than the noise of the measurement. */
export function isNearer(a: SolverResult, b: SolverResult): boolean {
  return b.distance - a.distance > SIGNIFICANT * Math.hypot(a.noise, b.noise);
}

/** Whether the distance of `one` differs from the reference's by no more than the noise. */
export function isLevel(one: SolverResult, { distance }: Yardstick): boolean {
  return Math.abs(one.distance - distance) <= SIGNIFICANT * one.noise;
}

/**
 * Good enough is a result whose distance from the data is at most `within` per cent above the reference's, or above it by
 * no more than noise, and whose rms distance from the reference trajectory is at most `within` per cent of the distance
 * between different samples. Of those the fewest evaluations, among equals the least rms. A stochastic result has no rms
 * and is recommended only where no result has one.
 */
export function recommend(results: readonly SolverResult[], reference: Yardstick, within: number): Recommendation {
  const followed = results.filter(({ rms }) => rms !== null);
  const judged = followed.length > 0 ? followed : results;
  const share = within / 100;
  const enough = judged.filter(
    (one) =>
      (one.distance <= (1 + share) * reference.distance || isLevel(one, reference)) &&
      (one.rms ?? 0) <= share * reference.spread,
  );
  const order = (a: SolverResult, b: SolverResult): number =>
    a.evaluations - b.evaluations || (a.rms ?? a.distance) - (b.rms ?? b.distance);
  const total = ({ rms, distance }: SolverResult): number => Math.hypot(rms ?? 0, distance);
  const result = [...enough].sort(order)[0] ?? judged.reduce((a, b) => (total(b) < total(a) ? b : a));
  const nearest = results.reduce((a, b) => (b.distance < a.distance ? b : a));
  return { result, within, reached: enough.length > 0, nearer: isNearer(nearest, result) ? nearest : undefined };
}
