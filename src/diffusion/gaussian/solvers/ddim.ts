/** @file DDIM (Song et al. 2021, eq. 12 and 16) and its inversion. */
import { type Point, transition } from '../process.ts';
import { drawNoise, integrate, type Solver, type SolverOptions } from '../solver.ts';
import { combine, type Term } from '../state.ts';

/** DDIM's own options. */
export interface DdimOptions extends SolverOptions {
  /** 0: deterministic; 1: the variance of DDPM. */
  readonly eta?: number;
  /**
   * Where each step lands when that is not the next grid point: the DDIM of diffusers subtracts T/N from t whatever
   * the spacing, so with `linspace` or `trailing` it lands beside the next evaluation.
   */
  readonly landings?: readonly Point[] | undefined;
}

/** Noise added by one step, `η²·σ_s²/σ_t²·(1 − ᾱ_t/ᾱ_s)` with s nearer to the data (eq. 16). */
export function ddimVariance(from: Point, to: Point, eta: number): number {
  if (eta === 0 || from.sigma === 0) return 0;
  return eta ** 2 * (to.sigma / from.sigma) ** 2 * transition(to, from).variance;
}

/**
 * `x_s = α_s·x̂₀ + √(σ_s² − v)·ε̂ + √v·z`, order 1, one evaluation per step; deterministic for η = 0, where it is the
 * exponential Euler method on the probability-flow ODE.
 */
export const ddim: Solver<DdimOptions> = (denoise, x, grid, { eta = 0, landings, ...options } = {}) =>
  integrate(denoise, x, grid, options, (x, { x0, eps }, from, next, step) => {
    const to = landings?.[step] ?? next;
    const variance = ddimVariance(from, to, eta);
    const terms: Term[] = [
      [to.alpha, x0],
      [Math.sqrt(Math.max(to.sigma ** 2 - variance, 0)), eps],
    ];
    if (variance > 0) terms.push([Math.sqrt(variance), drawNoise(options.noise, x, step)]);
    return combine(...terms);
  });
