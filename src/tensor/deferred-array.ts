/** @file Arrays whose elements are made when asked for, and made again each time: of large weights, few are in memory at once. */
import type { TypedArray } from './dtype.ts';
import type { NdArray } from './nd-array.ts';
import type { Shape } from './shape.ts';

class DeferredArray implements NdArray {
  readonly dtype: NdArray['dtype'];
  readonly shape: Shape;
  readonly make: () => TypedArray;

  constructor({ dtype, shape }: Omit<NdArray, 'data'>, make: () => TypedArray) {
    this.dtype = dtype;
    this.shape = shape;
    this.make = make;
  }

  /** Made by every access: take it once. */
  get data(): TypedArray {
    return this.make();
  }
}

/** An array of this type whose elements `make` gives, the same at every call. */
export function deferredArray(type: Omit<NdArray, 'data'>, make: () => TypedArray): NdArray {
  return new DeferredArray(type, make);
}

/** The same elements as `shape`, still deferred where they are. */
export function withShape(array: NdArray, shape: Shape): NdArray {
  return array instanceof DeferredArray
    ? new DeferredArray({ dtype: array.dtype, shape }, array.make)
    : { ...array, shape };
}

/** The same array with its elements in memory. */
export function materialized(array: NdArray): NdArray {
  return array instanceof DeferredArray ? { dtype: array.dtype, shape: array.shape, data: array.data } : array;
}

/** What two arrays have in common when one is a view of the other's elements. */
export function elementsOf(array: NdArray): object {
  return array instanceof DeferredArray ? array.make : array.data;
}
