/** @file Philox against the known answers of Random123, and what is drawn with it. */
import { describe, expect, test } from 'vitest';
import { type DrawKey, fillNormal, fillUniform, permutation, philox4x32 } from './philox.ts';

describe('philox4x32-10', () => {
  const ones = 0xffffffff;
  // Random123, kat_vectors: counter, key, result
  test.each([
    [
      [0, 0, 0, 0],
      [0, 0],
      [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8],
    ],
    [
      [ones, ones, ones, ones],
      [ones, ones],
      [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
    ],
    [
      [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      [0xa4093822, 0x299f31d0],
      [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
    ],
  ] as const)('of counter %j and key %j is %j', (counter, key, expected) => {
    const out = new Uint32Array(6);
    philox4x32(counter, key, out, 1);
    expect([...out]).toEqual([0, ...expected, 0]);
  });
});

/** Mean, variance, skewness and kurtosis. */
function moments(values: Float32Array): number[] {
  const mean = values.reduce((total, x) => total + x, 0) / values.length;
  const central = (power: number): number =>
    values.reduce((total, x) => total + (x - mean) ** power, 0) / values.length;
  const variance = central(2);
  return [mean, variance, central(3) / variance ** 1.5, central(4) / variance ** 2];
}

const COUNT = 200_000;

describe('uniform numbers', () => {
  const values = fillUniform(new Float32Array(COUNT), { seed: 1 });

  test('lie in [0, 1)', () => {
    expect(values.every((u) => u >= 0 && u < 1)).toBe(true);
  });

  test('have the moments of a uniform distribution', () => {
    const [mean, variance, skewness, kurtosis] = moments(values);
    // five standard errors
    expect(Math.abs(mean! - 1 / 2)).toBeLessThan(5 * Math.sqrt(1 / 12 / COUNT));
    expect(Math.abs(variance! - 1 / 12)).toBeLessThan(5 * Math.sqrt(1 / 180 / COUNT));
    expect(Math.abs(skewness!)).toBeLessThan(0.02);
    expect(Math.abs(kurtosis! - 9 / 5)).toBeLessThan(0.02);
  });

  test('fill every bin alike', () => {
    const bins = new Float64Array(64);
    for (const u of values) bins[Math.floor(u * 64)]!++;
    const expected = COUNT / 64;
    const chiSquare = bins.reduce((total, n) => total + (n - expected) ** 2 / expected, 0);
    // 63 degrees of freedom: mean 63, standard deviation 11
    expect(chiSquare).toBeLessThan(63 + 5 * Math.sqrt(126));
  });
});

describe('normal numbers', () => {
  const values = fillNormal(new Float32Array(COUNT), { seed: 2 });

  test('have the moments of a standard normal', () => {
    const [mean, variance, skewness, kurtosis] = moments(values);
    expect(Math.abs(mean!)).toBeLessThan(5 * Math.sqrt(1 / COUNT));
    expect(Math.abs(variance! - 1)).toBeLessThan(5 * Math.sqrt(2 / COUNT));
    expect(Math.abs(skewness!)).toBeLessThan(5 * Math.sqrt(6 / COUNT));
    expect(Math.abs(kurtosis! - 3)).toBeLessThan(5 * Math.sqrt(24 / COUNT));
  });

  test('are finite, and reach into the tails as often as they should', () => {
    expect(values.every(Number.isFinite)).toBe(true);
    const beyond = (sigma: number): number => values.filter((x) => Math.abs(x) > sigma).length / COUNT;
    expect(beyond(1)).toBeCloseTo(0.3173, 2);
    expect(beyond(3)).toBeCloseTo(0.0027, 3);
  });

  test('of a pair are uncorrelated', () => {
    let total = 0;
    for (let i = 0; i < COUNT; i += 2) total += values[i]! * values[i + 1]!;
    expect(Math.abs(total / (COUNT / 2))).toBeLessThan(5 * Math.sqrt(2 / COUNT));
  });
});

describe('a draw', () => {
  const draw = (key: DrawKey, length = 8): number[] => [...fillUniform(new Float32Array(length), key)];

  test('depends on its key alone', () => {
    expect(draw({ seed: 5, step: 2, draw: 1 })).toEqual(draw({ seed: 5, step: 2, draw: 1 }));
    expect(draw({ seed: 5 })).toEqual(draw({ seed: 5, step: 0, draw: 0 }));
  });

  test('differs for every seed, step and number, also beyond 32 bits', () => {
    const keys: DrawKey[] = [
      { seed: 0 },
      { seed: 1 },
      { seed: 2 ** 32 },
      { seed: 2 ** 53 - 1 },
      { seed: 0, step: 1 },
      { seed: 0, step: 2 ** 32 },
      { seed: 0, draw: 1 },
      { seed: 0, step: 1, draw: 1 },
    ];
    expect(new Set(keys.map((key) => draw(key).join())).size).toBe(keys.length);
  });

  test.each([1, 2, 3, 5, 6, 7])('of %i numbers is the beginning of a longer one', (length) => {
    expect(draw({ seed: 3 }, length)).toEqual(draw({ seed: 3 }, 12).slice(0, length));
    const normal = (n: number): number[] => [...fillNormal(new Float32Array(n), { seed: 3 })];
    expect(normal(length)).toEqual(normal(12).slice(0, length));
  });
});

describe('a permutation', () => {
  test.each([0, 1, 2, 10, 1000])('of %i holds each number once', (n) => {
    expect([...permutation(n, { seed: 4 })].sort((a, b) => a - b)).toEqual([...Array(n).keys()]);
  });

  test('is repeatable, and another for every key', () => {
    expect(permutation(50, { seed: 4, step: 1 })).toEqual(permutation(50, { seed: 4, step: 1 }));
    expect(permutation(50, { seed: 4, step: 1 })).not.toEqual(permutation(50, { seed: 4, step: 2 }));
  });

  test('is any of the 24 of four things, equally often', () => {
    const runs = 24_000;
    const counts = new Map<string, number>();
    for (let step = 0; step < runs; step++) {
      const name = permutation(4, { seed: 9, step }).join('');
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
    expect(counts.size).toBe(24);
    const expected = runs / 24;
    const chiSquare = [...counts.values()].reduce((total, n) => total + (n - expected) ** 2 / expected, 0);
    // 23 degrees of freedom: mean 23, standard deviation 6.8
    expect(chiSquare).toBeLessThan(23 + 5 * Math.sqrt(46));
  });
});
