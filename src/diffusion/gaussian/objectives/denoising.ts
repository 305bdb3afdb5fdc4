/** @file The denoising objective: from a batch of clean data to the loss of one training step, symbolic. */
import { constant, random, Tensor } from '../../../graph/index.ts';
import { formatShape, ShapeError } from '../../../tensor/index.ts';
import type { DiscreteProcess } from '../discrete.ts';
import { type Parameterisation, type PredictionType, parameterisation } from '../parameterisation.ts';
import { type Point, pointAt } from '../process.ts';
import { type Distance, squaredDistance } from './distances.ts';
import { type TracedNoise, whiteNoise } from './noise.ts';
import { antitheticTimes, lowDiscrepancyTimes, stratifiedTimes, type TimeDensity, uniformTimes } from './times.ts';

/** A network inside a trace: noisy data `x: [B, ...]` and training times `t: [B]` (float32) → output of the shape of x. */
export type TracedNetwork = (x: Tensor, t: Tensor) => Tensor;

const TIME_DENSITIES = {
  uniform: uniformTimes,
  stratified: stratifiedTimes,
  'low-discrepancy': lowDiscrepancyTimes,
  antithetic: antitheticTimes,
} as const satisfies Record<string, TimeDensity>;

/** How training times are drawn: independently, or spread over the range for less variance. */
export type TimeSampling = keyof typeof TIME_DENSITIES;

export interface DenoisingOptions {
  readonly process: DiscreteProcess;
  readonly prediction?: PredictionType | Parameterisation;
  /** Weight of the squared error at a point of the process. Default 1 (the simple loss of Ho et al. 2020 for ε). */
  readonly weight?: (point: Point) => number;
  /** Default stratified. */
  readonly timeSampling?: TimeSampling;
  /** How an element's error counts. Default squared. */
  readonly distance?: Distance;
  /** The noise, or how to make it: white by default; a tensor when the host has coupled it to the data. */
  readonly noise?: Tensor | TracedNoise;
  /** γ of Ning et al. 2023: the input gets noise `ε + γ·ξ`, the target stays with ε. 0.1 is usual. */
  readonly inputPerturbation?: number;
}

/** Loss of a batch: the mean, and one value per sample. */
export interface DenoisingLoss {
  readonly loss: Tensor;
  /** [B]. */
  readonly perSample: Tensor;
  /** Training times, [B], whole numbers as float32. */
  readonly timesteps: Tensor;
}

/** Draws training times for a batch of `count`, whole numbers in 0 … steps-1 as float32. */
export function drawTimesteps(count: number, steps: number, sampling: TimeSampling = 'stratified'): Tensor {
  return TIME_DENSITIES[sampling](count)
    .mul(steps)
    .floor()
    .minimum(steps - 1);
}

/**
 * `E_t,ε  w(t) · ‖F(α_t x₀ + σ_t ε, t) - (p_t x₀ + q_t ε)‖²`, averaged over the batch and all elements;
 * p and q are the parameterisation's (ε: 0, 1; x₀: 1, 0; v: -σ, α).
 */
export function denoisingLoss(
  network: TracedNetwork,
  x0: Tensor,
  {
    process,
    prediction = 'epsilon',
    weight,
    timeSampling = 'stratified',
    distance = squaredDistance,
    noise: noiseOf = whiteNoise,
    inputPerturbation = 0,
  }: DenoisingOptions,
): DenoisingLoss {
  const batch = x0.shape[0]!;
  const timesteps = drawTimesteps(batch, process.steps, timeSampling);
  const index = timesteps.cast('int64');
  const points = Array.from({ length: process.steps }, (_, t) => pointAt(process, t));
  const target = parameterisation(prediction);
  const column = [batch, ...x0.shape.slice(1).map(() => 1)];
  const at = (value: (point: Point) => number): Tensor =>
    constant({ dtype: 'float32', shape: [points.length], data: Float32Array.from(points, value) })
      .gather(index)
      .reshape(column);

  const noise = noiseOf instanceof Tensor ? noiseOf : noiseOf(x0.shape);
  const seen = inputPerturbation === 0 ? noise : noise.add(random.normal(x0.shape).mul(inputPerturbation));
  const x = x0.mul(at((point) => point.alpha)).add(seen.mul(at((point) => point.sigma)));
  const output = network(x, timesteps);
  if (output.size !== x0.size) {
    throw new ShapeError(`the network returned ${formatShape(output.shape)} for data of ${formatShape(x0.shape)}`);
  }
  const wanted = x0.mul(at((point) => target(point).p)).add(noise.mul(at((point) => target(point).q)));
  const error = distance(output.sub(wanted));
  const axes = x0.shape.map((_, axis) => axis).slice(1);
  const perSample = error.mean({ axes });
  const weighted = weight ? perSample.mul(at(weight).reshape([batch])) : perSample;
  return { loss: weighted.mean(), perSample: weighted, timesteps };
}
