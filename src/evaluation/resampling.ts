/** @file How far a measurement scatters: the bootstrap, and mean and deviation. */
import { fillUniform } from '../tensor/index.ts';

/** Mean and standard deviation. */
export interface Scatter {
  readonly mean: number;
  readonly std: number;
}

/** Mean and sample standard deviation of two values or more. */
export function scatterOf(values: readonly number[]): Scatter {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1);
  return { mean, std: Math.sqrt(variance) };
}

/**
 * `draws` draws of `count` out of `count` samples with replacement (Efron 1979). The deviation of a statistic over them
 * estimates its standard error; that of a difference, taken on the same draws, is smaller where the two go together.
 */
export function resamplings(count: number, { draws = 40, seed = 0 } = {}): readonly Uint32Array[] {
  return Array.from({ length: draws }, (_, draw) =>
    Uint32Array.from(fillUniform(new Float32Array(count), { seed, draw }), (u) =>
      Math.min(count - 1, Math.floor(u * count)),
    ),
  );
}
