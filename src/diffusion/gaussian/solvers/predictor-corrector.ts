/** @file Predictor-corrector sampling of variance-exploding processes (Song et al. 2021, Algorithm 2). */
import { drawNoise, eachStep, type Solver, type SolverOptions } from '../solver.ts';
import { combine, type State } from '../state.ts';

/** Options of the predictor-corrector sampler. */
export interface PredictorCorrectorOptions extends SolverOptions {
  /** Signal-to-noise ratio r of the Langevin steps. */
  readonly snr?: number;
  /** Langevin steps before each predictor step. */
  readonly correctorSteps?: number;
  /** Elements of one sample: norms are averaged over the batch. */
  readonly sampleSize?: number | undefined;
  /** Return the last predictor step without its noise. */
  readonly denoise?: boolean;
}

/** Mean Euclidean norm of the samples in a batch. */
function meanNorm(x: State, sampleSize: number): number {
  let total = 0;
  for (let start = 0; start < x.length; start += sampleSize) {
    let squares = 0;
    for (let i = start; i < start + sampleSize; i++) squares += x[i]! ** 2;
    total += Math.sqrt(squares);
  }
  return total / (x.length / sampleSize);
}

/**
 * Annealed Langevin corrector, then the reverse-diffusion predictor `x ← x + (σ² − σ'²)·s + √(σ² − σ'²)·z` with
 * s = −ε̂/σ. Variance-exploding points (α = 1). Stochastic, `1 + correctorSteps` evaluations per step.
 */
export const predictorCorrector: Solver<PredictorCorrectorOptions> = (
  denoiser,
  x,
  grid,
  { snr = 0.15, correctorSteps = 1, sampleSize = x.length, denoise = true, ...options } = {},
) =>
  eachStep(x, grid, options, async (x, from, to, step) => {
    let state = x;
    for (let k = 0; k < correctorSteps; k++) {
      const { eps } = await denoiser(state, from, step);
      const noise = drawNoise(options.noise, x, step);
      const size = 2 * ((snr * meanNorm(noise, sampleSize) * from.sigma) / meanNorm(eps, sampleSize)) ** 2;
      state = combine([1, state], [-size / from.sigma, eps], [Math.sqrt(2 * size), noise]);
    }
    const prediction = await denoiser(state, from, step);
    const variance = from.sigma ** 2 - to.sigma ** 2;
    const mean = combine([1, state], [-variance / from.sigma, prediction.eps]);
    if (denoise && step === grid.length - 2) return { x: mean, prediction };
    return { x: combine([1, mean], [Math.sqrt(variance), drawNoise(options.noise, x, step)]), prediction };
  });
