/** @file Grids of noise levels σ/α, each a plain descending array of `steps` levels (the closing zero is added by the caller). */
import { ConfigError } from '../../../tensor/index.ts';
import { betaQuantile } from './beta-quantile.ts';
import { linspace } from './numpy.ts';
import { assertSteps } from './timesteps.ts';

/** Range of a grid. */
export interface SigmaRange {
  readonly sigmaMin: number;
  readonly sigmaMax: number;
}

function checkRange(steps: number, { sigmaMin, sigmaMax }: SigmaRange): void {
  assertSteps(steps);
  if (!(sigmaMin > 0 && (sigmaMax > sigmaMin || (steps === 1 && sigmaMax === sigmaMin)))) {
    throw new ConfigError(`noise levels need 0 < sigmaMin < sigmaMax, got ${sigmaMin} and ${sigmaMax}`);
  }
}

/** Karras et al. 2022, eq. 5: equal steps in `σ^{1/ρ}`. */
export function karrasSigmas(steps: number, range: SigmaRange, rho = 7): number[] {
  checkRange(steps, range);
  const low = range.sigmaMin ** (1 / rho);
  const high = range.sigmaMax ** (1 / rho);
  return linspace(0, 1, steps).map((ramp) => (high + ramp * (low - high)) ** rho);
}

/** Equal steps in log σ, that is in log-SNR. */
export function exponentialSigmas(steps: number, range: SigmaRange): number[] {
  checkRange(steps, range);
  return linspace(Math.log(range.sigmaMax), Math.log(range.sigmaMin), steps).map(Math.exp);
}

/** Steps in log σ that shrink like `(1 − i/n)^ρ` towards the data (k-diffusion); ρ = 1 is `exponentialSigmas`. */
export function polyexponentialSigmas(steps: number, range: SigmaRange, rho = 1): number[] {
  checkRange(steps, range);
  const [low, high] = [Math.log(range.sigmaMin), Math.log(range.sigmaMax)];
  return linspace(1, 0, steps).map((ramp) => Math.exp(ramp ** rho * (high - low) + low));
}

/** σ spread by the quantiles of a Beta(α, β) distribution (Lee et al. 2024, "Beta Sampling is All You Need"). */
export function betaSigmas(steps: number, range: SigmaRange, alpha = 0.6, beta = 0.6): number[] {
  checkRange(steps, range);
  const { sigmaMin, sigmaMax } = range;
  return linspace(0, 1, steps).map((ramp) => sigmaMin + betaQuantile(1 - ramp, alpha, beta) * (sigmaMax - sigmaMin));
}

/** Equal steps in arctan σ, minimising the KL between the grid's and the continuous trajectory (Align Your Steps, Thm 3.1). */
export function klOptimalSigmas(steps: number, range: SigmaRange): number[] {
  checkRange(steps, range);
  const [low, high] = [Math.atan(range.sigmaMin), Math.atan(range.sigmaMax)];
  return linspace(0, 1, steps).map((ramp) => Math.tan(ramp * low + (1 - ramp) * high));
}

/** Flow-matching shift `σ ← s·σ/(1 + (s − 1)·σ)` (Esser et al. 2024, eq. 23): moves steps towards noise for larger images. */
export function shiftFlowSigma(sigma: number, shift: number): number {
  return (shift * sigma) / (1 + (shift - 1) * sigma);
}

/** Dynamic shift of FLUX: `e^μ/(e^μ + 1/σ − 1)`, or with `linear` μ in place of e^μ. */
export function timeShift(sigma: number, mu: number, type: 'exponential' | 'linear' = 'exponential'): number {
  const scale = type === 'exponential' ? Math.exp(mu) : mu;
  return scale / (scale + (1 / sigma - 1));
}

/** μ of the dynamic shift for an image of `tokens` patches: linear between (baseTokens, baseShift) and (maxTokens, maxShift). */
export function dynamicShiftMu(
  tokens: number,
  { baseTokens = 256, maxTokens = 4096, baseShift = 0.5, maxShift = 1.15 } = {},
): number {
  const slope = (maxShift - baseShift) / (maxTokens - baseTokens);
  return tokens * slope + baseShift - slope * baseTokens;
}

/** Stretches flow levels so that the last one is `terminal` (LTX). */
export function stretchToTerminal(sigmas: readonly number[], terminal: number): number[] {
  const scale = (1 - sigmas[sigmas.length - 1]!) / (1 - terminal);
  return sigmas.map((sigma) => 1 - (1 - sigma) / scale);
}

/** Flow levels that fall linearly to `threshold` over the first steps, then quadratically (LTX's linear-quadratic grid). */
export function linearQuadraticSigmas(steps: number, threshold = 0.025, linearSteps = steps >> 1): number[] {
  assertSteps(steps);
  if (steps === 1) return [1];
  const quadraticSteps = steps - linearSteps;
  const linear = Array.from({ length: linearSteps }, (_, i) => (i * threshold) / linearSteps);
  const difference = linearSteps - threshold * steps;
  const quadratic = difference / (linearSteps * quadraticSteps ** 2);
  const slope = threshold / linearSteps - (2 * difference) / quadraticSteps ** 2;
  const offset = quadratic * linearSteps ** 2;
  const rest = Array.from({ length: quadraticSteps }, (_, k) => {
    const i = linearSteps + k;
    return quadratic * i ** 2 + slope * i + offset;
  });
  return [...linear, ...rest].map((value) => 1 - value);
}

/** Levels that Sabour et al. 2024 (Align Your Steps) optimised for known models, at 10 steps. */
export const AYS_SIGMAS = {
  sd: [14.615, 6.475, 3.861, 2.697, 1.886, 1.396, 0.963, 0.652, 0.399, 0.152, 0.029],
  sdxl: [14.615, 6.315, 3.771, 2.181, 1.342, 0.862, 0.555, 0.38, 0.234, 0.113, 0.029],
  svd: [700.0, 54.5, 15.886, 7.977, 4.248, 1.789, 0.981, 0.403, 0.173, 0.034, 0.002],
} as const;

/** Align-Your-Steps levels for `model`, log-linearly resampled to `steps` levels before the closing zero. */
export function alignYourSteps(steps: number, model: keyof typeof AYS_SIGMAS): number[] {
  assertSteps(steps);
  return resampleSigmas(AYS_SIGMAS[model], steps + 1).slice(0, steps);
}

/** Resamples a descending list of positive levels to `count` levels, log-linearly in the index. */
export function resampleSigmas(sigmas: readonly number[], count: number): number[] {
  return linspace(0, sigmas.length - 1, count).map((position) => {
    const low = Math.min(Math.floor(position), sigmas.length - 2);
    const w = position - low;
    return Math.exp((1 - w) * Math.log(sigmas[low]!) + w * Math.log(sigmas[low + 1]!));
  });
}

/** ComfyUI's `simple` grid: every (T/steps)-th level of a table of ascending levels, from the top. */
export function simpleSigmas(steps: number, table: ArrayLike<number>): number[] {
  assertSteps(steps, table.length);
  const stride = table.length / steps;
  return Array.from({ length: steps }, (_, i) => table[table.length - 1 - Math.floor(i * stride)]!);
}
