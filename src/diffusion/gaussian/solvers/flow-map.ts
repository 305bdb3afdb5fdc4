/** @file Distilled flows: flow maps that are told where to go, and PiFlow's policies that fill a segment from one evaluation. */
import { ConfigError } from '../../../tensor/index.ts';
import type { Point } from '../process.ts';
import { eachStep, integrate, type Solver, type SolverOptions } from '../solver.ts';
import { combine, type Term } from '../state.ts';

/**
 * Flow maps (AnyFlow; mean flows, Geng et al. 2025): the network is told the target r as well (`point.target`) and returns
 * the mean velocity from t to r, so `x_r = x_t − (t − r)·u` is exact for a perfect network, however long the step. One
 * evaluation per step; deterministic. The preview x̂₀ = x − t·u is the flow's estimate only for a step to the data.
 */
export const flowMap: Solver = (denoise, x, grid, options = {}) =>
  eachStep(x, grid, options, async (state, from, to, step) => {
    const prediction = await denoise(state, { ...from, target: to.t }, step);
    return { x: combine([to.alpha, prediction.x0], [to.sigma, prediction.eps]), prediction };
  });

/** How a policy is rolled out. */
export interface PolicyOptions extends SolverOptions {
  /** Flow shift s: policies are uniform in the unshifted time τ with σ = s·τ/(1 + (s − 1)·τ). */
  readonly shift?: number;
  /** Euler steps of the policy per unit of τ. */
  readonly substeps?: number;
  /** τ at which the last segment ends, in place of 0. */
  readonly end?: number;
}

/** Weights on the state and on the estimates of the data that one segment's rollout comes to. */
export interface PolicyWeights {
  readonly onX: number;
  readonly onX0: readonly number[];
}

/**
 * Rolls a policy out from `from` to `to`: x̂₀ is linear in τ between `count` estimates, the first at the segment's end, the
 * last at its start, and Euler steps follow `dx/dσ = (x − x̂₀(τ))/σ`. The path is linear in the state and the estimates, so
 * only its coefficients are integrated.
 */
export function policyWeights(
  from: Point,
  to: Point,
  count: number,
  { shift = 1, substeps = 128, end = 1e-6 }: Pick<PolicyOptions, 'shift' | 'substeps' | 'end'> = {},
): PolicyWeights {
  const unshifted = (sigma: number) => sigma / (shift + (1 - shift) * sigma);
  const start = unshifted(from.sigma);
  const length = start - Math.max(unshifted(to.sigma), end);
  const steps = Math.max(1, Math.round(length * substeps));
  const sigmaAt = (k: number) => {
    const tau = start - (k * length) / steps;
    return (shift * tau) / (1 + (shift - 1) * tau);
  };
  let onX = 1;
  const onX0 = new Array<number>(count).fill(0);
  for (let k = 0; k < steps; k++) {
    const ratio = sigmaAt(k + 1) / sigmaAt(k);
    const position = (1 - k / steps) * (count - 1);
    const low = Math.min(Math.floor(position), count - 2);
    onX *= ratio;
    onX0.forEach((weight, i) => {
      onX0[i] = ratio * weight;
    });
    onX0[low] = onX0[low]! + (1 - ratio) * (low + 1 - position);
    onX0[low + 1] = onX0[low + 1]! + (1 - ratio) * (position - low);
  }
  return { onX, onX0 };
}

/**
 * PiFlow (Chen et al. 2025, π-Flow, DX policy): one evaluation gives several estimates of the data, and a policy made of
 * them is integrated over the whole segment without the network. Rectified flow; deterministic. Throws `ConfigError` when
 * the denoiser makes a single estimate.
 */
export const policyRollout: Solver<PolicyOptions> = (denoise, x, grid, options = {}) =>
  integrate(denoise, x, grid, options, (state, { several }, from, to) => {
    if (several === undefined || several.length < 2) {
      throw new ConfigError('a policy needs a network that makes at least two predictions', {
        api: 'wrap it by denoiser(network, { several: { count, lastAxis } }), or by the plan of its config',
      });
    }
    const { onX, onX0 } = policyWeights(from, to, several.length, options);
    return combine([onX, state], ...several.map((estimate, i): Term => [onX0[i]!, estimate]));
  });
