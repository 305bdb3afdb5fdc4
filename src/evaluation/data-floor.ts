/** @file How far real pictures are from real pictures: the floor under the distances of samples. */
import { permutation } from '../tensor/index.ts';
import { type Scatter, scatterOf } from './resampling.ts';

/** Draws of training pictures. */
const FLOOR_DRAWS = 8;

/** The least distance to hope for: that of `count` of the training pictures, drawn eight times. */
export function dataFloor(
  train: Float32Array,
  distanceTo: (pictures: Float32Array) => number,
  { count, sampleSize, seed }: { readonly count: number; readonly sampleSize: number; readonly seed: number },
): Scatter {
  const total = train.length / sampleSize;
  const draws = Array.from({ length: FLOOR_DRAWS }, (_, draw) => {
    const order = permutation(total, { seed, draw });
    const some = new Float32Array(Math.min(count, total) * sampleSize);
    for (let i = 0; i * sampleSize < some.length; i++) {
      some.set(train.subarray(order[i]! * sampleSize, (order[i]! + 1) * sampleSize), i * sampleSize);
    }
    return distanceTo(some);
  });
  return scatterOf(draws);
}
