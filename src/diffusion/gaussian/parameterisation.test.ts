import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  clipData,
  combine,
  convertPrediction,
  denoiser,
  dynamicThreshold,
  edmPreconditioning,
  edmPrediction,
  PARAMETERISATIONS,
  type PredictionType,
  parameterisation,
  readout,
  type State,
  unitVariance,
} from './index.ts';

const NAMES = Object.keys(PARAMETERISATIONS) as PredictionType[];
const level = fc.record({
  t: fc.constant(0.5),
  alpha: fc.double({ min: 0.05, max: 1, noNaN: true }),
  sigma: fc.double({ min: 0.05, max: 5, noNaN: true }),
});
const value = fc.double({ min: -2, max: 2, noNaN: true });
const state = (x: number): State => Float64Array.of(x);

describe('parameterisations', () => {
  it.each(NAMES)('%s reads the data and the noise back from its own target', (name) => {
    fc.assert(
      fc.property(level, value, value, (point, x0, eps) => {
        const x = point.alpha * x0 + point.sigma * eps;
        const { p, q } = PARAMETERISATIONS[name](point);
        const output = p * x0 + q * eps;
        const read = readout(PARAMETERISATIONS[name], point);
        expect(read.x0[0] * x + read.x0[1] * output).toBeCloseTo(x0, 6);
        expect(read.eps[0] * x + read.eps[1] * output).toBeCloseTo(eps, 6);
      }),
    );
  });

  it.each(NAMES.flatMap((from) => NAMES.map((to) => [from, to] as const)))(
    '%s to %s and back is the identity',
    (from, to) => {
      fc.assert(
        fc.property(level, value, value, (point, x, output) => {
          const there = convertPrediction(from, to, state(output), state(x), point);
          const back = convertPrediction(to, from, there, state(x), point);
          expect(Math.abs(back[0]! - output)).toBeLessThan(1e-7 * (1 + Math.abs(there[0]!)));
        }),
        { numRuns: 20 },
      );
    },
  );

  it('agrees with the published formulas', () => {
    const point = { t: 0, alpha: 0.8, sigma: 0.6 };
    const [x0, eps] = [0.3, -1.1];
    const x = 0.8 * x0 + 0.6 * eps;
    const target = (name: string) => {
      const { p, q } = parameterisation(name)(point);
      return p * x0 + q * eps;
    };
    expect(target('v_prediction')).toBeCloseTo(0.8 * eps - 0.6 * x0, 12);
    expect(target('score')).toBeCloseTo(-(x - 0.8 * x0) / 0.36, 12);
    expect(target('flow_prediction')).toBeCloseTo(eps - x0, 12);
  });

  it('has the unit-variance target of EDM: F = (x₀ − cSkip·x)/cOut', () => {
    const sigma = 1.7;
    const { cSkip, cOut } = edmPreconditioning(sigma, 0.5);
    const { p, q } = edmPrediction()({ t: 0, alpha: 1, sigma });
    expect(p * 0.4 + q * -0.2).toBeCloseTo((0.4 - cSkip * (0.4 + sigma * -0.2)) / cOut, 12);
    // for data of standard deviation σ_data the target has variance 1
    expect((p * 0.5) ** 2 + q ** 2).toBeCloseTo(1, 12);
  });

  it('refuses an unknown name and suggests the nearest', () => {
    expect(() => parameterisation('v-predicton')).toThrow(/did you mean 'v_prediction'/);
  });
});

describe('the denoiser', () => {
  const point = { t: 10, alpha: 1, sigma: 2 };

  it('scales the input of a variance-preserving network in σ-space', async () => {
    let seen: State = state(0);
    const denoise = denoiser(
      (x) => {
        seen = x;
        return x;
      },
      { scaleInput: unitVariance },
    );
    await denoise(state(3), point, 0);
    expect(seen[0]).toBeCloseTo(3 / Math.sqrt(5), 12);
  });

  it('keeps the network’s own noise beside a clipped estimate, unless asked to be consistent', async () => {
    const network = () => state(0);
    const transform = (x0: State) => combine([0.5, x0]);
    const loose = await denoiser(network, { transform })(state(3), point, 0);
    const strict = await denoiser(network, { transform, consistent: true })(state(3), point, 0);
    expect(loose.x0[0]).toBeCloseTo(1.5, 12);
    expect(loose.eps[0]).toBe(0);
    expect(strict.eps[0]).toBeCloseTo((3 - 1.5) / 2, 12);
  });

  it('splits a learned variance sample by sample', async () => {
    const network = () => Float64Array.of(1, 2, 10, 20, 3, 4, 30, 40);
    const denoise = denoiser(network, { prediction: 'sample', learnedVariance: 2 });
    const { x0, variance } = await denoise(new Float64Array(4), point, 0);
    expect(Array.from(x0)).toEqual([1, 2, 3, 4]);
    expect(Array.from(variance!)).toEqual([10, 20, 30, 40]);
  });

  it('clips outright where a threshold has no room to move', () => {
    const x0 = Float32Array.from({ length: 40 }, (_, i) => Math.sin(i) * 1.4);
    const clipped = clipData(1)(x0.slice(), point, 0);
    expect(dynamicThreshold({ ratio: 0.9, maxValue: 1, sampleSize: 10 })(x0.slice(), point, 0)).toEqual(clipped);
    const free = dynamicThreshold({ ratio: 0.9, maxValue: 1 + 1e-12, sampleSize: 10 })(x0.slice(), point, 0);
    for (const [i, value] of free.entries()) expect(value).toBeCloseTo(clipped[i]!, 6);
  });

  it('adds any number of terms as one would by hand', () => {
    const terms = [1, 2, 3, 4, 5].map((n) => [1 / n, Float64Array.of(n, n * n)] as const);
    for (let count = 1; count <= 5; count++) {
      const sum = combine(...terms.slice(0, count));
      expect(sum[0]).toBeCloseTo(count, 12);
      expect(sum[1]).toBeCloseTo((count * (count + 1)) / 2, 12);
    }
  });
});
