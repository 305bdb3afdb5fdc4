/** @file NPY files (NumPy's format, versions 1, 2 and 3): a magic string, a Python literal header, the elements. */
import {
  bytesPerElement,
  DataError,
  type Dtype,
  type NdArray,
  type Shape,
  sizeOf,
  stridesOf,
  viewBytes,
} from '../tensor/index.ts';
import { refuseLfsPointer } from './lfs-pointer.ts';

/** NumPy type strings and the host dtype of each; all little-endian. */
const DESCR: readonly (readonly [descr: string, dtype: Dtype])[] = [
  ['<f4', 'float32'],
  ['<f8', 'float64'],
  ['<f2', 'float16'],
  ['<i4', 'int32'],
  ['<i8', 'int64'],
  ['|u1', 'uint8'],
  ['|b1', 'bool'],
];
const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];

/**
 * Reads an NPY file; the data is a view of `bytes` where alignment allows. Fortran order is turned into C order.
 * Throws `DataError` naming `file` for anything malformed and for dtypes the host lacks.
 */
export function parseNpy(bytes: Uint8Array, file = 'NPY data'): NdArray {
  refuseLfsPointer(bytes, file);
  if (!MAGIC.every((byte, i) => bytes[i] === byte) || bytes.byteLength < 12) {
    throw new DataError(`${file} is not an NPY file`, 'write it with numpy.save');
  }
  const major = bytes[6]!;
  if (major < 1 || major > 3) throw new DataError(`${file} is NPY version ${major}, versions 1 to 3 are known`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const start = major === 1 ? 10 : 12;
  const end = start + (major === 1 ? view.getUint16(8, true) : view.getUint32(8, true));
  if (end > bytes.byteLength) throw new DataError(`${file} is truncated inside its header`, 'copy it again');
  const header = new TextDecoder().decode(bytes.subarray(start, end));
  const descr = /'descr'\s*:\s*'([^']*)'/.exec(header)?.[1];
  const fortran = /'fortran_order'\s*:\s*(True|False)/.exec(header)?.[1];
  const extents = /'shape'\s*:\s*\(([\d\s,]*)\)/.exec(header)?.[1];
  if (descr === undefined || fortran === undefined || extents === undefined) {
    throw new DataError(
      `${file} has the header ${header.trim()}, expected one plain array`,
      'structured arrays cannot be read',
    );
  }
  const dtype = DESCR.find(([name]) => name === descr)?.[1];
  if (!dtype) {
    const known = DESCR.map(([name]) => name).join(', ');
    throw new DataError(`${file} has the dtype ${descr}`, `convert it with astype to one of ${known}`);
  }
  const shape = extents.split(',').flatMap((text) => (text.trim() === '' ? [] : [Number(text)]));
  const length = sizeOf(shape);
  const expected = length * bytesPerElement(dtype);
  if (bytes.byteLength - end !== expected) {
    throw new DataError(
      `${file} has ${bytes.byteLength - end} bytes of data, its header announces ${expected}`,
      'copy it again',
    );
  }
  const body = bytes.subarray(end);
  const aligned = body.byteOffset % bytesPerElement(dtype) === 0 ? body : body.slice();
  const array: NdArray = { dtype, shape, data: viewBytes(dtype, aligned.buffer, aligned.byteOffset, length) };
  return fortran === 'True' ? fromFortranOrder(array) : array;
}

/** Reorders column-major data into row-major. */
function fromFortranOrder(array: NdArray): NdArray {
  const { shape, dtype } = array;
  const strides = stridesOf([...shape].reverse()).reverse();
  const data = array.data.slice();
  const index = new Array<number>(shape.length).fill(0);
  for (let i = 0; i < data.length; i++) {
    let from = 0;
    for (let axis = 0; axis < shape.length; axis++) from += index[axis]! * strides[axis]!;
    data[i] = array.data[from]!;
    for (let axis = shape.length - 1; axis >= 0 && ++index[axis]! === shape[axis]; axis--) index[axis] = 0;
  }
  return { dtype, shape, data };
}

/** The bytes of an NPY file, C order, data aligned to 64 bytes as NumPy writes it. */
export function encodeNpy(array: NdArray): Uint8Array {
  const descr = DESCR.find(([, dtype]) => dtype === array.dtype)![0];
  const literal = `{'descr': '${descr}', 'fortran_order': False, 'shape': ${pythonTuple(array.shape)}, }`;
  const version = literal.length > 65000 ? 2 : 1;
  const start = version === 1 ? 10 : 12;
  const end = Math.ceil((start + literal.length + 1) / 64) * 64;
  const { data } = array;
  const out = new Uint8Array(end + data.byteLength).fill(0x20, 0, end);
  const view = new DataView(out.buffer);
  out.set([...MAGIC, version, 0]);
  if (version === 1) view.setUint16(8, end - start, true);
  else view.setUint32(8, end - start, true);
  out.set(new TextEncoder().encode(literal), start);
  out[end - 1] = 0x0a;
  out.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), end);
  return out;
}

/** `()`, `(3,)`, `(2, 3)`. */
function pythonTuple(shape: Shape): string {
  return shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(', ')})`;
}
