/** @file Couplings against all permutations. */
import { expect, it } from 'vitest';
import { fillNormal } from '../../../tensor/index.ts';
import { coupleNoise, leastCostAssignment } from './coupling.ts';

it('finds the cheapest assignment', () => {
  const n = 5;
  const cost = Array.from({ length: n * n }, (_, i) => Math.abs(Math.sin(9.1 * i + 0.3)));
  const total = (order: ArrayLike<number>) => Array.from(order).reduce((sum, j, i) => sum + cost[i * n + j]!, 0);
  const permutations = (items: number[]): number[][] =>
    items.length < 2
      ? [items]
      : items.flatMap((item, i) => permutations(items.toSpliced(i, 1)).map((rest) => [item, ...rest]));
  const best = Math.min(...permutations([0, 1, 2, 3, 4]).map(total));
  expect(total(leastCostAssignment(cost, n))).toBeCloseTo(best, 12);
});

it('reorders whole noises and brings them nearer to their data', () => {
  const [batch, dim] = [32, 6];
  const x0 = fillNormal(new Float32Array(batch * dim), { seed: 1 });
  const noise = fillNormal(new Float32Array(batch * dim), { seed: 2 });
  const distance = (z: ArrayLike<number>) => x0.reduce((sum, value, i) => sum + (value - z[i]!) ** 2, 0);
  const coupled = coupleNoise(x0, noise, batch);
  expect(distance(coupled)).toBeLessThan(0.8 * distance(noise));
  const first = (z: ArrayLike<number>) => Array.from({ length: batch }, (_, i) => z[i * dim]!).sort();
  expect(first(coupled)).toEqual(first(noise));
});
