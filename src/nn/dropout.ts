/** @file Dropout. */
import { isTraining, random, type Tensor } from '../graph/index.ts';
import { ConfigError } from '../tensor/index.ts';
import { Module } from './module.ts';

/**
 * Dropout (Srivastava et al. 2014): while training, each element is zeroed with `probability` and the others are scaled by
 * `1 / (1 - probability)`; the identity otherwise. Masks come from the trace's randomness, so they repeat with the seed.
 */
export class Dropout extends Module {
  readonly probability: number;

  /** Throws `ConfigError` unless `probability` is in [0, 1]; 1 zeroes everything, as in PyTorch. */
  constructor(probability = 0) {
    super();
    if (!(probability >= 0 && probability <= 1)) {
      throw new ConfigError(`a dropout probability lies in [0, 1], got ${probability}`);
    }
    this.probability = probability;
  }

  forward(x: Tensor): Tensor {
    if (this.probability === 0 || !isTraining()) return x;
    if (this.probability === 1) return x.mul(0);
    const kept = random.uniform(x.shape).greaterEqual(this.probability).cast(x.dtype);
    return x.mul(kept.mul(1 / (1 - this.probability)));
  }
}
