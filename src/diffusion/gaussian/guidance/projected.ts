/** @file Guidance that reshapes the difference: adaptive projection (APG), CFG++ and CFG-Zero*. */
import type { Denoiser, Network } from '../denoiser.ts';
import { type Parameterisation, parameterisation, readout } from '../parameterisation.ts';
import { combine, emptyLike, type State } from '../state.ts';
import { extrapolate } from './classifier-free.ts';

/** Dot product of two stretches of states. */
function dot(a: State, b: State, from: number, to: number): number {
  let sum = 0;
  for (let i = from; i < to; i++) sum += a[i]! * b[i]!;
  return sum;
}

/** Options of adaptive projected guidance. */
export interface ApgOptions {
  readonly scale: number;
  /** Weight of the part of the difference that is parallel to the conditional prediction; 0 removes over-saturation. */
  readonly eta?: number;
  /** Largest norm of the difference; 0 for no limit. */
  readonly normThreshold?: number;
  /** Weight β of the running average of differences; negative values push away from the past. */
  readonly momentum?: number;
  readonly sampleSize?: number | undefined;
  /** What the networks predict; the projection is done on x̂₀. */
  readonly prediction?: string | Parameterisation;
}

/**
 * Adaptive projected guidance (Sadat et al. 2024, Algorithm 1), on x̂₀: the difference of conditional and unconditional
 * prediction is averaged with momentum, limited in norm, and its part along the conditional prediction is scaled by η.
 * Keeps state between steps, so make one per run.
 */
export function adaptiveProjectedGuidance(
  conditional: Network,
  unconditional: Network,
  { scale, eta = 0, normThreshold = 0, momentum = -0.5, sampleSize, prediction = 'epsilon' }: ApgOptions,
): Network {
  const target = parameterisation(prediction);
  let average: State | undefined;
  return async (x, point, step) => {
    const cond = await conditional(x, point, step);
    const uncond = await unconditional(x, point, step);
    const { x0 } = readout(target, point);
    const condX0 = combine([x0[0], x], [x0[1], cond]);
    const difference = combine([x0[1], cond], [-x0[1], uncond]);
    average = average === undefined ? difference : combine([1, difference], [momentum, average]);
    const update = project(average, condX0, { eta, normThreshold, size: sampleSize ?? x.length });
    // back from x̂₀ to the network's own parameterisation: x̂₀ is affine in the output
    return combine([1, cond], [(scale - 1) / x0[1], update]);
  };
}

function project(
  difference: State,
  cond: State,
  { eta, normThreshold, size }: { eta: number; normThreshold: number; size: number },
): State {
  const out = emptyLike(difference);
  for (let at = 0; at < out.length; at += size) {
    const end = at + size;
    const norm = Math.sqrt(dot(difference, difference, at, end));
    const limit = normThreshold > 0 && norm > normThreshold ? normThreshold / norm : 1;
    const along = dot(difference, cond, at, end) / Math.max(dot(cond, cond, at, end), 1e-24);
    for (let i = at; i < end; i++) {
      const parallel = along * cond[i]!;
      out[i] = limit * (difference[i]! - parallel + eta * parallel);
    }
  }
  return out;
}

/**
 * CFG++ (Chung et al. 2024): x̂₀ is interpolated, `x̂₀ = x̂₀_∅ + λ·(x̂₀_c − x̂₀_∅)` with λ in [0, 1], but the noise that is
 * put back is the unconditional ε̂. Works with solvers that use both (DDIM, Euler, Heun); two evaluations.
 */
export function cfgPlusPlus(
  conditional: Denoiser,
  unconditional: Denoiser,
  { scale }: { readonly scale: number },
): Denoiser {
  return async (x, point, step) => {
    const cond = await conditional(x, point, step);
    const uncond = await unconditional(x, point, step);
    return { x0: extrapolate(cond.x0, uncond.x0, scale), eps: uncond.eps };
  };
}

/** Options of CFG-Zero*. */
export interface CfgZeroOptions {
  readonly scale: number;
  /** Steps at the start whose velocity is set to zero (zero-init). */
  readonly zeroInitSteps?: number;
  readonly sampleSize?: number | undefined;
}

/**
 * CFG-Zero* (Fan et al. 2025), for flow velocities: the unconditional velocity is first scaled by
 * `s* = ⟨v_c, v_∅⟩/‖v_∅‖²`, and the first steps stand still.
 */
export function cfgZeroStar(
  conditional: Network,
  unconditional: Network,
  { scale, zeroInitSteps = 1, sampleSize }: CfgZeroOptions,
): Network {
  return async (x, point, step) => {
    if (step < zeroInitSteps) return emptyLike(x);
    const cond = await conditional(x, point, step);
    const uncond = await unconditional(x, point, step);
    const size = sampleSize ?? x.length;
    const out = emptyLike(cond);
    for (let at = 0; at < out.length; at += size) {
      const end = at + size;
      const star = dot(cond, uncond, at, end) / (dot(uncond, uncond, at, end) + 1e-8);
      for (let i = at; i < end; i++) out[i] = scale * cond[i]! + (1 - scale) * star * uncond[i]!;
    }
    return out;
  };
}
