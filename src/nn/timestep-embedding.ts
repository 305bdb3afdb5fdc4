/** @file Embeddings of times: sinusoids of fixed or random frequencies, and the small network behind them. */
import { concat, constant, type Tensor, toTensor } from '../graph/index.ts';
import { ndArray } from '../tensor/index.ts';
import { type Activation, silu } from './activation.ts';
import { normal } from './initializers.ts';
import { Linear } from './linear.ts';
import { Module } from './module.ts';
import { Parameter } from './parameter.ts';

export interface TimestepsOptions {
  /** Cosines before sines. Default false. */
  readonly flipSinToCos?: boolean;
  /** The last frequency is `maxPeriod^-((h - 1) / (h - shift))` for `h = dimension / 2` frequencies. Default 1. */
  readonly downscaleFreqShift?: number;
  /** Multiplies all angles. Default 1. */
  readonly scale?: number;
  /** Period of the slowest wave, in steps, over 2π. Default 10000. */
  readonly maxPeriod?: number;
}

/** Frequencies `maxPeriod^(-i / (count - shift))`, rounded step by step in float32 as PyTorch computes them. */
function frequencies(count: number, shift: number, maxPeriod: number): Float32Array {
  const f = Math.fround;
  const rate = f(-Math.log(maxPeriod));
  return Float32Array.from({ length: count }, (_, i) => Math.exp(f(f(rate * i) / f(count - shift))));
}

/**
 * Sinusoidal embedding of times (Vaswani et al. 2017; Ho et al. 2020), with diffusers' options:
 * `[sin(t · f), cos(t · f)]`. timesteps (float or integer): [B] → float32 [B, dimension]; an odd dimension ends in 0.
 */
export function timestepEmbedding(
  timesteps: Tensor,
  dimension: number,
  { flipSinToCos = false, downscaleFreqShift = 1, scale = 1, maxPeriod = 10000 }: TimestepsOptions = {},
): Tensor {
  const half = Math.floor(dimension / 2);
  // one feature has no wave: it is 0 at all times
  if (half === 0) return timesteps.cast('float32').unsqueeze(1).mul(0);
  const waves = constant(ndArray(frequencies(half, downscaleFreqShift, maxPeriod), [1, half]));
  const angles = timesteps.cast('float32').unsqueeze(1).mul(waves);
  const scaled = scale === 1 ? angles : angles.mul(scale);
  const parts = flipSinToCos ? [scaled.cos(), scaled.sin()] : [scaled.sin(), scaled.cos()];
  const embedding = concat(parts, 1);
  return dimension % 2 === 0
    ? embedding
    : embedding.pad([
        [0, 0],
        [0, 1],
      ]);
}

/** `timestepEmbedding` as a module without parameters. timesteps: [B] → [B, dimension]. */
export class Timesteps extends Module {
  readonly dimension: number;
  readonly options: TimestepsOptions;

  constructor(dimension: number, options: TimestepsOptions = {}) {
    super();
    this.dimension = dimension;
    this.options = options;
  }

  forward(timesteps: Tensor): Tensor {
    return timestepEmbedding(timesteps, this.dimension, this.options);
  }
}

export interface TimestepEmbeddingOptions {
  /** Between the two layers. Default silu. */
  readonly activation?: Activation;
}

/** Two linear layers over an embedded time. x: [B, inChannels] → [B, timeEmbedDim]. */
export class TimestepEmbedding extends Module {
  readonly linear_1: Linear;
  readonly linear_2: Linear;
  readonly activation: Activation;

  constructor(inChannels: number, timeEmbedDim: number, { activation = silu }: TimestepEmbeddingOptions = {}) {
    super();
    this.linear_1 = new Linear(inChannels, timeEmbedDim);
    this.linear_2 = new Linear(timeEmbedDim, timeEmbedDim);
    this.activation = activation;
  }

  forward(x: Tensor): Tensor {
    return this.linear_2.forward(this.activation(this.linear_1.forward(x)));
  }
}

export interface GaussianFourierProjectionOptions {
  /** Standard deviation of the frequencies. Default 1. */
  readonly scale?: number;
  /** Embed `log(t)` instead of t. Default true. */
  readonly log?: boolean;
  /** Cosines before sines. Default false. */
  readonly flipSinToCos?: boolean;
}

/**
 * Random Fourier features of noise levels (Tancik et al. 2020; Song et al. 2021): `[sin(2π w log t), cos(2π w log t)]`
 * with fixed `w ~ N(0, scale²)`. x: [B] → [B, 2 · dimension].
 */
export class GaussianFourierProjection extends Module {
  /** The frequencies; kept in checkpoints, never trained. */
  readonly weight: Parameter;
  readonly log: boolean;
  readonly flipSinToCos: boolean;

  constructor(
    dimension: number,
    { scale = 1, log = true, flipSinToCos = false }: GaussianFourierProjectionOptions = {},
  ) {
    super();
    this.weight = new Parameter([dimension], { initializer: normal(scale), trainable: false });
    this.log = log;
    this.flipSinToCos = flipSinToCos;
  }

  forward(x: Tensor): Tensor {
    const times = x.cast('float32');
    const angles = (this.log ? times.log() : times)
      .unsqueeze(1)
      .mul(toTensor(this.weight).unsqueeze(0))
      .mul(2)
      .mul(Math.PI);
    return concat(this.flipSinToCos ? [angles.cos(), angles.sin()] : [angles.sin(), angles.cos()], 1);
  }
}
