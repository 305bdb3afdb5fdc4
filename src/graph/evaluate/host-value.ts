/** @file Values of the host evaluator: every dtype held as float64. */
import { type Dtype, fromFloat64, type NdArray, type Shape, toFloat64 } from '../../tensor/index.ts';

/** A row-major array of any dtype, its elements held as float64 (bool as 0/1, integers exact to 2^53). */
export interface HostValue {
  readonly shape: Shape;
  readonly dtype: Dtype;
  readonly data: Float64Array;
}

export function toHostValue(array: NdArray): HostValue {
  return { shape: array.shape, dtype: array.dtype, data: toFloat64(array) };
}

/** Rounds to the storage of the value's dtype. */
export function toNdArray(value: HostValue): NdArray {
  return { shape: value.shape, dtype: value.dtype, data: fromFloat64(value.data, value.dtype) };
}
