/** @file The fully connected layer. */
import type { Tensor } from '../graph/index.ts';
import { fanInUniform } from './initializers.ts';
import { Module } from './module.ts';
import { Parameter } from './parameter.ts';

export interface LinearOptions {
  /** Default true. */
  readonly bias?: boolean;
}

/** `y = x · Wᵀ + b`. x: [..., inFeatures] → [..., outFeatures]; weight: [outFeatures, inFeatures], bias: [outFeatures]. */
export class Linear extends Module {
  readonly weight: Parameter;
  readonly bias: Parameter | undefined;

  constructor(inFeatures: number, outFeatures: number, { bias = true }: LinearOptions = {}) {
    super();
    this.weight = new Parameter([outFeatures, inFeatures]);
    this.bias = bias ? new Parameter([outFeatures], { initializer: fanInUniform(inFeatures) }) : undefined;
  }

  forward(x: Tensor): Tensor {
    const y = x.matmul(this.weight, { transposeB: true });
    return this.bias ? y.add(this.bias) : y;
  }
}
