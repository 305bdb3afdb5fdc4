/** @file Densities of training times and noise levels, drawn inside a trace; each gives a tensor of shape [B]. */
import { arange, concat, random, type Tensor } from '../../../graph/index.ts';

/** Draws one time (or noise level) per sample. */
export type TimeDensity = (count: number) => Tensor;

/** Independent and uniform in [0, 1). */
export const uniformTimes: TimeDensity = (count) => random.uniform([count]);

/** One in each of B equal strata of [0, 1): the same law, less variance. */
export const stratifiedTimes: TimeDensity = (count) =>
  random
    .uniform([count])
    .add(arange(count))
    .mul(1 / count);

/** One draw for the whole batch, spread evenly: `(u + i/B) mod 1` (Kingma et al. 2021, App. I.1). */
export const lowDiscrepancyTimes: TimeDensity = (count) =>
  random
    .uniform([1])
    .add(arange(count).mul(1 / count))
    .mod(1);

/** Pairs u, 1 − u (Ho et al. 2020's code; an odd batch has one draw without partner). */
export const antitheticTimes: TimeDensity = (count) => {
  const half = Math.ceil(count / 2);
  const u = random.uniform([half]);
  // 1 - u lies in (0, 1]; u = 0 has probability 2⁻²⁴
  const mirrored = u
    .neg()
    .add(1)
    .minimum(1 - 2 ** -24);
  return count === 1 ? u : concat([u, mirrored.slice(0, 0, count - half)]);
};

/** Noise levels with `ln σ ~ N(mean, std²)` (Karras et al. 2022, EDM; std 1.2, mean −1.2). */
export function logNormalLevels({ mean = -1.2, std = 1.2 } = {}): TimeDensity {
  return (count) => random.normal([count]).mul(std).add(mean).exp();
}

/** Flow times with `logit t ~ N(mean, std²)` (Esser et al. 2024, eq. 19). */
export function logitNormalTimes({ mean = 0, std = 1 } = {}): TimeDensity {
  return (count) => random.normal([count]).mul(std).add(mean).sigmoid();
}

/** Flow times with heavy tails, `1 − u − s·(cos²(πu/2) − 1 + u)` (Esser et al. 2024, eq. 20; mode sampling). */
export function modeTimes(scale = 1.29): TimeDensity {
  return (count) => {
    const u = random.uniform([count]);
    const cosine = u
      .mul(Math.PI / 2)
      .cos()
      .square();
    return u.neg().add(1).sub(cosine.sub(1).add(u).mul(scale));
  };
}

/** Moves flow times towards noise, `t ← s·t/(1 + (s − 1)·t)`; the shift of large images (Esser et al. 2024, eq. 23). */
export function shiftedTimes(density: TimeDensity, shift: number): TimeDensity {
  return (count) => {
    const t = density(count);
    return t.mul(shift).div(t.mul(shift - 1).add(1));
  };
}

/** Options of the cosine-interpolated density. */
export interface CosineInterpolatedOptions {
  /** Side of the pictures. */
  readonly imageSize: number;
  /** Sides at which the cosine schedule is centred, for high and for low noise. */
  readonly noiseSizeLow?: number;
  readonly noiseSizeHigh?: number;
  readonly sigmaData?: number;
  readonly sigmaMin?: number;
  readonly sigmaMax?: number;
}

/**
 * Noise levels of the cosine schedule shifted by resolution and interpolated between two shifts
 * (Hoogeboom et al. 2023, simple diffusion, eq. 8-9; k-diffusion `cosine-interpolated`).
 */
export function cosineInterpolatedLevels({
  imageSize,
  noiseSizeLow = 32,
  noiseSizeHigh = imageSize,
  sigmaData = 0.5,
  sigmaMin = 1e-3,
  sigmaMax = 1e3,
}: CosineInterpolatedOptions): TimeDensity {
  const [high, low] = [-2 * Math.log(sigmaMin / sigmaData), -2 * Math.log(sigmaMax / sigmaData)];
  const shiftedLogSnr = (u: Tensor, noiseSize: number): Tensor => {
    const shift = 2 * Math.log(noiseSize / imageSize);
    const [start, end] = [Math.atan(Math.exp(-0.5 * (high - shift))), Math.atan(Math.exp(-0.5 * (low - shift)))];
    const angle = u.mul(end - start).add(start);
    return angle.sin().div(angle.cos()).log().mul(-2).add(shift);
  };
  return (count) => {
    const u = random.uniform([count]);
    const [a, b] = [shiftedLogSnr(u, noiseSizeLow), shiftedLogSnr(u, noiseSizeHigh)];
    return a.add(b.sub(a).mul(u)).mul(-0.5).exp().mul(sigmaData);
  };
}
