/** @file Classifier-free guidance and its relatives, as combinations of networks: each takes networks and gives a network. */
import { ConfigError } from '../../../tensor/index.ts';
import type { Network } from '../denoiser.ts';
import { type Parameterisation, parameterisation } from '../parameterisation.ts';
import type { Point } from '../process.ts';
import { sigmaRatio } from '../process.ts';
import { combine, type State, type Term } from '../state.ts';

/** Where guidance acts: noise levels σ/α in (from, to], as in Kynkäänniemi et al. 2024. */
export interface GuidanceInterval {
  readonly from?: number;
  readonly to?: number;
}

/** Whether `point` lies inside the interval. */
export function insideInterval(point: Point, { from = 0, to = Number.POSITIVE_INFINITY }: GuidanceInterval): boolean {
  const sigma = sigmaRatio(point);
  return sigma > from && sigma <= to;
}

/** Options of classifier-free guidance. */
export interface CfgOptions {
  /** w: 1 is no guidance, 0 the unconditional network, above 1 away from it. */
  readonly scale: number | ((point: Point, step: number) => number);
  /** Pulls the guided output's standard deviation back to the conditional one's (Lin et al. 2023, φ; 0.7 is usual). */
  readonly rescale?: number;
  /** Guide only at these noise levels; elsewhere the conditional network runs alone, at half the cost. */
  readonly interval?: GuidanceInterval;
  /** Elements of one sample, for `rescale`; the whole state by default. */
  readonly sampleSize?: number | undefined;
}

/**
 * Classifier-free guidance (Ho & Salimans 2022): `F = F_neg + w·(F_cond − F_neg)`. Linear, so it is the same in ε, v, x₀
 * or flow. A negative condition is a network conditioned on it. Two evaluations where guidance acts, one where w is 0 or 1.
 */
export function classifierFree(
  conditional: Network,
  negative: Network,
  { scale, rescale = 0, interval, sampleSize }: CfgOptions,
): Network {
  if (!(rescale >= 0 && rescale <= 1)) throw new ConfigError(`rescale lies in [0, 1], got ${rescale}`);
  return async (x, point, step) => {
    const w = typeof scale === 'number' ? scale : scale(point, step);
    if (w === 1 || (interval !== undefined && !insideInterval(point, interval))) return conditional(x, point, step);
    if (w === 0) return negative(x, point, step);
    const cond = await conditional(x, point, step);
    const guided = extrapolate(cond, await negative(x, point, step), w);
    return rescale === 0 ? guided : rescaleGuidance(guided, cond, rescale, sampleSize);
  };
}

/** `neg + w·(cond − neg)`. */
export function extrapolate(cond: State, neg: State, w: number): State {
  return combine([w, cond], [1 - w, neg]);
}

/** `φ·guided·std(cond)/std(guided) + (1 − φ)·guided`, sample by sample (Lin et al. 2023, eq. 15-16). */
export function rescaleGuidance(guided: State, cond: State, phi: number, sampleSize = guided.length): State {
  const out = guided.slice();
  for (let at = 0; at < out.length; at += sampleSize) {
    const ratio =
      standardDeviation(cond.subarray(at, at + sampleSize)) / standardDeviation(guided.subarray(at, at + sampleSize));
    const factor = phi * ratio + 1 - phi;
    for (let i = at; i < at + sampleSize; i++) out[i] = out[i]! * factor;
  }
  return out;
}

/** Unbiased standard deviation, as torch computes it. */
function standardDeviation(x: State): number {
  let mean = 0;
  for (const value of x) mean += value / x.length;
  let squares = 0;
  for (const value of x) squares += (value - mean) ** 2;
  return Math.sqrt(squares / (x.length - 1));
}

/**
 * Autoguidance (Karras et al. 2024): guides away from a smaller or less trained version of the same conditional network
 * instead of from the unconditional one. `scale` and `interval` as in classifier-free guidance.
 */
export function autoguidance(good: Network, bad: Network, options: CfgOptions): Network {
  return classifierFree(good, bad, options);
}

/**
 * Guidance by a perturbed network: PAG (Ahn et al. 2024) runs it with self-attention maps replaced by the identity, SEG
 * with blurred ones, skip-layer guidance without some layers. `F = F + s·(F − F_perturbed)`, on top of any guidance.
 */
export function perturbedGuidance(
  guided: Network,
  plain: Network,
  perturbed: Network,
  { scale, interval }: { readonly scale: number; readonly interval?: GuidanceInterval },
): Network {
  return async (x, point, step) => {
    const base = await guided(x, point, step);
    if (scale === 0 || (interval !== undefined && !insideInterval(point, interval))) return base;
    const good = plain === guided ? base : await plain(x, point, step);
    return combine([1, base], [scale, good], [-scale, await perturbed(x, point, step)]);
  };
}

/** One condition of a composition: positive weights attract (AND), negative repel (NOT). */
export interface WeightedCondition {
  readonly network: Network;
  readonly weight: number;
}

/**
 * Composable diffusion (Liu et al. 2022): `F = F_∅ + Σᵢ wᵢ·(Fᵢ − F_∅)`, the product of the conditions' likelihoods.
 * One evaluation per condition and one unconditional.
 */
export function composeConditions(unconditional: Network, conditions: readonly WeightedCondition[]): Network {
  return async (x, point, step) => {
    const terms: Term[] = [];
    let rest = 1;
    for (const { network, weight } of conditions) {
      terms.push([weight, await network(x, point, step)]);
      rest -= weight;
    }
    return combine([rest, await unconditional(x, point, step)], ...terms);
  };
}

/**
 * Classifier guidance (Dhariwal & Nichol 2021): adds `s·∇_x log p(y | x_t)` to the score, that is `−σ·s·∇` to ε.
 * `gradient` returns ∇_x log p(y | x_t); `prediction` says in which parameterisation `network` speaks.
 */
export function classifierGuidance(
  network: Network,
  gradient: Network,
  {
    scale = 1,
    prediction = 'epsilon',
  }: { readonly scale?: number; readonly prediction?: string | Parameterisation } = {},
): Network {
  const target = parameterisation(prediction);
  return async (x, point, step) => {
    const output = await network(x, point, step);
    // ε ← ε − σ·s·∇ moves x̂₀ by +σ²·s·∇/α; F = p·x₀ + q·ε
    const { p, q } = target(point);
    const shift = scale * ((p * point.sigma ** 2) / point.alpha - q * point.sigma);
    return combine([1, output], [shift, await gradient(x, point, step)]);
  };
}
