/** @file DDPM ancestral sampling (Ho et al. 2020, Algorithm 2) with every variance of diffusers. */
import { ConfigError } from '../../../tensor/index.ts';
import type { Point } from '../process.ts';
import { drawNoise, integrate, rounding, type Solver, type SolverOptions } from '../solver.ts';
import { combine, type State } from '../state.ts';

export const VARIANCE_TYPES = [
  'fixed_small',
  'fixed_small_log',
  'fixed_large',
  'fixed_large_log',
  'learned',
  'learned_range',
] as const;
/** `fixed_small`: posterior variance β̃; `fixed_large`: β; `learned_range`: interpolated in the log between the two. */
export type VarianceType = (typeof VARIANCE_TYPES)[number];

/** DDPM's own options. */
export interface DdpmOptions extends SolverOptions {
  readonly varianceType?: VarianceType;
}

/** The posterior weights as diffusers computes them: from ᾱ, rounding each operation to the state's precision. */
function posteriorWeights(s: Point, t: Point, f: (value: number) => number) {
  const alphaBarT = f(t.alpha ** 2);
  const alphaBarS = f(s.alpha ** 2);
  const sigma2T = f(t.sigma ** 2);
  const sigma2S = f(s.sigma ** 2);
  const alpha = f(alphaBarT / alphaBarS);
  const beta = f(1 - alpha);
  return {
    beta,
    x0Weight: f(f(f(s.alpha) * beta) / sigma2T),
    xWeight: f(f(f(Math.sqrt(alpha)) * sigma2S) / sigma2T),
    variance: Math.max(f(f(sigma2S / sigma2T) * beta), 1e-20),
  };
}

/**
 * Draws from `q(x_s | x_t, x̂₀)`; stochastic, one evaluation per step. The last step, into clean data, adds no noise.
 * Variance-preserving points only. Throws `ConfigError` for a learned variance the network does not give.
 */
export const ddpm: Solver<DdpmOptions> = (denoise, x, grid, { varianceType = 'fixed_small', ...options } = {}) => {
  const f = rounding(x);
  return integrate(denoise, x, grid, options, (x, { x0, variance: learned }, t, s, step) => {
    const { beta, x0Weight, xWeight, variance } = posteriorWeights(s, t, f);
    const mean = combine([x0Weight, x0], [xWeight, x]);
    if (s.sigma === 0) return mean;
    const noise = drawNoise(options.noise, x, step);
    if (varianceType === 'learned' || varianceType === 'learned_range') {
      return addLearned(mean, noise, requireLearned(learned, varianceType), (v) =>
        varianceType === 'learned' ? Math.sqrt(v) : Math.exp(0.5 * logInterpolate(v, variance, beta)),
      );
    }
    const fixed = varianceType === 'fixed_small' || varianceType === 'fixed_small_log' ? variance : beta;
    return combine([1, mean], [f(Math.sqrt(fixed)), noise]);
  });
};

/** Nichol & Dhariwal 2021, eq. 15: v ∈ [−1, 1] picks a variance between β̃ and β, in the log. */
export function logInterpolate(v: number, small: number, large: number): number {
  const fraction = (v + 1) / 2;
  return fraction * Math.log(large) + (1 - fraction) * Math.log(small);
}

function requireLearned(variance: State | undefined, type: VarianceType): State {
  if (variance !== undefined) return variance;
  throw new ConfigError(`variance type '${type}' needs a network that predicts its variance`, {
    api: "use 'fixed_small', or a network with twice the output channels and the learnedVariance option",
    cli: 'set variance_type to fixed_small in its scheduler_config.json, or use a network with twice the output channels',
  });
}

function addLearned(mean: State, noise: State, learned: State, std: (v: number) => number): State {
  for (let i = 0; i < mean.length; i++) mean[i] = mean[i]! + std(learned[i]!) * noise[i]!;
  return mean;
}
