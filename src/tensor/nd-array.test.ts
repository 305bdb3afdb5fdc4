/** @file Host arrays: what they hold, and how they convert. */
import { describe, expect, test } from 'vitest';
import { bytesPerElement, type Dtype, viewBytes } from './dtype.ts';
import { DtypeError, ShapeError } from './errors.ts';
import { castArray, float32Data, fromFloat64, fromNumbers, ndArray, toFloat64, zeros } from './nd-array.ts';

const DTYPES: readonly Dtype[] = ['float32', 'float64', 'float16', 'int32', 'int64', 'uint8', 'bool'];

describe('an array', () => {
  test('takes its shape from nested numbers', () => {
    const array = fromNumbers([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    expect(array).toEqual({ dtype: 'float32', shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) });
    expect(fromNumbers(7)).toEqual({ dtype: 'float32', shape: [], data: Float32Array.of(7) });
    expect(fromNumbers([], 'int32').shape).toEqual([0]);
  });

  test('refuses rows of different lengths', () => {
    expect(() => fromNumbers([[1, 2], [3]])).toThrow(ShapeError);
    expect(() => fromNumbers([[1, 2], [3], [4, 5, 6]])).toThrow(ShapeError);
    expect(() => fromNumbers([[1], 2])).toThrow(ShapeError);
  });

  test('refuses data that does not fill its shape, or is stored otherwise', () => {
    expect(() => ndArray(new Float32Array(5), [2, 3])).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: shape [2, 3] holds 6 elements, the data has 5]`,
    );
    expect(() => ndArray(new Float32Array(6), [2, 3], 'int32')).toThrowErrorMatchingInlineSnapshot(`
      [DtypeError: int32 data lives in a Int32Array, got a Float32Array
        hint: convert it, e.g. Int32Array.from(data)]
    `);
  });

  test('does not follow later changes of the shape it was given', () => {
    const shape = [2, 3];
    const array = ndArray(new Float32Array(6), shape);
    shape[0] = 9;
    expect(array.shape).toEqual([2, 3]);
  });

  test.each(DTYPES)('of %s starts as zeros in storage of its own', (dtype) => {
    const array = zeros([2, 2], dtype);
    expect(toFloat64(array)).toEqual(new Float64Array(4));
    expect(array.data.BYTES_PER_ELEMENT).toBe(bytesPerElement(dtype));
  });
});

describe('conversion', () => {
  test.each(DTYPES)('of small whole numbers to %s and back is exact', (dtype) => {
    const numbers = dtype === 'bool' ? [0, 1, 1, 0] : [0, 1, 5, 200];
    expect([...toFloat64({ dtype, shape: [4], data: fromFloat64(numbers, dtype) })]).toEqual(numbers);
  });

  test('truncates towards zero for integers, and is 0 or 1 for bools', () => {
    expect([...fromFloat64([-1.9, 1.9], 'int32')]).toEqual([-1, 1]);
    expect([...fromFloat64([-1.9, 1.9], 'int64')]).toEqual([-1n, 1n]);
    expect([...fromFloat64([0, -0, 0.5, Number.NaN], 'bool')]).toEqual([0, 0, 1, 0]);
  });

  test('rounds to half precision and float32', () => {
    expect([...toFloat64({ dtype: 'float16', shape: [1], data: fromFloat64([0.1], 'float16') })]).toEqual([
      0.0999755859375,
    ]);
    expect([...fromFloat64([0.1], 'float32')]).toEqual([Math.fround(0.1)]);
  });

  test('to the dtype an array has returns it as it is', () => {
    const array = fromNumbers([1, 2]);
    expect(castArray(array, 'float32')).toBe(array);
    expect(castArray(array, 'int64').data).toEqual(BigInt64Array.of(1n, 2n));
  });

  test('to float32 data is refused for other dtypes', () => {
    expect(float32Data(fromNumbers([1, 2]))).toEqual(Float32Array.of(1, 2));
    expect(() => float32Data(fromNumbers([1, 2], 'int32'))).toThrow(DtypeError);
  });

  test('of bytes to a view copies nothing', () => {
    const bytes = new ArrayBuffer(16);
    const view = viewBytes('int32', bytes, 4, 2);
    view[1] = 7;
    expect([...new Int32Array(bytes)]).toEqual([0, 0, 7, 0]);
  });
});
