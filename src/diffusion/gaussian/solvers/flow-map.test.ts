import { expect, test } from 'vitest';
import {
  type Denoiser,
  denoiser,
  flowMap,
  gaussianFlow,
  type Network,
  type Point,
  pointAt,
  policyRollout,
  policyWeights,
  rectifiedFlow,
  rescaledScore,
  temporalRatio,
} from '../index.ts';

const process = rectifiedFlow();
const data = { mean: 0.4, std: 0.5 };
const x = Float64Array.of(1.2, -0.7, 0.1, 0.5);
const at = (t: number) => pointAt(process, t);

test('a perfect flow map is exact in one step or many', async () => {
  // the mean velocity between t and its target, along the exact trajectory
  const network: Network = (state, point: Point) => {
    const end = gaussianFlow(state, point, at(point.target!), data);
    return state.map((value: number, i: number) => (value - end[i]!) / (point.t - point.target!)) as Float64Array;
  };
  const exact = gaussianFlow(x, at(0.9), at(0), data);
  for (const times of [
    [0.9, 0],
    [0.9, 0.6, 0.5, 0],
  ]) {
    const y = await flowMap(denoiser(network, { prediction: 'flow_prediction' }), x, times.map(at));
    y.forEach((value, i) => void expect(value).toBeCloseTo(exact[i]!, 12));
  }
});

test('a policy keeps to the line of a single estimate', () => {
  // a constant x̂₀ integrates to (σ'/σ)·x + (1 − σ'/σ)·x̂₀ in any number of substeps
  const { onX, onX0 } = policyWeights(at(0.8), at(0.5), 4, { shift: 3, substeps: 40 });
  expect(onX).toBeCloseTo(0.5 / 0.8, 12);
  expect(onX0.reduce((sum, weight) => sum + weight, onX)).toBeCloseTo(1, 12);
});

test('a policy of good estimates follows the exact flow from one evaluation', async () => {
  const [from, to] = [at(0.9), at(0.3)];
  // x̂₀ along the exact trajectory, at the sub-times of the segment from its end to its start
  const several = Array.from({ length: 60 }, (_, k) => {
    const point = at(0.3 + (0.6 * k) / 59);
    const there = gaussianFlow(x, from, point, data);
    const gain = (point.alpha * data.std ** 2) / ((point.alpha * data.std) ** 2 + point.sigma ** 2);
    return there.map((value: number) => data.mean + gain * (value - point.alpha * data.mean)) as Float64Array;
  });
  const denoise: Denoiser = () => ({ x0: several[0]!, eps: x, several });
  const y = await policyRollout(denoise, x, [from, to], { substeps: 4000 });
  const exact = gaussianFlow(x, from, to, data);
  y.forEach((value, i) => void expect(value).toBeCloseTo(exact[i]!, 3));
});

test('a policy needs several estimates, and a network that makes them', async () => {
  const grid = [at(0.9), at(0)];
  const single = denoiser((state) => state, { prediction: 'flow_prediction' });
  await expect(policyRollout(single, x, grid)).rejects.toThrow(/at least two predictions/);
  const several = { count: 3, lastAxis: 2 };
  const short = denoiser((state) => state, { prediction: 'flow_prediction', several });
  await expect(policyRollout(short, x, grid)).rejects.toThrow(/its last axis is 3 times as long/);
});

test('reads predictions that follow one another along the last axis', async () => {
  const network: Network = () => Float64Array.of(1, 2, 10, 20, 3, 4, 30, 40);
  const denoise = denoiser(network, { prediction: 'sample', several: { count: 2, lastAxis: 2 } });
  const { several } = await denoise(x, at(0.5), 0);
  expect(several!.map((estimate) => Array.from(estimate))).toEqual([
    [1, 2, 3, 4],
    [10, 20, 30, 40],
  ]);
});

test('a rescaled score samples at the temperature asked for', async () => {
  // exact for centred Gaussian data of the width told: the variance falls to std²/k
  const [k, std] = [4, 0.5];
  const grid = Array.from({ length: 2001 }, (_, i) => at(0.999 * (1 - i / 2000) + 1e-4));
  const denoise: Denoiser = (state, point) => {
    const scale = 1 / ((point.alpha * std) ** 2 + point.sigma ** 2);
    const x0 = state.map((value: number) => point.alpha * std ** 2 * scale * value) as Float64Array;
    return { x0, eps: state.map((value: number) => point.sigma * scale * value) as Float64Array };
  };
  const y = await rescaledScore(denoise, x, grid, { ratio: (point) => temporalRatio(point, k, std) });
  // the flow of the cooler law maps x to x·std/√k
  y.forEach((value, i) => void expect(Math.abs(value - (x[i]! * std) / Math.sqrt(k))).toBeLessThan(5e-3));
});

test('holds what is not emitted at zero', async () => {
  const mask = Float32Array.of(1, 0, 1, 0);
  const denoise: Denoiser = (state) => ({ x0: state, eps: state });
  const y = await rescaledScore(denoise, x, [at(0.5), at(0.2)], { emitMask: mask });
  expect(y[0]).not.toBe(0);
  expect([y[1], y[3]].map((value) => Math.abs(value!))).toEqual([0, 0]);
  await expect(async () => rescaledScore(denoise, x, [at(0.5), at(0.2)], { emitMask: mask.slice(1) })).rejects.toThrow(
    /emitMask has 3 elements/,
  );
});
