/** @file Two evaluations per step: Heun (EDM's sampler) and the midpoint rule (KDPM2), deterministic or ancestral. */
import { ConfigError } from '../../../tensor/index.ts';
import { type Point, sigmaRatio } from '../process.ts';
import { drawNoise, eachStep, type Solver, type SolverOptions } from '../solver.ts';
import { combine } from '../state.ts';
import { ddimVariance } from './ddim.ts';
import { type AncestralOptions, addChurn, type ChurnOptions } from './euler.ts';

/**
 * Heun's method with churn (Karras et al. 2022, Algorithm 2), in any frame: both slopes act through the increments of α
 * and σ, `x ← x + Δα·(x̂₀ + x̂₀')/2 + Δσ·(ε̂ + ε̂')/2`. Order 2, two evaluations per step, one for the step into clean data.
 */
export const heun: Solver<ChurnOptions> = (denoise, x, grid, options = {}) =>
  eachStep(x, grid, options, async (state, from, to, step) => {
    const { x: xHat, point } = addChurn(state, from, grid.length - 1, step, options, options.noise);
    const first = await denoise(xHat, point, step);
    const euler = combine([to.alpha, first.x0], [to.sigma, first.eps]);
    if (to.sigma === 0) return { x: euler, prediction: first };
    const second = await denoise(euler, to, step);
    const [dAlpha, dSigma] = [(to.alpha - point.alpha) / 2, (to.sigma - point.sigma) / 2];
    return {
      x: combine([1, xHat], [dAlpha, first.x0], [dAlpha, second.x0], [dSigma, first.eps], [dSigma, second.eps]),
      prediction: first,
    };
  });

/** Where the midpoint solvers find the process between grid points. */
export interface LevelOptions extends SolverOptions {
  /** The process point at a level σ/α, in the frame of the grid. */
  readonly level?: ((sigma: number) => Point) | undefined;
}

/** `level`, or an error that says why it is needed. */
export function requireLevel({ level }: LevelOptions): (sigma: number) => Point {
  if (level !== undefined) return level;
  throw new ConfigError('this solver evaluates the network between grid points and was not told the process', {
    api: 'pass level: (sigma) => Point, e.g. levelOf(process)',
  });
}

/**
 * KDPM2, the midpoint rule in log σ (k-diffusion `dpm_2`; DPM-Solver-2 inspired, Karras et al. 2022, App. C): an Euler
 * step to √(σ·σ'), then the whole step with the slope found there. Order 2, two evaluations per step.
 */
export const kdpm2: Solver<LevelOptions> = (denoise, x, grid, options = {}) =>
  kdpm2Ancestral(denoise, x, grid, { ...options, eta: 0 });

/** KDPM2 ancestral: the midpoint rule towards the lower level σ_down, then noise back up to σ'. Stochastic for η > 0. */
export const kdpm2Ancestral: Solver<LevelOptions & AncestralOptions> = (
  denoise,
  x,
  grid,
  { eta = 1, ...options } = {},
) => {
  const level = requireLevel(options);
  return eachStep(x, grid, options, async (x, from, to, step) => {
    const first = await denoise(x, from, step);
    if (to.sigma === 0) return { x: combine([to.alpha, first.x0], [to.sigma, first.eps]), prediction: first };
    const variance = ddimVariance(from, to, eta);
    const down = Math.sqrt(Math.max(to.sigma ** 2 - variance, 0));
    const middle = level(Math.sqrt(sigmaRatio(from) * (down / to.alpha)));
    const between = combine([middle.alpha, first.x0], [middle.sigma, first.eps]);
    const second = await denoise(between, middle, step);
    // the slope at the midpoint, in the frame of unit signal, carried from σ/α to σ_down/α'
    const onX = to.alpha / from.alpha;
    const onEps = down - onX * from.sigma;
    const noisy = variance > 0 ? drawNoise(options.noise, x, step) : undefined;
    return {
      x: combine([onX, x], [onEps, second.eps], ...(noisy ? [[Math.sqrt(variance), noisy] as const] : [])),
      prediction: first,
    };
  });
};
