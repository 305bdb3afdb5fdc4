/** @file Shapes: sizes, strides, axes and broadcasting. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ShapeError } from './errors.ts';
import {
  broadcastAxes,
  broadcastShapes,
  normalizeAxes,
  normalizeAxis,
  reducedShape,
  sameShape,
  sizeOf,
  stridesOf,
} from './shape.ts';

const shape = fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 4 });

/** A shape with two parts that broadcast to it. */
const broadcasting = shape.chain((whole) => {
  const part = fc
    .tuple(fc.nat(whole.length), fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }))
    .map(([from, ones]) => whole.slice(from).map((extent, i) => (ones[i] ? 1 : extent)));
  return fc.tuple(part, part);
});

describe('broadcasting', () => {
  test.each([
    [[2, 3], [3], [2, 3]],
    [
      [2, 1, 4],
      [3, 1],
      [2, 3, 4],
    ],
    [[], [5], [5]],
    [[], [], []],
    [[1], [1, 1], [1, 1]],
  ])('%j and %j give %j', (a, b, expected) => {
    expect(broadcastShapes(a, b)).toEqual(expected);
    expect(broadcastShapes(b, a)).toEqual(expected);
  });

  test.each([
    [[2], [3]],
    [
      [2, 3],
      [2, 4],
    ],
    [[2, 3], [2]],
  ])('%j and %j do not', (a, b) => {
    expect(() => broadcastShapes(a, b)).toThrow(ShapeError);
  });

  test('is associative, and a shape broadcasts to the result', () => {
    fc.assert(
      fc.property(broadcasting, ([a, b]) => {
        const both = broadcastShapes(a, b);
        expect(broadcastShapes(a, both)).toEqual(both);
        expect(broadcastShapes(both, b)).toEqual(both);
        expect(both.length).toBe(Math.max(a.length, b.length));
      }),
      { seed: 1 },
    );
  });

  test('repeats along the axes it names: their product is what the size grows by', () => {
    fc.assert(
      fc.property(broadcasting, ([a, b]) => {
        const both = broadcastShapes(a, b);
        const repeated = broadcastAxes(a, both).map((axis) => both[axis]!);
        expect(sizeOf(a) * sizeOf(repeated)).toBe(sizeOf(both));
      }),
      { seed: 2 },
    );
  });

  test('names what was against what, and the axis', () => {
    expect(() => broadcastShapes([2, 3], [4, 3])).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: shapes [2, 3] and [4, 3] do not broadcast: 2 against 4 at axis -2
        hint: shapes are aligned at the last axis; insert axes of size 1 with reshape or unsqueeze]
    `);
  });
});

describe('strides', () => {
  test('are row-major', () => {
    expect(stridesOf([2, 3, 4])).toEqual([12, 4, 1]);
    expect(stridesOf([])).toEqual([]);
  });

  test('lead from every index to an offset of its own', () => {
    fc.assert(
      fc.property(shape, (extents) => {
        const strides = stridesOf(extents);
        const offsets = new Set(
          Array.from({ length: sizeOf(extents) }, (_, i) =>
            strides.reduce((total, stride, axis) => total + (Math.floor(i / stride) % extents[axis]!) * stride, 0),
          ),
        );
        expect(offsets.size).toBe(sizeOf(extents));
      }),
      { seed: 3 },
    );
  });
});

describe('axes', () => {
  test('may count from the end', () => {
    expect(normalizeAxis(-1, 3)).toBe(2);
    expect(normalizeAxes([-1, 0, 2], 3)).toEqual([0, 2]);
    expect(normalizeAxes(1, 3)).toEqual([1]);
    expect(normalizeAxes(undefined, 2)).toEqual([0, 1]);
  });

  test.each([
    [2, 2],
    [-3, 2],
    [0.5, 2],
    [0, 0],
  ])('%d does not exist in rank %i', (axis, rank) => {
    expect(() => normalizeAxis(axis, rank)).toThrow(ShapeError);
  });

  test('are dropped by a reduction, or kept with extent 1', () => {
    expect(reducedShape([2, 3, 4], [0, 2], false)).toEqual([3]);
    expect(reducedShape([2, 3, 4], [0, 2], true)).toEqual([1, 3, 1]);
  });
});

test('shapes are the same when rank and extents are', () => {
  expect(sameShape([2, 3], [2, 3])).toBe(true);
  expect(sameShape([2, 3], [2, 3, 1])).toBe(false);
  expect(sameShape([2, 3], [3, 2])).toBe(false);
});
