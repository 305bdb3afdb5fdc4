/** @file The lookup table of vectors. */
import { type Tensor, toTensor } from '../graph/index.ts';
import { normal } from './initializers.ts';
import { Module } from './module.ts';
import { Parameter } from './parameter.ts';

/** One learned vector per index. indices (int64 or int32): [...] → [..., dimension]; weight: [count, dimension]. */
export class Embedding extends Module {
  readonly weight: Parameter;

  constructor(count: number, dimension: number) {
    super();
    this.weight = new Parameter([count, dimension], { initializer: normal() });
  }

  forward(indices: Tensor): Tensor {
    return toTensor(this.weight).gather(indices);
  }
}
