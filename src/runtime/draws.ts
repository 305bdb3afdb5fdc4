/** @file Fills the random inputs of a program: the same numbers for the same (seed, step, draw) on every engine. */
import type { Distribution } from '../graph/index.ts';
import { fillNormal, fillUniform, type NdArray, type Shape, sizeOf } from '../tensor/index.ts';

/** One draw of a program. */
export interface Draw {
  readonly distribution: Distribution;
  readonly draw: number;
  readonly shape: Shape;
}

/** The numbers of `draw` at (`seed`, `step`). */
export function fillDraw({ distribution, draw, shape }: Draw, seed: number, step: number): NdArray {
  const data = new Float32Array(sizeOf(shape));
  const key = { seed, step, draw };
  return { dtype: 'float32', shape, data: distribution === 'normal' ? fillNormal(data, key) : fillUniform(data, key) };
}
