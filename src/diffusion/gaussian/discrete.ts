/** @file The discrete variance-preserving process of DDPM: training steps 0 … T−1, usable at fractional times too. */
import { ConfigError } from '../../tensor/index.ts';
import { alphasCumprod, type BetaOptions, betas as makeBetas } from './beta-schedules.ts';
import type { Point, Process } from './process.ts';

/** A variance-preserving process on training steps `0 … T−1`; time −1 is the clean data (α = 1, σ = 0). */
export interface DiscreteProcess extends Process {
  readonly steps: number;
  readonly betas: Float32Array;
  readonly alphasCumprod: Float32Array;
}

/** How a discrete process is made. */
export interface DiscreteOptions extends BetaOptions {
  /**
   * Smallest ᾱ. Solvers that work with σ/α cannot stand ᾱ = 0; diffusers puts 2⁻²⁴ there after zero-SNR rescaling.
   */
  readonly minAlphaBar?: number;
  /** A last change to ᾱ, such as CogVideoX's SNR shift. */
  readonly reshape?: ((alphaBars: Float32Array) => Float32Array) | undefined;
}

/**
 * The process of a β schedule. At whole steps α = √ᾱ and σ = √(1−ᾱ) with ᾱ and 1−ᾱ in float32, exactly as diffusers
 * has them; between steps log α is interpolated linearly (Lu et al. 2022, App. D.4), so derivatives exist.
 */
export function discreteProcess({
  minAlphaBar = 0,
  reshape = (alphaBars) => alphaBars,
  ...options
}: DiscreteOptions = {}): DiscreteProcess {
  const betas = makeBetas(options);
  const alphaBars = reshape(alphasCumprod(betas)).map((value) => Math.max(value, minAlphaBar));
  const steps = betas.length;
  const alphaAt = (i: number): number => (i < 0 ? 1 : Math.sqrt(alphaBars[i]!));
  const bracket = (t: number) => {
    if (!(t >= -1 && t <= steps - 1)) {
      throw new ConfigError(
        `training time ${t} lies outside -1 … ${steps - 1}`,
        'grids must stay within training times',
      );
    }
    const low = Math.min(Math.floor(t), steps - 2);
    return { low, weight: t - low };
  };
  const alpha = (t: number): number => {
    if (Number.isInteger(t) && t >= -1 && t < steps) return alphaAt(t);
    const { low, weight } = bracket(t);
    const [a, b] = [alphaAt(low), alphaAt(low + 1)];
    return b > 0 ? Math.exp((1 - weight) * Math.log(a) + weight * Math.log(b)) : (1 - weight) * a;
  };
  const sigma = (t: number): number => {
    if (Number.isInteger(t) && t >= 0 && t < steps) return Math.sqrt(Math.fround(1 - alphaBars[t]!));
    return Math.sqrt(Math.max(0, 1 - alpha(t) ** 2));
  };
  const alphaDot = (t: number): number => {
    const { low } = bracket(t);
    const [a, b] = [alphaAt(low), alphaAt(low + 1)];
    return b > 0 ? alpha(t) * (Math.log(b) - Math.log(a)) : -a;
  };
  return {
    name: 'variance-preserving',
    start: 0,
    end: steps - 1,
    steps,
    betas,
    alphasCumprod: alphaBars,
    alpha,
    sigma,
    alphaDot,
    sigmaDot: (t) => (-alpha(t) * alphaDot(t)) / sigma(t),
  };
}

/** The point of clean data, where a variance-preserving grid ends. */
export const CLEAN: Point = { t: -1, alpha: 1, sigma: 0 };
