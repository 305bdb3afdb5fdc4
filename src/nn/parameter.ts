/** @file Parameters: variables that a module owns, with a reproducible first value. */
import { Variable } from '../graph/index.ts';
import type { Shape } from '../tensor/index.ts';
import { fanInUniform, type Initializer } from './initializers.ts';

export interface ParameterOptions {
  /** Default: PyTorch's default for weights, U(-1/√fanIn, 1/√fanIn). */
  readonly initializer?: Initializer;
  /** Whether optimizers update it. Default true. */
  readonly trainable?: boolean;
}

/**
 * A float32 variable of a module. Its `name` is its checkpoint key, given by the outermost module that walked it;
 * its first value depends only on the seed and that key.
 */
export class Parameter extends Variable {
  /** Whether optimizers update it; set it to false to freeze. */
  trainable: boolean;
  readonly #initializer: Initializer;

  constructor(shape: Shape, { initializer = fanInUniform(), trainable = true }: ParameterOptions = {}) {
    super(shape);
    this.trainable = trainable;
    this.#initializer = initializer;
    this.setInitial(() => initializer(this.shape, { seed: 0, key: this.name }), { repeatable: true });
  }

  /** Draws the first value from (`seed`, `key`); engines that already hold the parameter keep theirs. */
  initialize(seed: number, key: string): void {
    this.setInitial(() => this.#initializer(this.shape, { seed, key }), { repeatable: true });
  }
}
