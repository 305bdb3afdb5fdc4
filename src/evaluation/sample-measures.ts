/** @file Samples of a plan from fixed start noise, and how far they end from a reference and from real pictures. */
import {
  consecutiveSeeds,
  type Grid,
  type Network,
  perSampleNoise,
  type SamplingPlan,
} from '../diffusion/gaussian/index.ts';
import { resamplings, scatterOf } from './resampling.ts';
import { rmsDistance } from './rms-distance.ts';
import { type SlicedTarget, slicedTarget } from './sliced-wasserstein.ts';

/** Pictures from -1 to 1. */
export function clamped(state: ArrayLike<number>): Float32Array {
  return Float32Array.from(state, (value) => Math.min(1, Math.max(-1, value)));
}

/** Samples and what is known of them. */
export interface MeasuredSamples {
  /** [count, D] in [-1, 1]. */
  readonly samples: Float32Array;
  /** Sliced Wasserstein distance from the held-out pictures. */
  readonly distance: number;
  /** The same on resamplings of the samples, the same for all. */
  readonly resampled: readonly number[];
}

/** Samples that start from the same noise whatever the plan. */
export class SampleMeasures {
  readonly #options: SampleMeasuresOptions;
  readonly #target: SlicedTarget;
  readonly #resamplings: readonly Uint32Array[];

  constructor(options: SampleMeasuresOptions) {
    this.#options = options;
    this.#target = slicedTarget(options.heldOut, { dimensions: options.sampleSize });
    this.#resamplings = resamplings(options.count, { seed: options.seed });
  }

  /** Distance of any pictures from the held-out ones. */
  distanceOf(pictures: Float32Array): number {
    return this.#target.distance(this.#target.project(pictures));
  }

  async run(plan: SamplingPlan, grid: Grid): Promise<MeasuredSamples> {
    const { network, sampleSize, count, seed, signal } = this.#options;
    const noise = perSampleNoise('philox', consecutiveSeeds(seed, count));
    const scale = plan.initialScale(grid);
    const start = noise(count * sampleSize, -1).map((value: number) => value * scale);
    const denoise = plan.denoiser(network, { sampleSize });
    const samples = clamped(await plan.solve(denoise, start, grid, { noise, signal }));
    const projected = this.#target.project(samples);
    return {
      samples,
      distance: this.#target.distance(projected),
      resampled: this.#resamplings.map((picks) => this.#target.distance(projected, picks)),
    };
  }
}

/** Options of `SampleMeasures`. */
export interface SampleMeasuresOptions {
  readonly network: Network;
  readonly sampleSize: number;
  readonly heldOut: Float32Array;
  readonly count: number;
  readonly seed: number;
  readonly signal: AbortSignal | undefined;
}

/** Standard error of the difference of two distances: less than that of either, since both start from the same noise. */
export function differenceNoise(a: MeasuredSamples, b: MeasuredSamples): number {
  return scatterOf(a.resampled.map((value, i) => value - b.resampled[i]!)).std;
}

/** Root-mean-square distance between different samples: each from the next. */
export function sampleSpread(samples: Float32Array, sampleSize: number): number {
  const next = new Float32Array(samples.length);
  next.set(samples.subarray(sampleSize));
  next.set(samples.subarray(0, sampleSize), samples.length - sampleSize);
  return rmsDistance(samples, next);
}
