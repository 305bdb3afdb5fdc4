import { expect, test } from 'vitest';
import { fillNormal } from '../tensor/index.ts';
import { gridVerdict, leadStanding, type MeasuredResult } from './grid-verdict.ts';
import { rmsDistance } from './rms-distance.ts';
import type { SolverResult } from './solver-comparison.ts';

const [count, sampleSize] = [200, 4];
const target = fillNormal(new Float32Array(count * sampleSize), { seed: 1 });
const errors = fillNormal(new Float32Array(count * sampleSize), { seed: 2 });

/** Samples whose errors are `scale` times those of all others, and `own` of their own. */
function measured(grid: SolverResult['grid'], scale: number, own = 0, seed = 3): MeasuredResult {
  const other = fillNormal(new Float32Array(count * sampleSize), { seed });
  const samples = target.map((value, i) => value + scale * errors[i]! + own * other[i]!);
  const rms = rmsDistance(samples, target);
  const result = {
    solver: 's',
    grid,
    steps: 5,
    evaluations: 5,
    stochastic: false,
    rms,
    distance: rms,
    noise: 0,
    times: [],
  };
  return { result, measured: { samples, distance: rms, resampled: [rms - 0.01, rms + 0.01] } };
}
const options = { target, sampleSize, seed: 0 };

test('judges against the best of all others', () => {
  const searched = measured('searched', 0.1);
  const others = [measured('karras', 0.3), measured('ays', 0.2), measured('own', 0.4)];
  const { rms, distance } = gridVerdict(searched, others, options);
  expect([rms.over, distance.over]).toEqual(['ays', 'ays']);
  expect(rms.by).toBe(others[1]!.result.rms! - searched.result.rms!);
  expect(leadStanding(rms)).toBe('ahead');
  expect(leadStanding(gridVerdict(measured('searched', 0.25), others, options).rms)).toBe('behind');
});

test('knows the noise of a difference of errors that go together to be small, and of others to be large', () => {
  const together = gridVerdict(measured('searched', 0.2), [measured('ays', 0.21)], options).rms;
  const apart = gridVerdict(measured('searched', 0, 0.2, 5), [measured('ays', 0, 0.2, 6)], options).rms;
  expect(leadStanding(together)).toBe('ahead');
  expect(leadStanding(apart)).toBe('level');
  // of √(mean of 800 squares) of deviation 0.2: 0.2/√1600, times √2 for the difference
  expect(apart.noise).toBeGreaterThan(0.7 * 0.00707);
  expect(apart.noise).toBeLessThan(1.4 * 0.00707);
  expect(together.noise).toBeLessThan(0.1 * apart.noise);
});

test('calls nothing ahead that is the same', () => {
  const { rms, distance } = gridVerdict(measured('searched', 0.2), [measured('ays', 0.2)], options);
  expect([rms.by, rms.noise, leadStanding(rms), leadStanding(distance)]).toEqual([0, 0, 'level', 'level']);
});
