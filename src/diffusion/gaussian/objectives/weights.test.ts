import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  cosmapWeight,
  debiasedWeight,
  discreteProcess,
  edmPrediction,
  edmWeight,
  LOSS_WEIGHTS,
  minSnr,
  minSnrWeight,
  onOutput,
  type Point,
  p2,
  pointAt,
  sigmoidWeight,
  simpleWeight,
  snr,
  snrPlusOneWeight,
  softMinSnr,
  vlbWeight,
} from '../index.ts';

const vp = (alpha: number): Point => ({ t: 0, alpha, sigma: Math.sqrt(1 - alpha ** 2) });
const levels = [0.02, 0.3, 0.7, 0.95].map(vp);

describe('loss weights', () => {
  it('are 1 on the output they were named for', () => {
    for (const point of levels) {
      expect(onOutput(simpleWeight, 'epsilon')(point)).toBeCloseTo(1, 10);
      expect(onOutput(snrPlusOneWeight, 'v_prediction')(point)).toBeCloseTo(1, 10);
      expect(onOutput(edmWeight(0.5), edmPrediction({ sigmaData: 0.5 }))(point)).toBeCloseTo(1, 10);
    }
  });

  it('have the published forms on ε', () => {
    for (const point of levels) {
      const ratio = snr(point);
      expect(onOutput(minSnr(5), 'epsilon')(point)).toBeCloseTo(Math.min(ratio, 5) / ratio, 10);
      expect(onOutput(p2({ k: 1, gamma: 0.5 }), 'epsilon')(point)).toBeCloseTo(1 / Math.sqrt(1 + ratio), 10);
      expect(onOutput(debiasedWeight, 'epsilon')(point)).toBeCloseTo(1 / Math.sqrt(ratio), 10);
      expect(onOutput(sigmoidWeight(-3), 'epsilon')(point)).toBeCloseTo(1 / (1 + Math.exp(3 + Math.log(ratio))), 10);
    }
  });

  it('has SD3’s cosmap on the flow velocity', () => {
    for (const t of [0.1, 0.5, 0.8]) {
      const weight = onOutput(cosmapWeight, 'flow_prediction')({ t, alpha: 1 - t, sigma: t });
      expect(weight).toBeCloseTo(2 / (Math.PI * (1 - 2 * t + 2 * t * t)), 10);
    }
  });

  it('keeps soft min-SNR below min-SNR and near it far from the kink', () => {
    for (const point of levels) expect(softMinSnr(5)(point)).toBeLessThanOrEqual(minSnr(5)(point));
    expect(softMinSnr(5)(vp(0.01)) / snr(vp(0.01))).toBeCloseTo(1, 3);
  });

  it('sums the bound of every step to what the SNR falls by', () => {
    const process = discreteProcess();
    const total = Array.from({ length: 1000 }, (_, t) => vlbWeight(process)(pointAt(process, t)));
    const sum = total.slice(1).reduce((a, b) => a + b, 0);
    expect(sum / (0.5 * (snr(pointAt(process, 0)) - snr(pointAt(process, 999))))).toBeCloseTo(1, 8);
    expect(Math.min(...total)).toBeGreaterThan(0);
  });

  it('are finite and not negative everywhere', () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-3, max: 0.999, noNaN: true }), (alpha) => {
        for (const make of Object.values(LOSS_WEIGHTS)) {
          const weight = make()(vp(alpha));
          expect(Number.isFinite(weight) && weight >= 0).toBe(true);
        }
      }),
    );
  });

  it('stays finite at zero terminal SNR', () => {
    const end: Point = { t: 999, alpha: 0, sigma: 1 };
    for (const prediction of ['epsilon', 'v_prediction', 'sample'] as const) {
      expect(Number.isFinite(minSnrWeight(5, prediction)(end))).toBe(true);
    }
  });
});
