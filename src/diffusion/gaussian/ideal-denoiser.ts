/** @file Denoisers known in closed form: the tools that solvers, schedules and guidance are tested and taught with. */
import { ConfigError } from '../../tensor/index.ts';
import type { Denoiser, Prediction } from './denoiser.ts';
import type { Point } from './process.ts';
import { combine, emptyLike, type State } from './state.ts';

/** Data whose every element is independent `N(mean, std²)`. */
export interface GaussianData {
  readonly mean?: number;
  readonly std?: number;
}

/** The prediction whose x̂₀ is `x0` at state `x`: ε̂ follows from `x = α·x₀ + σ·ε`. */
function predictionFrom(x: State, x0: State, { alpha, sigma }: Point): Prediction {
  return { x0, eps: combine([1 / sigma, x], [-alpha / sigma, x0]) };
}

/** `E[x₀ | x_t] = m + α·s²/(α²s² + σ²)·(x − α·m)`: the ideal denoiser of Gaussian data. */
export function gaussianDenoiser({ mean = 0, std = 1 }: GaussianData = {}): Denoiser {
  return (x, point) => {
    const { alpha, sigma } = point;
    const gain = (alpha * std ** 2) / (alpha ** 2 * std ** 2 + sigma ** 2);
    return predictionFrom(x, x.map((value: number) => mean + gain * (value - alpha * mean)) as State, point);
  };
}

/** Standard deviation of `x_t` for Gaussian data. */
export function gaussianStd({ std = 1 }: GaussianData, { alpha, sigma }: Point): number {
  return Math.hypot(alpha * std, sigma);
}

/**
 * The exact probability-flow solution for Gaussian data: `(x_t − α_t·m)/√(α_t²s² + σ_t²)` stays constant, so
 * `x_to = α_to·m + (x_from − α_from·m)·std_to/std_from`.
 */
export function gaussianFlow(x: State, from: Point, to: Point, data: GaussianData = {}): State {
  const { mean = 0 } = data;
  const ratio = gaussianStd(data, to) / gaussianStd(data, from);
  return x.map((value: number) => to.alpha * mean + (value - from.alpha * mean) * ratio) as State;
}

/** One isotropic component of a mixture in `mean.length` dimensions. */
export interface MixtureComponent {
  readonly mean: readonly number[];
  readonly std: number;
  readonly weight?: number;
}

/**
 * `E[x₀ | x_t]` for a mixture of isotropic Gaussians: responsibilities of the components at `x`, then each one's own
 * posterior mean. States are batches of points with `mean.length` coordinates; `std: 0` makes the data the means
 * themselves (the ideal denoiser of a training set).
 */
export function mixtureDenoiser(components: readonly MixtureComponent[]): Denoiser {
  const dimensions = components[0]?.mean.length ?? 0;
  if (dimensions === 0 || components.some(({ mean }) => mean.length !== dimensions)) {
    throw new ConfigError('a mixture needs components whose means have the same number of coordinates');
  }
  return (x, point) => {
    const { alpha, sigma } = point;
    const x0 = emptyLike(x);
    const logs = new Float64Array(components.length);
    for (let at = 0; at < x.length; at += dimensions) {
      components.forEach(({ mean, std, weight = 1 }, k) => {
        const variance = (alpha * std) ** 2 + sigma ** 2;
        const square = mean.reduce((sum, m, d) => sum + (x[at + d]! - alpha * m) ** 2, 0);
        logs[k] = Math.log(weight) - square / (2 * variance) - (dimensions / 2) * Math.log(variance);
      });
      const top = Math.max(...logs);
      const responsibilities = logs.map((log) => Math.exp(log - top));
      const total = responsibilities.reduce((sum, r) => sum + r, 0);
      components.forEach(({ mean, std }, k) => {
        const share = responsibilities[k]! / total;
        const gain = (alpha * std ** 2) / ((alpha * std) ** 2 + sigma ** 2);
        for (let d = 0; d < dimensions; d++) {
          x0[at + d] = x0[at + d]! + share * (mean[d]! + gain * (x[at + d]! - alpha * mean[d]!));
        }
      });
    }
    return predictionFrom(x, x0, point);
  };
}

/** Counts the evaluations that a solver makes of `denoise`. */
export function countEvaluations(denoise: Denoiser): Denoiser & { readonly calls: number } {
  let calls = 0;
  const wrapped: Denoiser = (x, point, step) => {
    calls++;
    return denoise(x, point, step);
  };
  return Object.defineProperty(wrapped, 'calls', { get: () => calls }) as Denoiser & { readonly calls: number };
}
