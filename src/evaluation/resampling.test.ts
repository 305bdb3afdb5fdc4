import { expect, test } from 'vitest';
import { fillNormal } from '../tensor/index.ts';
import { resamplings, scatterOf } from './resampling.ts';

test('measures mean and sample deviation', () => {
  expect(scatterOf([1, 2, 3, 4])).toEqual({ mean: 2.5, std: Math.sqrt(5 / 3) });
});

test('estimates the standard error of a mean, σ/√n', () => {
  const values = fillNormal(new Float32Array(400), { seed: 3 });
  const means = resamplings(400, { draws: 400, seed: 1 }).map(
    (picks) => picks.reduce((sum, pick) => sum + values[pick]!, 0) / 400,
  );
  // of 400 normal numbers: 0.05, itself known to some per cent
  expect(scatterOf(means).std).toBeGreaterThan(0.044);
  expect(scatterOf(means).std).toBeLessThan(0.056);
});

test('draws the same for the same seed, from all samples and no others', () => {
  const [draw] = resamplings(50, { draws: 1, seed: 2 });
  expect(resamplings(50, { draws: 1, seed: 2 })[0]).toEqual(draw);
  expect(Math.max(...draw!)).toBeLessThan(50);
  expect(new Set(draw).size).toBeGreaterThan(20);
});
