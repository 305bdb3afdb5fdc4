/** @file A Gaussian forward process `x_t = α(t)·x₀ + σ(t)·ε`, and what follows from α and σ alone. */
import { DataError } from '../../tensor/index.ts';

/** A time together with its signal and noise levels: all that a solver needs to know of the process. */
export interface Point {
  /** What the network is told: a training step, a flow time, `c_noise(σ)` … */
  readonly t: number;
  /** Signal level α(t) ≥ 0. */
  readonly alpha: number;
  /** Noise level σ(t) ≥ 0. */
  readonly sigma: number;
  /** For flow maps: the time the network is asked to go to, in the units of `t` (set by `flowMap`). */
  readonly target?: number | undefined;
}

/**
 * A forward process: the law of `x_t` given `x₀` is `N(α(t)·x₀, σ(t)²·I)`. Plain data plus four functions of time;
 * time runs from `start` (data) to `end` (noise) in the process's own units.
 */
export interface Process {
  /** What it is called in the literature, e.g. `variance-preserving`. */
  readonly name: string;
  /** The time nearest to the data at which the process is trained. */
  readonly start: number;
  /** The time of pure (or nearly pure) noise. */
  readonly end: number;
  /** Signal level. */
  alpha(t: number): number;
  /** Noise level. */
  sigma(t: number): number;
  /** dα/dt. */
  alphaDot(t: number): number;
  /** dσ/dt. */
  sigmaDot(t: number): number;
}

/** The levels of `process` at time `t`. */
export function pointAt(process: Process, t: number): Point {
  return { t, alpha: process.alpha(t), sigma: process.sigma(t) };
}

/** Signal-to-noise ratio `α²/σ²`; infinite at the data. */
export function snr({ alpha, sigma }: Point): number {
  return (alpha / sigma) ** 2;
}

/** `λ = log(α/σ)`, half the log-SNR, the time in which exponential integrators step (Lu et al. 2022, DPM-Solver). */
export function lambdaOf({ alpha, sigma }: Point): number {
  return Math.log(alpha) - Math.log(sigma);
}

/** `σ/α`, the noise level once the signal is rescaled to 1: the σ of EDM and k-diffusion. */
export function sigmaRatio({ alpha, sigma }: Point): number {
  return sigma / alpha;
}

/** The same point in the frame where the signal has level 1 (variance exploding): `α = 1`, `σ ← σ/α`. */
export function unitSignal(point: Point): Point {
  return { t: point.t, alpha: 1, sigma: sigmaRatio(point) };
}

/** Gaussian transition `q(x_t | x_s) = N(scale·x_s, variance·I)` for `s` nearer to the data than `t`. */
export function transition(s: Point, t: Point): { scale: number; variance: number } {
  const scale = s.alpha === 0 ? 0 : t.alpha / s.alpha;
  return { scale, variance: Math.max(t.sigma ** 2 - scale ** 2 * s.sigma ** 2, 0) };
}

/** Coefficients of `q(x_s | x_t, x₀) = N(x0Weight·x₀ + xWeight·x_t, variance·I)`. */
export interface Posterior {
  readonly x0Weight: number;
  readonly xWeight: number;
  readonly variance: number;
}

/** The posterior that DDPM samples from (Ho et al. 2020, eq. 6-7), for any Gaussian process; `s` is nearer to the data. */
export function posterior(s: Point, t: Point): Posterior {
  const { scale, variance } = transition(s, t);
  const total = t.sigma ** 2;
  if (total === 0) throw new DataError('the posterior of a noiseless state is undefined', 'start from a noisy point');
  return {
    x0Weight: (s.alpha * variance) / total,
    xWeight: (scale * s.sigma ** 2) / total,
    variance: (variance * s.sigma ** 2) / total,
  };
}

/** Drift rate `f(t)` and squared diffusion `g(t)²` of `dx = f·x dt + g dw` with these marginals (Kingma et al. 2021). */
export function sde(process: Process, t: number): { drift: number; diffusion2: number } {
  const drift = process.alphaDot(t) / process.alpha(t);
  const sigma = process.sigma(t);
  return { drift, diffusion2: 2 * sigma * process.sigmaDot(t) - 2 * drift * sigma ** 2 };
}

/**
 * Velocity `dx/dt = α̇·x̂₀ + σ̇·ε̂` of the probability-flow ODE, as weights on x̂₀ and ε̂ (Albergo & Vanden-Eijnden 2023).
 */
export function velocityWeights(process: Process, t: number): { x0: number; eps: number } {
  return { x0: process.alphaDot(t), eps: process.sigmaDot(t) };
}

/**
 * `KL(q(x_T|x₀) ‖ N(0, prior²·I))` in nats per dimension, averaged over data of second moment `dataPower` = E[x₀²]:
 * `½·(σ²/p² + α²·dataPower/p² − 1 − ln(σ²/p²))`. Zero when nothing of the data is left at `point`.
 */
export function terminalKl(point: Point, { dataPower = 1, prior = Math.hypot(point.alpha, point.sigma) } = {}): number {
  const ratio = (point.sigma / prior) ** 2;
  return 0.5 * (ratio + (point.alpha / prior) ** 2 * dataPower - 1 - Math.log(ratio));
}
