/** @file Predictor-corrector sampling of variance-exploding processes (Song et al. 2021, Algorithm 2). */
import { drawNoise, eachStep, type Solver, type SolverOptions } from '../solver.ts';
import { combine, emptyLike, type State } from '../state.ts';

/** Options of the predictor-corrector sampler. */
export interface PredictorCorrectorOptions extends SolverOptions {
  /** Signal-to-noise ratio r of the Langevin steps. */
  readonly snr?: number;
  /** Langevin steps before each predictor step. */
  readonly correctorSteps?: number;
  /** Elements of one sample; all of the state by default. Each sample has a step size of its own. */
  readonly sampleSize?: number | undefined;
  /** Return the last predictor step without its noise. */
  readonly denoise?: boolean;
}

/** Euclidean norm. */
function norm(x: State): number {
  let squares = 0;
  for (let i = 0; i < x.length; i++) squares += x[i]! ** 2;
  return Math.sqrt(squares);
}

/**
 * A Langevin step `x ← x + δ·s + √(2δ)·z` of every sample, `δ = 2·(r·‖z‖·σ/‖ε̂‖)²`. diffusers takes the mean of the norms over
 * the batch, so that a picture changes with its companions; here each has the step it has alone.
 */
function langevin(x: State, eps: State, noise: State, sigma: number, snr: number, sampleSize: number): State {
  const out = emptyLike(x);
  for (let start = 0; start < x.length; start += sampleSize) {
    const [state, e, z] = [x, eps, noise].map((all) => all.subarray(start, start + sampleSize)) as [
      State,
      State,
      State,
    ];
    const size = 2 * ((snr * norm(z) * sigma) / norm(e)) ** 2;
    out.set(combine([1, state], [-size / sigma, e], [Math.sqrt(2 * size), z]), start);
  }
  return out;
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
      state = langevin(state, eps, noise, from.sigma, snr, sampleSize);
    }
    const prediction = await denoiser(state, from, step);
    const variance = from.sigma ** 2 - to.sigma ** 2;
    const mean = combine([1, state], [-variance / from.sigma, prediction.eps]);
    if (denoise && step === grid.length - 2) return { x: mean, prediction };
    return { x: combine([1, mean], [Math.sqrt(variance), drawNoise(options.noise, x, step)]), prediction };
  });
