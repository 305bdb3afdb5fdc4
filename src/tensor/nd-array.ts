/** @file Host arrays: plain data with a dtype and a shape, what crosses between the host and an engine. */
import { allocate, assertStorage, bytesPerElement, type Dtype, type TypedArray } from './dtype.ts';
import { DtypeError, ShapeError } from './errors.ts';
import { floatToHalf, halfToFloat } from './half.ts';
import { formatShape, type Shape, sizeOf } from './shape.ts';

/** A dense row-major array on the host. `data.length` equals the product of `shape`. */
export interface NdArray {
  readonly dtype: Dtype;
  readonly shape: Shape;
  readonly data: TypedArray;
}

/** Bytes of the elements of an array of this type. */
export function byteLength({ dtype, shape }: { readonly dtype: Dtype; readonly shape: Shape }): number {
  return sizeOf(shape) * bytesPerElement(dtype);
}

/** A float32 array, the state every sampler works on. */
export interface Float32NdArray extends NdArray {
  readonly dtype: 'float32';
  readonly data: Float32Array;
}

/** Wraps `data` as an array of `shape`. Throws `ShapeError` when the sizes differ, `DtypeError` when the storage does. */
export function ndArray(data: Float32Array, shape: Shape): Float32NdArray;
export function ndArray(data: TypedArray, shape: Shape, dtype: Dtype): NdArray;
export function ndArray(data: TypedArray, shape: Shape, dtype: Dtype = 'float32'): NdArray {
  assertStorage(dtype, data);
  if (data.length !== sizeOf(shape)) {
    throw new ShapeError(`shape ${formatShape(shape)} holds ${sizeOf(shape)} elements, the data has ${data.length}`);
  }
  return { dtype, shape: [...shape], data };
}

/** An array of zeros. */
export function zeros(shape: Shape, dtype: Dtype = 'float32'): NdArray {
  return { dtype, shape: [...shape], data: allocate(dtype, sizeOf(shape)) };
}

/** Numbers (nested or flat) as float32, e.g. `fromNumbers([[1, 2], [3, 4]])` of shape [2, 2]. Throws `ShapeError` when rows differ. */
export function fromNumbers(values: NestedNumbers, dtype: Dtype = 'float32'): NdArray {
  const shape: number[] = [];
  for (let level = values; typeof level !== 'number'; level = level[0] ?? 0) shape.push(level.length);
  const flat: number[] = [];
  const visit = (level: NestedNumbers, axis: number): void => {
    const length = typeof level === 'number' ? undefined : level.length;
    if (length !== shape[axis]) {
      throw new ShapeError(
        `rows of nested numbers differ: ${length ?? 'a number'} where ${shape[axis] ?? 'a number'} began axis ${axis}`,
        'give every row the same length',
      );
    }
    if (typeof level === 'number') flat.push(level);
    else for (const item of level) visit(item, axis + 1);
  };
  visit(values, 0);
  return { dtype, shape, data: fromFloat64(flat, dtype) };
}
export type NestedNumbers = number | readonly NestedNumbers[];

/** Every element as a float64 number, whatever the dtype. int64 beyond 2^53 loses precision. */
export function toFloat64(array: NdArray): Float64Array {
  const { data } = array;
  if (array.dtype === 'float16') return Float64Array.from(data as Uint16Array, halfToFloat);
  if (data instanceof BigInt64Array) return Float64Array.from(data, Number);
  return Float64Array.from(data);
}

/** Rounds float64 numbers into the storage of `dtype`. */
export function fromFloat64(values: ArrayLike<number>, dtype: Dtype): TypedArray {
  switch (dtype) {
    case 'float16':
      return Uint16Array.from(values, floatToHalf);
    case 'int64':
      return BigInt64Array.from(Array.from(values, (value) => BigInt(Math.trunc(value))));
    case 'bool':
      return Uint8Array.from(values, (value) => (value ? 1 : 0));
    case 'float32':
      return Float32Array.from(values);
    case 'float64':
      return Float64Array.from(values);
    case 'int32':
      return Int32Array.from(values);
    case 'uint8':
      return Uint8Array.from(values);
  }
}

/** Converts to another dtype (a copy, or the same array when nothing changes). */
export function castArray(array: NdArray, dtype: Dtype): NdArray {
  if (array.dtype === dtype) return array;
  return { dtype, shape: array.shape, data: fromFloat64(toFloat64(array), dtype) };
}

/** The data as a Float32Array; throws `DtypeError` for any other dtype. */
export function float32Data(array: NdArray): Float32Array {
  if (!(array.data instanceof Float32Array)) throw new DtypeError(`expected float32 data, got ${array.dtype}`);
  return array.data;
}
