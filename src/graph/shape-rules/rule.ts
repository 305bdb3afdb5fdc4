/** @file What a shape rule is, and the checks that rules share. */
import { type Dtype, DtypeError, formatShape, isFloat, type Shape, ShapeError } from '../../tensor/index.ts';
import type { OpAttrs, OpName } from '../node.ts';

/** Shape and element type of a tensor. */
export interface TensorType {
  readonly shape: Shape;
  readonly dtype: Dtype;
}

/** From the types of an op's inputs, and its attributes, to those of its outputs. */
export type ShapeRule<K extends OpName> = (
  inputs: readonly TensorType[],
  attrs: OpAttrs[K],
  op: K,
) => readonly TensorType[];

/** One rule per op. */
export type ShapeRules = { readonly [K in OpName]: ShapeRule<K> };

/** `float32[2, 3]`. */
export function formatType(type: TensorType): string {
  return `${type.dtype}${formatShape(type.shape)}`;
}

/** The types of an op with one output. */
export function one(shape: Shape, dtype: Dtype): readonly TensorType[] {
  return [{ shape, dtype }];
}

/** Throws `DtypeError` for anything but floating point. */
export function requireFloat(op: string, type: TensorType): void {
  if (!isFloat(type.dtype)) {
    throw new DtypeError(
      `${op} needs a floating-point tensor, got ${formatType(type)}`,
      "convert it with .cast('float32')",
    );
  }
}

/** Throws `ShapeError` unless `type` has `rank` axes. */
export function requireRank(op: string, type: TensorType, rank: number, what: string): void {
  if (type.shape.length !== rank) {
    throw new ShapeError(
      `${op}: ${what} must have rank ${rank}, got ${formatType(type)}`,
      'the batch and channel axes count too',
    );
  }
}

/** Throws `DtypeError` for what cannot be indices. */
export function requireIntegers(op: string, type: TensorType): void {
  if (type.dtype !== 'int32' && type.dtype !== 'int64') {
    throw new DtypeError(`${op} needs integer indices, got ${formatType(type)}`, "convert them with .cast('int64')");
  }
}

/** The type of the first input, which must be floating-point. */
export const sameAsInput = (inputs: readonly TensorType[], _: unknown, op: string): readonly TensorType[] => {
  requireFloat(op, inputs[0]!);
  return one(inputs[0]!.shape, inputs[0]!.dtype);
};
