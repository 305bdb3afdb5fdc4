/** @file What a vector-Jacobian product is, and the helpers all rules share. */

import type { NodeOf, OpName, Tensor } from '../graph/index.ts';
import { broadcastAxes, type Shape, sameShape } from '../tensor/index.ts';

/**
 * The vector-Jacobian product of an op: from the cotangent of each output (undefined where none arrives)
 * to the cotangent of each input (undefined where the derivative is zero). `needs[i]` tells whether input i asks for one.
 */
export type VjpRule<K extends OpName> = (
  node: NodeOf<K>,
  cotangents: readonly (Tensor | undefined)[],
  needs: readonly boolean[],
) => readonly (Tensor | undefined)[];

/** The rules of a family of ops. */
export type VjpRules<K extends OpName = OpName> = { readonly [P in K]?: VjpRule<P> };

/** Sums `gradient` over the axes along which an operand of `shape` was repeated. */
export function unbroadcast(gradient: Tensor, shape: Shape): Tensor {
  if (sameShape(gradient.shape, shape)) return gradient;
  const axes = broadcastAxes(shape, gradient.shape);
  return gradient.sum({ axes, keepDims: true }).reshape(shape);
}

/** Puts `step - 1` zeros after every element of an axis: the adjoint of reading every `step`-th one. */
export function dilate(x: Tensor, axis: number, step: number): Tensor {
  if (step === 1) return x;
  const { shape } = x;
  const apart = x.reshape([...shape.slice(0, axis + 1), 1, ...shape.slice(axis + 1)]);
  return apart
    .pad(apart.shape.map((_, i) => [0, i === axis + 1 ? step - 1 : 0] as const))
    .reshape(shape.map((extent, i) => (i === axis ? extent * step : extent)));
}
