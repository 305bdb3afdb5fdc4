/** @file Time densities against their distribution functions. */
import { expect, it } from 'vitest';
import { referenceEngine } from '../../../runtime/index.ts';
import { toFloat64 } from '../../../tensor/index.ts';
import {
  antitheticTimes,
  cosineInterpolatedLevels,
  logitNormalTimes,
  logNormalLevels,
  lowDiscrepancyTimes,
  modeTimes,
  shiftedTimes,
  stratifiedTimes,
  type TimeDensity,
  uniformTimes,
} from './times.ts';

const count = 4096;
/** `n` times as drawn. */
async function draw(density: TimeDensity, n: number): Promise<number[]> {
  const program = await referenceEngine().compile(() => ({ t: density(n) }));
  const { t } = await program.run({}, { seed: 3, step: 0 });
  return Array.from(toFloat64(t!));
}
const times = async (density: TimeDensity) => (await draw(density, count)).sort((a, b) => a - b);
/** Largest distance of the empirical distribution from `cdf` (Kolmogorov-Smirnov). */
const distance = (sorted: number[], cdf: (t: number) => number) =>
  Math.max(...sorted.map((t, i) => Math.abs(cdf(t) - (i + 0.5) / sorted.length)));
const bound = 1.95 / Math.sqrt(count);
const normalCdf = (z: number): number => {
  // Abramowitz & Stegun 7.1.26, good to 1.5e-7
  const t = 1 / (1 + (0.3275911 * Math.abs(z)) / Math.SQRT2);
  const tail = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  const erf = 1 - tail * Math.exp((-z * z) / 2);
  return 0.5 * (1 + Math.sign(z) * erf);
};

it.each<[string, TimeDensity, number]>([
  ['uniform', uniformTimes, bound],
  ['stratified', stratifiedTimes, 1 / count],
  ['low-discrepancy', lowDiscrepancyTimes, 1 / count],
  ['antithetic', antitheticTimes, bound],
])('%s is uniform', async (_name, density, limit) => {
  expect(distance(await times(density), (t) => t)).toBeLessThan(limit);
});

it('pairs antithetic times', async () => {
  const t = await draw(antitheticTimes, 6);
  for (let i = 0; i < 3; i++) expect(t[i]! + t[i + 3]!).toBeCloseTo(1, 6);
  expect(await draw(antitheticTimes, 5)).toHaveLength(5);
});

it('draws log-normal levels', async () => {
  const cdf = (sigma: number) => normalCdf((Math.log(sigma) + 1.2) / 1.2);
  expect(distance(await times(logNormalLevels()), cdf)).toBeLessThan(bound);
});

it('draws logit-normal times, shifted or not', async () => {
  const cdf = (t: number) => normalCdf(Math.log(t / (1 - t)));
  expect(distance(await times(logitNormalTimes()), cdf)).toBeLessThan(bound);
  const unshift = (t: number) => t / (3 - 2 * t);
  expect(distance(await times(shiftedTimes(logitNormalTimes(), 3)), (t) => cdf(unshift(t)))).toBeLessThan(bound);
});

it('keeps mode-sampled times in [0, 1] with the mode in the middle', async () => {
  const t = await times(modeTimes(1.29));
  expect(t[0]!).toBeGreaterThanOrEqual(-1e-6);
  expect(t[count - 1]!).toBeLessThanOrEqual(1 + 1e-6);
  const middle = t.filter((value) => value > 0.4 && value < 0.6).length / count;
  expect(middle).toBeGreaterThan(0.25);
});

it('draws the plain cosine schedule when nothing is shifted', async () => {
  const sigmas = await times(
    cosineInterpolatedLevels({ imageSize: 64, noiseSizeLow: 64, noiseSizeHigh: 64, sigmaData: 1 }),
  );
  const [low, high] = [Math.atan(1e-3), Math.atan(1e3)];
  expect(distance(sigmas, (sigma) => (Math.atan(sigma) - low) / (high - low))).toBeLessThan(bound);
});

it('moves the levels of larger pictures towards noise', async () => {
  const median = async (imageSize: number) => (await times(cosineInterpolatedLevels({ imageSize })))[count / 2]!;
  expect(await median(256)).toBeGreaterThan(await median(64));
});
