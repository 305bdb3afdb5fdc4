/** @file The ten element types of safetensors, and their bytes to and from host arrays. */
import {
  bytesPerElement,
  DataError,
  type Dtype,
  DtypeError,
  float32Data,
  floatToBfloat,
  fromFloat64,
  halfToFloat,
  type NdArray,
  type Shape,
  sizeOf,
  toFloat64,
  viewBytes,
} from '../tensor/index.ts';

/** Element type as written in a safetensors header. */
export type SafetensorsDtype = 'F64' | 'F32' | 'F16' | 'BF16' | 'I64' | 'I32' | 'I16' | 'I8' | 'U8' | 'BOOL';

/** Bytes per element, by safetensors dtype. */
export const SAFETENSORS_BYTES: Readonly<Record<SafetensorsDtype, number>> = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  I64: 8,
  I32: 4,
  I16: 2,
  I8: 1,
  U8: 1,
  BOOL: 1,
};

const SAME_ON_HOST: Partial<Record<SafetensorsDtype, Dtype>> = {
  F64: 'float64',
  F32: 'float32',
  F16: 'float16',
  I64: 'int64',
  I32: 'int32',
  U8: 'uint8',
  BOOL: 'bool',
};

const STORED_AS: Readonly<Record<Dtype, SafetensorsDtype>> = {
  float64: 'F64',
  float32: 'F32',
  float16: 'F16',
  int64: 'I64',
  int32: 'I32',
  uint8: 'U8',
  bool: 'BOOL',
};

export function isSafetensorsDtype(name: unknown): name is SafetensorsDtype {
  return typeof name === 'string' && Object.hasOwn(SAFETENSORS_BYTES, name);
}

/** The safetensors dtype that stores `dtype` unchanged. */
export function storedDtype(dtype: Dtype): SafetensorsDtype {
  return STORED_AS[dtype];
}

let halfTable: Float32Array | undefined;

/** float32 value of each of the 65,536 half-precision bit patterns. */
function halfValues(): Float32Array {
  halfTable ??= Float32Array.from({ length: 65536 }, (_, bits) => halfToFloat(bits));
  return halfTable;
}

/** The bytes as an array of 2-byte words, without copying where they are aligned. */
function words<T extends Uint16Array | Int16Array>(
  bytes: Uint8Array,
  Words: new (buffer: ArrayBuffer, byteOffset: number, length: number) => T,
): T {
  const aligned = bytes.byteOffset % 2 === 0 ? bytes : bytes.slice();
  return new Words(aligned.buffer as ArrayBuffer, aligned.byteOffset, aligned.byteLength / 2);
}

/**
 * The little-endian `bytes` of one tensor as a host array.
 * Zero-copy where the host has the dtype and the bytes are aligned, else a copy. Dtypes the host lacks widen without
 * loss: BF16 to float32, I8 and I16 to int32. With `toFloat32` every dtype becomes float32 (F64 and I64 round).
 */
export function decodeTensor(bytes: Uint8Array, dtype: SafetensorsDtype, shape: Shape, toFloat32 = false): NdArray {
  const length = sizeOf(shape);
  if (dtype === 'BF16') {
    const data = new Float32Array(length);
    const bits = new Uint32Array(data.buffer);
    const source = words(bytes, Uint16Array);
    for (let i = 0; i < length; i++) bits[i] = source[i]! << 16;
    return { dtype: 'float32', shape, data };
  }
  if (dtype === 'I16' || dtype === 'I8') {
    const source =
      dtype === 'I16'
        ? words(bytes, Int16Array)
        : new Int8Array(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.byteLength);
    return toFloat32
      ? { dtype: 'float32', shape, data: Float32Array.from(source) }
      : { dtype: 'int32', shape, data: Int32Array.from(source) };
  }
  if (dtype === 'F16' && toFloat32) {
    const table = halfValues();
    const source = words(bytes, Uint16Array);
    const data = new Float32Array(length);
    for (let i = 0; i < length; i++) data[i] = table[source[i]!]!;
    return { dtype: 'float32', shape, data };
  }
  const host = SAME_ON_HOST[dtype]!;
  const aligned = bytes.byteOffset % bytesPerElement(host) === 0 ? bytes : bytes.slice();
  const array: NdArray = { dtype: host, shape, data: viewBytes(host, aligned.buffer, aligned.byteOffset, length) };
  if (!toFloat32 || host === 'float32') return array;
  return { dtype: 'float32', shape, data: fromFloat64(toFloat64(array), 'float32') };
}

const INTEGER_RANGE: Partial<Record<SafetensorsDtype, readonly [number, number]>> = {
  I8: [-128, 127],
  I16: [-32768, 32767],
  I32: [-(2 ** 31), 2 ** 31 - 1],
  U8: [0, 255],
};

/**
 * The little-endian bytes of `array` stored as `dtype`; a view of the array's own memory when nothing changes.
 * Floats round to nearest even. Throws `DataError` for an integer out of range, `DtypeError` for a fraction in an integer.
 */
export function encodeTensor(name: string, array: NdArray, dtype: SafetensorsDtype): Uint8Array {
  const { data } = array;
  if (storedDtype(array.dtype) === dtype) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  if (dtype === 'BF16') {
    const floats = array.dtype === 'float32' ? float32Data(array) : toFloat64(array);
    return bytesOf(Uint16Array.from(floats, floatToBfloat));
  }
  const values = toFloat64(array);
  const range = INTEGER_RANGE[dtype];
  if (range) {
    for (const value of values) {
      if (!Number.isInteger(value)) {
        throw new DtypeError(`tensor "${name}" holds ${value}, which ${dtype} cannot store`, 'store it as F32 instead');
      }
      if (value < range[0] || value > range[1]) {
        throw new DataError(`tensor "${name}" holds ${value}, outside ${dtype}'s range ${range[0]} … ${range[1]}`);
      }
    }
  }
  if (dtype === 'I16') return bytesOf(Int16Array.from(values));
  if (dtype === 'I8') return bytesOf(Int8Array.from(values));
  return bytesOf(fromFloat64(values, SAME_ON_HOST[dtype]!));
}

function bytesOf(data: ArrayBufferView): Uint8Array {
  return new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength);
}
