/** @file Objectives in continuous time, inside a trace: rectified flow, TrigFlow, cosine and EDM, by any time density. */
import { type Tensor, type TensorLike, toTensor, type Variable } from '../../../graph/index.ts';
import { formatShape, ShapeError } from '../../../tensor/index.ts';
import type { DenoisingLoss, TracedNetwork } from './denoising.ts';
import { type Distance, squaredDistance } from './distances.ts';
import { type TracedNoise, whiteNoise } from './noise.ts';
import { logitNormalTimes, logNormalLevels, type TimeDensity, uniformTimes } from './times.ts';

/** A point of a process inside a trace; every tensor is [B, 1, …, 1]. */
export interface TracedPoint {
  readonly t: Tensor;
  readonly alpha: TensorLike;
  readonly sigma: Tensor;
}

/** α and σ as symbolic functions of time. */
export interface TracedProcess {
  alpha(t: Tensor): TensorLike;
  sigma(t: Tensor): Tensor;
}

/** `α = 1 − t`, `σ = t`, t ∈ [0, 1]. */
export const tracedFlow: TracedProcess = { alpha: (t) => t.neg().add(1), sigma: (t) => t };

/** `α = cos t`, `σ = sin t`, t ∈ [0, π/2]: TrigFlow. */
export const tracedTrigFlow: TracedProcess = { alpha: (t) => t.cos(), sigma: (t) => t.sin() };

/** `α = 1`, `σ = t`: EDM, time is the noise level. */
export const tracedEdm: TracedProcess = { alpha: () => 1, sigma: (t) => t };

/** What the network predicts, `F = p·x₀ + q·ε`, with symbolic weights. */
export type TracedParameterisation = (point: TracedPoint) => { readonly p: TensorLike; readonly q: TensorLike };

/** The velocity `ε − x₀`. */
export const tracedFlowPrediction: TracedParameterisation = () => ({ p: -1, q: 1 });

/** `α·ε − σ·x₀`, for processes of unit variance. */
export const tracedVPrediction: TracedParameterisation = ({ alpha, sigma }) => ({ p: sigma.neg(), q: alpha });

/** EDM's raw output: `p = σ/(d·√(σ² + d²))`, `q = −d/√(σ² + d²)` with d = σ_data; its target has unit variance. */
export function tracedEdmPrediction(sigmaData = 0.5): TracedParameterisation {
  return ({ sigma }) => {
    const norm = sigma
      .square()
      .add(sigmaData ** 2)
      .sqrt();
    return { p: sigma.div(norm.mul(sigmaData)), q: norm.reciprocal().mul(-sigmaData) };
  };
}

/** Options of the continuous loss. */
export interface ContinuousOptions {
  readonly process: TracedProcess;
  readonly prediction: TracedParameterisation;
  readonly times?: TimeDensity;
  /** Weight of the squared error of the output, [B, 1, …] or a number. Default 1. */
  readonly weight?: (point: TracedPoint) => TensorLike;
  /** Factor on the network's input (EDM's cIn). */
  readonly inputScale?: (point: TracedPoint) => TensorLike;
  /** What the network is told of the time, from t of shape [B]; t itself by default. */
  readonly networkTime?: (t: Tensor) => Tensor;
  readonly distance?: Distance;
  readonly noise?: Tensor | TracedNoise;
}

/**
 * `E_t,ε w(t)·‖F(s·(α_t x₀ + σ_t ε), c(t)) − (p_t x₀ + q_t ε)‖²` for x0: [B, …], averaged over batch and elements.
 */
export function continuousLoss(
  network: TracedNetwork,
  x0: Tensor,
  {
    process,
    prediction,
    times = uniformTimes,
    weight,
    inputScale,
    networkTime = (t) => t,
    distance = squaredDistance,
    noise: noiseOf = whiteNoise,
  }: ContinuousOptions,
): DenoisingLoss {
  const batch = x0.shape[0]!;
  const timesteps = times(batch);
  const t = timesteps.reshape([batch, ...x0.shape.slice(1).map(() => 1)]);
  const point: TracedPoint = { t, alpha: process.alpha(t), sigma: process.sigma(t) };
  const noise = typeof noiseOf === 'function' ? noiseOf(x0.shape) : noiseOf;
  const x = x0.mul(point.alpha).add(noise.mul(point.sigma));
  const output = network(inputScale === undefined ? x : x.mul(inputScale(point)), networkTime(timesteps));
  if (output.size !== x0.size) {
    throw new ShapeError(`the network returned ${formatShape(output.shape)} for data of ${formatShape(x0.shape)}`);
  }
  const { p, q } = prediction(point);
  const error = distance(output.sub(x0.mul(p).add(noise.mul(q))));
  const weighted = weight === undefined ? error : error.mul(weight(point));
  const perSample = weighted.mean({ axes: x0.shape.map((_, axis) => axis).slice(1) });
  return { loss: perSample.mean(), perSample, timesteps };
}

/** Flow matching (Lipman et al. 2023; Liu et al. 2023) with SD3's logit-normal times; the network is told t·scale. */
export function flowMatchingLoss(
  network: TracedNetwork,
  x0: Tensor,
  {
    scale = 1000,
    times = logitNormalTimes(),
    ...options
  }: Partial<ContinuousOptions> & { readonly scale?: number } = {},
): DenoisingLoss {
  return continuousLoss(network, x0, {
    process: tracedFlow,
    prediction: tracedFlowPrediction,
    times,
    networkTime: (t) => t.mul(scale),
    ...options,
  });
}

/** SD3's cosmap weight on the velocity, `2/(π·(1 − 2t + 2t²))` (Esser et al. 2024). */
export const tracedCosmapWeight = ({ t }: TracedPoint): Tensor =>
  t
    .square()
    .sub(t)
    .mul(2)
    .add(1)
    .mul(Math.PI / 2)
    .reciprocal();

/** EDM (Karras et al. 2022, Table 1): log-normal levels, preconditioned network, unit weight on its raw output. */
export function edmLoss(
  network: TracedNetwork,
  x0: Tensor,
  {
    sigmaData = 0.5,
    times = logNormalLevels(),
    ...options
  }: Partial<ContinuousOptions> & { readonly sigmaData?: number } = {},
): DenoisingLoss {
  return continuousLoss(network, x0, {
    process: tracedEdm,
    prediction: tracedEdmPrediction(sigmaData),
    times,
    inputScale: ({ sigma }) =>
      sigma
        .square()
        .add(sigmaData ** 2)
        .sqrt()
        .reciprocal(),
    networkTime: (sigma) => sigma.log().mul(0.25),
    ...options,
  });
}

/**
 * EDM2's uncertainty weighting (Karras et al. 2024, eq. 14-15): `L/e^u + u` with a learned u(σ) per sample, so that every
 * noise level ends up with the same weight. `logVariance`: [B].
 */
export function uncertaintyWeighted(
  { perSample, timesteps }: DenoisingLoss,
  logVariance: Tensor | Variable,
): DenoisingLoss {
  const weighted = perSample.mul(toTensor(logVariance).neg().exp()).add(logVariance);
  return { loss: weighted.mean(), perSample: weighted, timesteps };
}
