/** @file Deferred arrays: elements that exist only while they are used. */
import { describe, expect, test } from 'vitest';
import { deferredArray, elementsOf, materialized, withShape } from './deferred-array.ts';
import { fromNumbers, ndArray } from './nd-array.ts';

/** An array of 1 … 6, and how often it was made. */
function counted() {
  const made = { times: 0 };
  const array = deferredArray({ dtype: 'float32', shape: [2, 3] }, () => {
    made.times++;
    return Float32Array.of(1, 2, 3, 4, 5, 6);
  });
  return { array, made };
}

describe('a deferred array', () => {
  test('makes its elements when they are asked for, and again each time', () => {
    const { array, made } = counted();
    expect([array.dtype, array.shape, made.times]).toEqual(['float32', [2, 3], 0]);
    expect(array.data[5]).toBe(6);
    expect(array.data).not.toBe(array.data);
    expect(made.times).toBe(3);
  });

  test('takes another shape without making them', () => {
    const { array, made } = counted();
    const column = withShape(array, [6, 1]);
    expect(column.shape).toEqual([6, 1]);
    expect(made.times).toBe(0);
    expect([...(column.data as Float32Array)]).toEqual([1, 2, 3, 4, 5, 6]);
    expect(elementsOf(column)).toBe(elementsOf(array));
  });

  test('makes them once where they are used more than once', () => {
    const { array, made } = counted();
    const { data, shape } = materialized(array);
    expect([data[0], data[1], shape, made.times]).toEqual([1, 2, [2, 3], 1]);
  });
});

test('an array in memory is taken as it is', () => {
  const array = fromNumbers([[1, 2]]);
  expect(materialized(array)).toBe(array);
  expect(withShape(array, [2])).toEqual(ndArray(array.data as Float32Array, [2]));
  expect(elementsOf(withShape(array, [2]))).toBe(elementsOf(array));
});
