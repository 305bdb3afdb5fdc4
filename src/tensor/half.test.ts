/** @file Half precision and bfloat16, over every value there is. */
import { describe, expect, test } from 'vitest';
import { bfloatToFloat, floatToBfloat, floatToHalf, halfToFloat } from './half.ts';

const ALL = Array.from({ length: 65_536 }, (_, bits) => bits);

/** The float32 next to `x`, `steps` units in the last place away. */
function neighbour(x: number, steps: number): number {
  const f = Float32Array.of(x);
  const u = new Uint32Array(f.buffer);
  u[0]! += steps;
  return f[0]!;
}

describe('half precision', () => {
  // IEEE 754-2019, table 3.5, and its extremes
  test.each([
    [0x0000, 0],
    [0x0001, 2 ** -24],
    [0x03ff, 2 ** -14 - 2 ** -24],
    [0x0400, 2 ** -14],
    [0x3555, 0.333251953125],
    [0x3bff, 1 - 2 ** -11],
    [0x3c00, 1],
    [0x3c01, 1 + 2 ** -10],
    [0xc000, -2],
    [0x7bff, 65504],
    [0x7c00, Number.POSITIVE_INFINITY],
    [0xfc00, Number.NEGATIVE_INFINITY],
  ])('bits %i are %d', (bits, value) => {
    expect(halfToFloat(bits)).toBe(value);
    expect(floatToHalf(value)).toBe(bits);
  });

  test('survives the way to float32 and back, zeros and infinities of both signs included', () => {
    for (const bits of ALL) {
      const value = halfToFloat(bits);
      const back = floatToHalf(value);
      if (Number.isNaN(value)) expect(Number.isNaN(halfToFloat(back))).toBe(true);
      else if (back !== bits) expect.fail(`${bits} became ${back}`);
    }
    expect(Object.is(halfToFloat(0x8000), -0)).toBe(true);
  });

  test('is NaN for exactly the 2046 patterns that say so', () => {
    expect(ALL.filter((bits) => Number.isNaN(halfToFloat(bits))).length).toBe(2046);
  });

  test('rounds to the nearest, halfway to even', () => {
    for (let bits = 0; bits < 0x7bff; bits++) {
      const [low, high] = [halfToFloat(bits), halfToFloat(bits + 1)];
      const middle = (low + high) / 2;
      const even = bits % 2 === 0 ? bits : bits + 1;
      const wrong =
        floatToHalf(middle) !== even ||
        floatToHalf(neighbour(middle, -1)) !== bits ||
        floatToHalf(neighbour(middle, 1)) !== bits + 1 ||
        floatToHalf(-middle) !== (even | 0x8000);
      if (wrong) expect.fail(`around ${middle}`);
    }
  });

  test('overflows to infinity from halfway above its largest number', () => {
    expect(floatToHalf(neighbour(65520, -1))).toBe(0x7bff);
    expect(floatToHalf(65520)).toBe(0x7c00);
    expect(floatToHalf(1e30)).toBe(0x7c00);
    expect(floatToHalf(-1e30)).toBe(0xfc00);
  });

  test('underflows to zero up to halfway to its smallest number', () => {
    expect(floatToHalf(2 ** -25)).toBe(0);
    expect(floatToHalf(neighbour(2 ** -25, 1))).toBe(1);
    expect(floatToHalf(-(2 ** -40))).toBe(0x8000);
    expect(floatToHalf(1e-45)).toBe(0);
  });
});

describe('bfloat16', () => {
  test('survives the way to float32 and back', () => {
    for (const bits of ALL) {
      const value = bfloatToFloat(bits);
      const back = floatToBfloat(value);
      if (Number.isNaN(value)) expect(Number.isNaN(bfloatToFloat(back))).toBe(true);
      else if (back !== bits) expect.fail(`${bits} became ${back}`);
    }
  });

  test('is the upper half of a float32', () => {
    expect(bfloatToFloat(0x3f80)).toBe(1);
    expect(bfloatToFloat(0xc000)).toBe(-2);
    expect(bfloatToFloat(0x7f80)).toBe(Number.POSITIVE_INFINITY);
    expect(bfloatToFloat(0x4049)).toBe(3.140625);
  });

  test('rounds to the nearest, halfway to even', () => {
    for (let bits = 0; bits < 0x7f7f; bits++) {
      const middle = neighbour(bfloatToFloat(bits), 0x8000);
      const even = bits % 2 === 0 ? bits : bits + 1;
      const wrong =
        floatToBfloat(middle) !== even ||
        floatToBfloat(neighbour(middle, -1)) !== bits ||
        floatToBfloat(neighbour(middle, 1)) !== bits + 1;
      if (wrong) expect.fail(`around ${middle}`);
    }
  });

  test('keeps NaN from rounding to infinity', () => {
    const nan = new Float32Array(Uint32Array.of(0x7f800001).buffer)[0]!;
    expect(Number.isNaN(bfloatToFloat(floatToBfloat(nan)))).toBe(true);
    expect(Number.isNaN(bfloatToFloat(floatToBfloat(Number.NaN)))).toBe(true);
  });

  test('overflows to infinity', () => {
    expect(floatToBfloat(3.4e38)).toBe(0x7f80);
  });
});
