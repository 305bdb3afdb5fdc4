/** @file Normalisation layers. */
import { groupNorm, layerNorm, rmsNorm, type Tensor } from '../graph/index.ts';
import type { Shape } from '../tensor/index.ts';
import { ones, zeros } from './initializers.ts';
import { Module } from './module.ts';
import { Parameter } from './parameter.ts';

export interface NormOptions {
  /** Added to the variance. Default 1e-5 (1e-6 for `RMSNorm`). */
  readonly epsilon?: number;
}

/** Group normalisation (Wu & He 2018) with a scale and a shift per channel. x: [B, channels, ...] → the same. */
export class GroupNorm extends Module {
  readonly weight: Parameter;
  readonly bias: Parameter;
  readonly groups: number;
  readonly epsilon: number;

  constructor(groups: number, channels: number, { epsilon = 1e-5 }: NormOptions = {}) {
    super();
    this.weight = new Parameter([channels], { initializer: ones });
    this.bias = new Parameter([channels], { initializer: zeros });
    this.groups = groups;
    this.epsilon = epsilon;
  }

  forward(x: Tensor): Tensor {
    return groupNorm(x, this.groups, this.weight, this.bias, this.epsilon);
  }
}

export interface LayerNormOptions extends NormOptions {
  /** Whether there is a learned scale (and shift). Default true. */
  readonly affine?: boolean;
  /** Whether there is a learned shift. Default as `affine`. */
  readonly bias?: boolean;
}

/** Layer normalisation (Ba et al. 2016) over the last axes, of extents `shape`. */
export class LayerNorm extends Module {
  readonly weight: Parameter | undefined;
  readonly bias: Parameter | undefined;
  readonly axis: number;
  readonly epsilon: number;

  constructor(shape: number | Shape, { epsilon = 1e-5, affine = true, bias = affine }: LayerNormOptions = {}) {
    super();
    const extents = typeof shape === 'number' ? [shape] : shape;
    this.weight = affine ? new Parameter(extents, { initializer: ones }) : undefined;
    this.bias = bias ? new Parameter(extents, { initializer: zeros }) : undefined;
    this.axis = -extents.length;
    this.epsilon = epsilon;
  }

  forward(x: Tensor): Tensor {
    const { axis, epsilon, weight, bias } = this;
    return layerNorm(x, { axis, epsilon, ...(weight && { gamma: weight }), ...(bias && { beta: bias }) });
  }
}

/** Root-mean-square normalisation (Zhang & Sennrich 2019) over the last axis. x: [..., features] → the same. */
export class RMSNorm extends Module {
  readonly weight: Parameter | undefined;
  readonly epsilon: number;

  constructor(features: number, { epsilon = 1e-6, affine = true }: NormOptions & { readonly affine?: boolean } = {}) {
    super();
    this.weight = affine ? new Parameter([features], { initializer: ones }) : undefined;
    this.epsilon = epsilon;
  }

  forward(x: Tensor): Tensor {
    return rmsNorm(x, { epsilon: this.epsilon, ...(this.weight && { gamma: this.weight }) });
  }
}
