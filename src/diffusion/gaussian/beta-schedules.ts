/** @file Discrete variance-preserving schedules: β₁ … β_T and their cumulative products, in float32 as torch computes them. */
import { ConfigError } from '../../tensor/index.ts';
import { oneOf } from './choices.ts';

const f = Math.fround;

export const BETA_SCHEDULES = ['linear', 'scaled_linear', 'squaredcos_cap_v2', 'sigmoid', 'laplace', 'exp'] as const;
/** Names as in diffusers: `squaredcos_cap_v2` is the cosine schedule of Nichol & Dhariwal 2021. */
export type BetaSchedule = (typeof BETA_SCHEDULES)[number];

/** How a discrete schedule is made; names and defaults as in diffusers. */
export interface BetaOptions {
  readonly numTrainTimesteps?: number;
  readonly betaStart?: number;
  readonly betaEnd?: number;
  readonly betaSchedule?: BetaSchedule;
  /** Betas given outright; every other option but `rescaleZeroSnr` is then ignored. */
  readonly trainedBetas?: ArrayLike<number> | undefined;
  /** Shift and scale √ᾱ so that the last step is pure noise (Lin et al. 2023, Algorithm 1). */
  readonly rescaleZeroSnr?: boolean;
}

/** `count` float32 numbers from `start` to `end`, as `torch.linspace` rounds them (from both ends towards the middle). */
export function linspaceFloat32(start: number, end: number, count: number): Float32Array {
  const out = new Float32Array(count);
  if (count === 1) return out.fill(start);
  const step = f(f(f(end) - f(start)) / (count - 1));
  const half = count >> 1;
  // torch's kernel fuses the multiply and the add: one rounding each
  for (let i = 0; i < count; i++) out[i] = i < half ? f(start) + step * i : f(end) - step * (count - i - 1);
  return out;
}

/** ᾱ at t ∈ [0, 1] of the schedules that are defined by it. */
const ALPHA_BAR = {
  squaredcos_cap_v2: (t: number) => Math.cos((((t + 0.008) / 1.008) * Math.PI) / 2) ** 2,
  laplace: (t: number) => {
    const lambda = -0.5 * Math.sign(0.5 - t || 1) * Math.log(1 - 2 * Math.abs(0.5 - t) + 1e-6);
    const ratio = Math.exp(lambda);
    return Math.sqrt(ratio / (1 + ratio));
  },
  exp: (t: number) => Math.exp(-12 * t),
};

/** β_i = min(1 − ᾱ((i+1)/T) / ᾱ(i/T), maxBeta). */
export function betasForAlphaBar(alphaBar: (t: number) => number, count: number, maxBeta = 0.999): Float32Array {
  return Float32Array.from({ length: count }, (_, i) =>
    Math.min(1 - alphaBar((i + 1) / count) / alphaBar(i / count), maxBeta),
  );
}

/** The betas of a schedule, float32. Throws `ConfigError` on an unknown name or an impossible range. */
export function betas({
  numTrainTimesteps = 1000,
  betaStart = 0.0001,
  betaEnd = 0.02,
  betaSchedule = 'linear',
  trainedBetas,
  rescaleZeroSnr = false,
}: BetaOptions = {}): Float32Array {
  if (!Number.isInteger(numTrainTimesteps) || numTrainTimesteps < 1) {
    throw new ConfigError(`numTrainTimesteps is a positive integer, got ${numTrainTimesteps}`);
  }
  const raw = trainedBetas
    ? Float32Array.from(trainedBetas)
    : namedBetas(oneOf('beta schedule', betaSchedule, BETA_SCHEDULES), numTrainTimesteps, betaStart, betaEnd);
  const bad = raw.findIndex((beta) => !(beta > 0 && beta <= 1));
  if (bad >= 0)
    throw new ConfigError(
      `betas lie in (0, 1], beta[${bad}] is ${raw[bad]}`,
      trainedBetas
        ? 'check the trained betas'
        : `check the ends of the schedule, ${betaStart} and ${betaEnd} (beta_start and beta_end in a config)`,
    );
  return rescaleZeroSnr ? rescaleZeroTerminalSnr(raw) : raw;
}

function namedBetas(schedule: BetaSchedule, count: number, start: number, end: number): Float32Array {
  switch (schedule) {
    case 'linear':
      return linspaceFloat32(start, end, count);
    case 'scaled_linear':
      return linspaceFloat32(Math.sqrt(start), Math.sqrt(end), count).map((root) => root * root);
    case 'sigmoid':
      return linspaceFloat32(-6, 6, count).map((x) => f(f(1 / (1 + Math.exp(-x))) * f(end - start)) + f(start));
    case 'squaredcos_cap_v2':
    case 'laplace':
    case 'exp':
      return betasForAlphaBar(ALPHA_BAR[schedule], count);
  }
}

/** ᾱ_t = Π_{i≤t} (1 − β_i), float32 rounded from a float64 running product as `torch.cumprod` does. */
export function alphasCumprod(betas: Float32Array): Float32Array {
  let product = 1;
  return betas.map((beta) => {
    product *= f(1 - beta);
    return product;
  });
}

/** ᾱ with the last one zero and the first unchanged: √ᾱ shifted and scaled (Lin et al. 2023, Algorithm 1). */
export function zeroTerminalAlphaBar(alphaBars: Float32Array): Float32Array {
  const roots = alphaBars.map(Math.sqrt);
  const first = roots[0]!;
  const last = roots[roots.length - 1]!;
  const scale = f(first / f(first - last));
  return roots.map((root) => f(f(root - last) * scale) ** 2);
}

/** Betas whose ᾱ is `zeroTerminalAlphaBar` of the given betas' ᾱ. */
export function rescaleZeroTerminalSnr(betas: Float32Array): Float32Array {
  const alphaBar = zeroTerminalAlphaBar(alphasCumprod(betas));
  return alphaBar.map((value, i) => f(1 - (i === 0 ? value : f(value / alphaBar[i - 1]!))));
}

/** Divides the SNR by `shift`: `ᾱ ← ᾱ/(s + (1 − s)·ᾱ)`, towards noise for larger pictures (Hoogeboom et al. 2023). */
export function shiftSnr(alphaBars: Float32Array, shift: number): Float32Array {
  return alphaBars.map((value) => value / f(f(shift) + f(f(1 - shift) * value)));
}
