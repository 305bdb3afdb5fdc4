import { expect, test } from 'vitest';
import { enterStage, fromSchedulerConfig, noiseSource, pyramidStages, type State, stageWeights } from '../index.ts';

const [height, width] = [2, 3];

/** Where the four elements of block (row, column) of the enlarged plane lie. */
const block = (row: number, column: number): number[] => {
  const corner = 2 * row * (2 * width) + 2 * column;
  return [corner, corner + 1, corner + 2 * width, corner + 2 * width + 1];
};

test('the signal grows by repetition, to the level the weights tell', () => {
  const entry = { sigma: 0.4, gamma: 1 / 3 };
  const x = Float64Array.from({ length: height * width }, (_, i) => i + 1);
  const y = enterStage(x, { height, width }, entry, (length) => new Float64Array(length));
  const { onX, sigma } = stageWeights(entry);
  expect(y).toHaveLength(4 * x.length);
  for (const at of block(1, 2)) expect(y[at]).toBeCloseTo(onX * 6, 12);
  expect(onX * (1 - entry.sigma)).toBeCloseTo(1 - sigma, 12);
  expect(sigma).toBeGreaterThan(entry.sigma);
});

test.each([1 / 3, 0.2])('noise that was repeated is white again (γ = %d)', (gamma) => {
  const entry = { sigma: 0.6, gamma };
  const planes = 20_000;
  const small = noiseSource('philox', 1)(planes * height * width, 0);
  const x = Float64Array.from(small, (value) => entry.sigma * value);
  const y = enterStage(x, { height, width }, entry, noiseSource('philox', 2));
  const { sigma } = stageWeights(entry);
  const covariance = (a: number, b: number): number => {
    let sum = 0;
    for (let start = 0; start < y.length; start += 4 * height * width) sum += y[start + a]! * y[start + b]!;
    return sum / planes / sigma ** 2;
  };
  const [first, second, third, fourth] = block(0, 1) as [number, number, number, number];
  const bound = 4 / Math.sqrt(planes);
  expect(Math.abs(covariance(first, first) - 1)).toBeLessThan(bound * Math.SQRT2);
  for (const other of [second, third, fourth, ...block(1, 1)]) {
    expect(Math.abs(covariance(first, other))).toBeLessThan(bound);
  }
});

test.each(['HeliosScheduler', 'HeliosDMDScheduler'])('%s climbs its pyramid', async (_class_name) => {
  const plan = fromSchedulerConfig({ _class_name });
  const noise = noiseSource('philox', 3);
  // the velocity of a flow from any state to data that is 0.3 everywhere
  const network = (state: State, { sigma }: { sigma: number }) =>
    state.map((value: number) => (value - 0.3) / sigma) as State;
  let x: State = noise(height * width, 0);
  for (const [stage, { entrySigma }] of pyramidStages(plan.config.options).entries()) {
    const scale = 2 ** (stage - 1);
    const size = { height: scale * height, width: scale * width };
    if (stage > 0) x = enterStage(x, size, { sigma: entrySigma, gamma: plan.config.options.gamma }, noise);
    x = await plan.solve(plan.denoiser(network), x, plan.grid({ steps: 4, stage }), { noise });
  }
  expect(x).toHaveLength(16 * height * width);
  for (const value of x) expect(value).toBeCloseTo(0.3, 4);
});

test('refuses planes that do not fit, and more opposition than four values can have', () => {
  const noise = noiseSource('philox', 0);
  expect(() => enterStage(new Float32Array(7), { height, width }, { sigma: 0.5, gamma: 0.2 }, noise)).toThrow(/2×3/);
  expect(() => stageWeights({ sigma: 0.5, gamma: 0.4 })).toThrow(/gamma lies in \(0, ⅓\]/);
});
