/** @file Loss weights as functions of the SNR, all on the squared error of x̂₀, and their translation to any output. */
import { type Parameterisation, type PredictionType, parameterisation } from '../parameterisation.ts';
import { type Point, type Process, pointAt, snr } from '../process.ts';

/** Weight of the squared error at a point. */
export type LossWeight = (point: Point) => number;

/** `w = SNR` on x̂₀, that is 1 on ε̂: the simple loss of Ho et al. 2020. */
export const simpleWeight: LossWeight = snr;

/** `w = 1` on x̂₀. */
export const dataWeight: LossWeight = () => 1;

/** `w = max(SNR, 1)` (Salimans & Ho 2022, truncated SNR). */
export const truncatedSnrWeight: LossWeight = (point) => Math.max(snr(point), 1);

/** `w = SNR + 1` on x̂₀, that is 1 on v (Salimans & Ho 2022). */
export const snrPlusOneWeight: LossWeight = (point) => snr(point) + 1;

/** `w = min(SNR, γ)` (Hang et al. 2023, Min-SNR-γ). */
export function minSnr(gamma = 5): LossWeight {
  return (point) => Math.min(snr(point), gamma);
}

/** `w = SNR·γ/(SNR + γ)`, min-SNR without the kink (Crowson et al. 2024). */
export function softMinSnr(gamma = 4): LossWeight {
  return (point) => {
    const ratio = snr(point);
    return ratio === Number.POSITIVE_INFINITY ? gamma : (ratio * gamma) / (ratio + gamma);
  };
}

/** `1/(k + SNR)^γ` on ε̂ (Choi et al. 2022, P2). */
export function p2({ k = 1, gamma = 1 } = {}): LossWeight {
  return (point) => snr(point) / (k + snr(point)) ** gamma;
}

/** `1/√SNR` on ε̂ (Yu et al. 2024, debiased estimation). */
export const debiasedWeight: LossWeight = (point) => Math.sqrt(snr(point));

/** `(σ² + σ_data²)/(σ·σ_data)² = SNR + 1/σ_data²`: unit weight on EDM's preconditioned output (Karras et al. 2022). */
export function edmWeight(sigmaData = 0.5): LossWeight {
  return (point) => snr(point) + 1 / sigmaData ** 2;
}

/** `sigmoid(b − log SNR)` on ε̂ (Kingma & Gao 2023; Hoogeboom et al. 2024, b = −3 at 512 pixels). */
export function sigmoidWeight(bias = -3): LossWeight {
  return (point) => snr(point) / (1 + snr(point) * Math.exp(-bias));
}

/** Cosmap, `2/(π·(1 − 2t + 2t²))` on the flow velocity (Esser et al. 2024): `2/(π·(α² + σ²))`. */
export const cosmapWeight: LossWeight = ({ alpha, sigma }) =>
  (2 / (Math.PI * (alpha ** 2 + sigma ** 2))) * ((alpha + sigma) / sigma) ** 2;

/**
 * The variational bound of a discrete process: `½·(SNR(t−1) − SNR(t))` per step (Kingma et al. 2021, eq. 14), times the
 * number of steps when t is drawn uniformly. At t = 0 the decoder is taken as Gaussian of the first step's variance.
 */
export function vlbWeight(process: Process): LossWeight {
  return (point) => {
    const before = point.t > 0 ? snr(pointAt(process, point.t - 1)) : 2 * snr(point);
    return 0.5 * (before - snr(point));
  };
}

/** The named weights, for configs. */
export const LOSS_WEIGHTS = {
  simple: () => simpleWeight,
  data: () => dataWeight,
  'truncated-snr': () => truncatedSnrWeight,
  'snr-plus-one': () => snrPlusOneWeight,
  'min-snr': () => minSnr(),
  'soft-min-snr': () => softMinSnr(),
  p2: () => p2(),
  debiased: () => debiasedWeight,
  edm: () => edmWeight(),
  sigmoid: () => sigmoidWeight(),
  cosmap: () => cosmapWeight,
} as const satisfies Record<string, () => LossWeight>;

/**
 * The weight on the squared error of the network's output that equals `weight` on the error of x̂₀. With x fixed,
 * `δε̂ = −(α/σ)·δx̂₀`, so `δF = (p − q·α/σ)·δx̂₀`. Where the output says nothing of x̂₀ (α = 0 with ε-prediction) the
 * weight is that of unit error, 1.
 */
export function onOutput(weight: LossWeight, prediction: PredictionType | Parameterisation): LossWeight {
  const target = parameterisation(prediction);
  return (point) => {
    const { p, q } = target(point);
    const slope = (p - (q * point.alpha) / point.sigma) ** 2;
    return slope === 0 ? 1 : weight(point) / slope;
  };
}
