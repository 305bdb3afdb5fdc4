import { describe, expect, it } from 'vitest';
import { fillNormal, ShapeError } from '../tensor/index.ts';
import { slicedWasserstein, squaredWasserstein } from './sliced-wasserstein.ts';

const normal = (length: number, seed: number): Float32Array => fillNormal(new Float32Array(length), { seed });

describe('squared Wasserstein distance on the line', () => {
  it('pairs equal numbers of points in order', () => {
    expect(squaredWasserstein([0, 1, 5], [1, 1, 7])).toBeCloseTo((1 + 0 + 4) / 3, 12);
  });

  it('splits the mass of points where the numbers differ, as repeating the points does', () => {
    const [a, b] = [
      [0, 2, 3],
      [-1, 1, 1, 4],
    ];
    const repeated = (points: number[], times: number) => points.flatMap((p) => Array.from({ length: times }, () => p));
    expect(squaredWasserstein(a, b)).toBeCloseTo(squaredWasserstein(repeated(a, 4), repeated(b, 3)), 12);
    expect(squaredWasserstein(a, b)).toBe(squaredWasserstein(b, a));
  });

  it('of one point from a set is the mean square distance', () => {
    expect(squaredWasserstein([1], [0, 1, 3])).toBeCloseTo((1 + 0 + 4) / 3, 12);
  });
});

describe('sliced Wasserstein distance', () => {
  const options = { dimensions: 12, projections: 2000 };

  it('is zero from a set to itself, in any order', () => {
    const a = normal(12 * 30, 1);
    const turned = new Float32Array(a.length);
    for (let i = 0; i < 30; i++) turned.set(a.subarray(i * 12, i * 12 + 12), (29 - i) * 12);
    expect(slicedWasserstein(turned, a, options)).toBeLessThan(1e-6);
  });

  it('is in units of a pixel: a shift of all by δ is δ far', () => {
    const a = normal(12 * 50, 2);
    const shifted = a.map((value) => value + 0.25);
    expect(slicedWasserstein(shifted, a, options)).toBeGreaterThan(0.24);
    expect(slicedWasserstein(shifted, a, options)).toBeLessThan(0.26);
  });

  it('grows with the difference in spread: |s − 1| for Gaussians', () => {
    const [a, b] = [normal(12 * 4000, 3), normal(12 * 4000, 4).map((value) => 1.5 * value)];
    expect(slicedWasserstein(a, b, { dimensions: 12, projections: 100 })).toBeCloseTo(0.5, 1);
  });

  it('falls with the size of two samples of one law', () => {
    const far = slicedWasserstein(normal(12 * 20, 5), normal(12 * 20, 6), options);
    const near = slicedWasserstein(normal(12 * 500, 5), normal(12 * 500, 6), options);
    expect(near).toBeLessThan(far / 3);
  });

  it('refuses what is no set of samples', () => {
    expect(() => slicedWasserstein(normal(11, 1), normal(12, 1), options)).toThrow(ShapeError);
    expect(() => slicedWasserstein(normal(0, 1), normal(12, 1), options)).toThrow(/12 elements was expected, got 0/);
  });
});
