/** @file Low-temperature sampling of a flow by rescaling its score (RFD4-Proteína). */
import { ShapeError } from '../../../tensor/index.ts';
import type { Point } from '../process.ts';
import { drawNoise, integrate, type Solver, type SolverOptions } from '../solver.ts';
import { combine, type Term } from '../state.ts';

/** Options of temporal score rescaling. */
export interface ScoreRescalingOptions extends SolverOptions {
  /** Factor on the score: 1 samples the model's own distribution, more a sharper one. */
  readonly ratio?: (point: Point) => number;
  /** Noise rate g of the Langevin part; 0 makes the step deterministic. */
  readonly noiseRate?: (point: Point) => number;
  /** 1 where the state is sampled, 0 where it is held at zero. */
  readonly emitMask?: ArrayLike<number> | undefined;
}

/**
 * `ratio = (SNR·w² + 1)/(SNR·w²/k + 1)`: the factor on the score of Gaussian data of standard deviation `width` that turns
 * its variance into w²/k at every noise level; 1 in pure noise, k at the data (temporal score rescaling).
 */
export function temporalRatio({ alpha, sigma }: Point, k: number, width: number): number {
  const scaled = (alpha / sigma) ** 2 * width ** 2;
  return (scaled + 1) / (scaled / k + 1);
}

/**
 * Euler-Maruyama on `dx = [v_r(x) + g·r·s(x)]·dt + √(2g)·dW` for a flow with α = t, σ = 1 − t: s = −ε̂/σ is the score, r its
 * `ratio`, and `v_r = (x − r·ε̂)/t` the velocity that the rescaled score implies. One evaluation per step; stochastic where
 * g > 0.
 */
export const rescaledScore: Solver<ScoreRescalingOptions> = (
  denoise,
  x,
  grid,
  { ratio = () => 1, noiseRate = () => 0, emitMask, ...options } = {},
) => {
  if (emitMask !== undefined && emitMask.length !== x.length) {
    throw new ShapeError(`emitMask has ${emitMask.length} elements, the state ${x.length}`);
  }
  return integrate(denoise, x, grid, options, (x, { eps }, from, to, step) => {
    const dt = to.alpha - from.alpha;
    const [r, g] = [ratio(from), noiseRate(from)];
    const terms: Term[] = [
      [1 + dt / from.alpha, x],
      [-r * dt * (1 / from.alpha + g / from.sigma), eps],
    ];
    if (g > 0) terms.push([Math.sqrt(2 * g * dt), drawNoise(options.noise, x, step)]);
    const next = combine(...terms);
    if (emitMask !== undefined) for (let i = 0; i < next.length; i++) next[i] = next[i]! * emitMask[i]!;
    return next;
  });
};
