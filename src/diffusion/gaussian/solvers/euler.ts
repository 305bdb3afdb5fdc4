/** @file First-order steps with churn or ancestral noise: Euler, Euler ancestral and their flow-matching forms. */
import type { Point } from '../process.ts';
import { sigmaRatio } from '../process.ts';
import { drawNoise, eachStep, type NoiseSource, type Solver, type SolverOptions } from '../solver.ts';
import { combine, type State } from '../state.ts';
import { ddim } from './ddim.ts';

/** Extra noise before a step (Karras et al. 2022, Algorithm 2); σ here is the ratio σ/α. */
export interface ChurnOptions extends SolverOptions {
  /** S_churn: total amount over all steps; 0 switches churn off. */
  readonly sChurn?: number;
  readonly sTmin?: number;
  readonly sTmax?: number;
  /** S_noise: standard deviation of the added noise, slightly above 1 to make up for lost detail. */
  readonly sNoise?: number;
  /** The process point at a level σ/α; needed to tell the network the raised level. */
  readonly level?: ((sigma: number) => Point) | undefined;
}

/** Raises the noise of `x` from `point` to `γ` times more, γ = min(S_churn/N, √2 − 1) within [S_tmin, S_tmax]. */
export function addChurn(
  x: State,
  point: Point,
  steps: number,
  step: number,
  { sChurn = 0, sTmin = 0, sTmax = Number.POSITIVE_INFINITY, sNoise = 1, level }: ChurnOptions,
  noise: NoiseSource | undefined,
): { x: State; point: Point } {
  const sigma = sigmaRatio(point);
  const gamma = sigma >= sTmin && sigma <= sTmax ? Math.min(sChurn / steps, Math.SQRT2 - 1) : 0;
  if (gamma <= 0 || level === undefined) return { x, point };
  const raised = level(sigma * (1 + gamma));
  const scale = raised.alpha / point.alpha;
  const added = Math.sqrt(raised.sigma ** 2 - (scale * point.sigma) ** 2);
  return { x: combine([scale, x], [added * sNoise, drawNoise(noise, x, step)]), point: raised };
}

/**
 * Euler's method in any frame: `x ← α'·x̂₀ + σ'·ε̂`, order 1, one evaluation per step. With α = 1 it is k-diffusion's
 * Euler, with α = 1 − σ flow-matching Euler, on a variance-preserving grid DDIM.
 */
export const euler: Solver<ChurnOptions> = (denoise, x, grid, options = {}) =>
  eachStep(x, grid, options, async (state, from, to, step) => {
    const raised = addChurn(state, from, grid.length - 1, step, options, options.noise);
    const prediction = await denoise(raised.x, raised.point, step);
    return { x: combine([to.alpha, prediction.x0], [to.sigma, prediction.eps]), prediction };
  });

/** Ancestral noise. */
export interface AncestralOptions extends SolverOptions {
  /** Share of the DDPM posterior's noise that is added back after each step. */
  readonly eta?: number;
}

/** Euler ancestral: DDIM with η = 1, whose noise is exactly k-diffusion's σ_up. Stochastic, one evaluation per step. */
export const eulerAncestral: Solver<AncestralOptions> = (denoise, x, grid, { eta = 1, ...options } = {}) =>
  ddim(denoise, x, grid, { ...options, eta });
