import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { DataError, floatToHalf, fromNumbers, type NdArray, ndArray, zeros } from '../tensor/index.ts';
import { encodeNpy, parseNpy } from './npy.ts';

const golden = (name: string): Uint8Array =>
  new Uint8Array(readFileSync(new URL(`../../test/golden/formats/${name}.npy`, import.meta.url)));
const grid = fromNumbers([
  [0, 0.25, 0.5],
  [0.75, 1, 1.25],
]);

/** What `tools/oracle/safetensors_golden.py` saved with NumPy. */
const saved: Record<string, NdArray> = {
  f4: grid,
  f2: ndArray(Uint16Array.from(grid.data as Float32Array, floatToHalf), [2, 3], 'float16'),
  i4: ndArray(Int32Array.of(-5, 2 ** 31 - 1), [2], 'int32'),
  'i8-scalar': ndArray(BigInt64Array.of(-(2n ** 60n)), [], 'int64'),
  u1: ndArray(Uint8Array.of(0, 255), [2], 'uint8'),
  b1: ndArray(Uint8Array.of(1, 0), [2, 1], 'bool'),
};

describe('NPY files', () => {
  test('of NumPy are read, and written byte for byte alike', () => {
    for (const [name, array] of Object.entries(saved)) {
      expect(parseNpy(golden(name))).toEqual(array);
      expect(encodeNpy(array)).toEqual(golden(name));
    }
  });

  test('of version 2 and in Fortran order are read', () => {
    expect(parseNpy(golden('f4-v2'))).toEqual(grid);
    const counted = ndArray(
      Float64Array.from({ length: 24 }, (_, i) => i),
      [2, 3, 4],
      'float64',
    );
    expect(parseNpy(golden('f8-fortran'))).toEqual(counted);
  });

  test('are read at any alignment', () => {
    const bytes = golden('f4');
    const moved = new Uint8Array(bytes.length + 1).subarray(1);
    moved.set(bytes);
    expect(parseNpy(moved)).toEqual(grid);
  });

  test('with a header beyond 64 KiB are written as version 2', () => {
    const array = zeros(new Array<number>(30000).fill(1));
    const bytes = encodeNpy(array);
    expect(bytes[6]).toBe(2);
    expect(parseNpy(bytes)).toEqual(array);
  });

  test('that are cut, foreign or of an unknown dtype are refused with the file named', () => {
    const bytes = golden('f4');
    for (const length of [0, 5, 11, 100, bytes.length - 1]) {
      expect(() => parseNpy(bytes.subarray(0, length), 'x.npy')).toThrow(DataError);
      expect(() => parseNpy(bytes.subarray(0, length), 'x.npy')).toThrow('x.npy');
    }
    const header = (text: string): Uint8Array => {
      const out = new Uint8Array(10 + text.length);
      out.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, text.length, 0]);
      out.set(new TextEncoder().encode(text), 10);
      return out;
    };
    expect(() => parseNpy(header("{'descr': '>f4', 'fortran_order': False, 'shape': (0,), }"))).toThrow('dtype >f4');
    expect(() => parseNpy(header("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (0,), }"))).toThrow(
      'structured arrays cannot be read',
    );
    const future = bytes.slice();
    future[6] = 9;
    expect(() => parseNpy(future)).toThrow('NPY version 9');
  });
});
