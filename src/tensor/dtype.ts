/** @file Element types, their host storage and their promotion. */
import { DtypeError } from './errors.ts';

/** Element type of a tensor. `float16` is stored as its bits in a `Uint16Array`, `bool` as 0/1 in a `Uint8Array`. */
export type Dtype = 'float32' | 'float64' | 'float16' | 'int32' | 'int64' | 'uint8' | 'bool';

/** Host storage of any tensor. */
export type TypedArray = Float32Array | Float64Array | Uint16Array | Int32Array | BigInt64Array | Uint8Array;

const STORAGE = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Uint16Array,
  int32: Int32Array,
  int64: BigInt64Array,
  uint8: Uint8Array,
  bool: Uint8Array,
} as const;

/** Bytes per element. */
export function bytesPerElement(dtype: Dtype): number {
  return STORAGE[dtype].BYTES_PER_ELEMENT;
}

/** A zero-filled array of `length` elements. */
export function allocate(dtype: Dtype, length: number): TypedArray {
  return new STORAGE[dtype](length);
}

/** Views `length` elements of `buffer` from `byteOffset` without copying. */
export function viewBytes(dtype: Dtype, buffer: ArrayBufferLike, byteOffset: number, length: number): TypedArray {
  return new STORAGE[dtype](buffer as ArrayBuffer, byteOffset, length);
}

export function isFloat(dtype: Dtype): boolean {
  return dtype === 'float32' || dtype === 'float64' || dtype === 'float16';
}

/** Throws `DtypeError` unless `data` is the storage `dtype` asks for. */
export function assertStorage(dtype: Dtype, data: TypedArray): void {
  if (!(data instanceof STORAGE[dtype])) {
    throw new DtypeError(
      `${dtype} data lives in a ${STORAGE[dtype].name}, got a ${data.constructor.name}`,
      `convert it, e.g. ${STORAGE[dtype].name}.from(data)`,
    );
  }
}
