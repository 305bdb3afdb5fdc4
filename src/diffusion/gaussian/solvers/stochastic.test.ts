/** @file Stochastic solvers draw from the right distribution: on Gaussian data mean, variance and independence are known. */
import { describe, expect, it } from 'vitest';
import {
  cosineProcess,
  ddim,
  ddpm,
  dpmpp2sAncestral,
  dpmppSde,
  dpmSolver,
  erSde,
  eulerAncestral,
  flowEulerAncestral,
  type Grid,
  gaussianDenoiser,
  gaussianStd,
  heun,
  kdpm2Ancestral,
  lambdaOf,
  levelOf,
  noiseSource,
  pointAt,
  predictorCorrector,
  rectifiedFlow,
  rescaledScore,
  reverseSde,
  type Solver,
  type SolverOptions,
  saSolver,
  unitSignal,
} from '../index.ts';

const data = { mean: 0.7, std: 0.6 };
const process = cosineProcess();
const level = levelOf(process);
const unitLevel = (sigma: number) => unitSignal(level(sigma));
const samples = 10_000;

/** Steps equal in λ between two noisy points. */
const grid: Grid = (() => {
  const [first, last] = [lambdaOf(pointAt(process, 0.98)), lambdaOf(pointAt(process, 0.1))];
  return Array.from({ length: 321 }, (_, i) => level(Math.exp(-(first + ((last - first) * i) / 320))));
})();

/** Equal steps of a rectified flow, up to the same noise. */
const flow = rectifiedFlow();
const flowGrid: Grid = Array.from({ length: 401 }, (_, i) => pointAt(flow, 0.95 - (0.9 * i) / 400));
/** Equal steps of the cosine process's own time. */
const timeGrid: Grid = Array.from({ length: 1001 }, (_, i) => pointAt(process, 0.95 - (0.85 * i) / 1000));

type Run = (x: Float64Array, grid: Grid) => ReturnType<Solver>;
function run<O extends SolverOptions>(solver: Solver<O>, options: O): Run {
  const noise = noiseSource('philox', 6);
  return (x, points) => solver(gaussianDenoiser(data), x, points, { ...options, noise });
}

/** A draw of `x_t` itself at the first point. */
function start(points: Grid): Float64Array {
  const z = noiseSource('philox', 99)(samples, 0);
  const { alpha } = points[0]!;
  return Float64Array.from(z, (value) => alpha * data.mean + gaussianStd(data, points[0]!) * value);
}

const CASES: [string, Run, Grid][] = [
  ['DDPM fixed_small', run(ddpm, {}), grid],
  ['DDPM fixed_large', run(ddpm, { varianceType: 'fixed_large' }), grid],
  ['DDIM η = 1', run(ddim, { eta: 1 }), grid],
  ['DDIM η = 0.5', run(ddim, { eta: 0.5 }), grid],
  ['Euler ancestral', run(eulerAncestral, {}), grid.map(unitSignal)],
  ['Heun with churn', run(heun, { sChurn: 40, level: unitLevel }), grid.map(unitSignal)],
  ['KDPM2 ancestral', run(kdpm2Ancestral, { level }), grid],
  ['DPM++ 2S ancestral', run(dpmpp2sAncestral, { level: unitLevel }), grid.map(unitSignal)],
  ['DPM++ SDE', run(dpmppSde, { level: unitLevel }), grid.map(unitSignal)],
  ['DPM++ 2M SDE', run(dpmSolver, { algorithm: 'sde-dpmsolver++' }), grid],
  ['DPM++ 2M SDE, η = 0.4', run(dpmSolver, { algorithm: 'sde-dpmsolver++', eta: 0.4 }), grid],
  ['DPM++ 3M SDE', run(dpmSolver, { algorithm: 'sde-dpmsolver++', order: 3 }), grid],
  ['DPM-Solver 2M SDE', run(dpmSolver, { algorithm: 'sde-dpmsolver' }), grid],
  ['SA-Solver τ = 1', run(saSolver, {}), grid],
  ['SA-Solver τ = 0.6 on noise', run(saSolver, { kind: 'noise', tau: () => 0.6 }), grid],
  ['ER-SDE 3', run(erSde, {}), grid],
  ['Euler ancestral on a flow', run(flowEulerAncestral, {}), flowGrid],
  ['rescaled score at ratio 1', run(rescaledScore, { noiseRate: ({ alpha }) => 1 / (alpha + 0.1) }), flowGrid],
  ['reverse SDE', run(reverseSde, { process, denoise: false }), timeGrid],
  ['predictor-corrector', run(predictorCorrector, { snr: 0.05, denoise: false }), grid.map(unitSignal)],
];

describe('stochastic solvers', () => {
  it.each(CASES)('%s reaches the mean and the variance of the data', async (_name, solve, points) => {
    const x = await solve(start(points), points);
    const last = points[points.length - 1]!;
    const std = gaussianStd(data, last);
    const mean = Array.from(x).reduce((sum, value) => sum + value, 0) / samples;
    const centred = Array.from(x, (value) => (value - last.alpha * data.mean) / std);
    const variance = centred.reduce((sum, value) => sum + value ** 2, 0) / samples;
    const neighbours = centred.reduce((sum, value, i) => sum + value * (centred[i + 1] ?? 0), 0) / samples;
    const z = [
      ((mean - last.alpha * data.mean) / std) * Math.sqrt(samples),
      (variance - 1) * Math.sqrt(samples / 2),
      neighbours * Math.sqrt(samples),
    ];
    for (const score of z) expect(Math.abs(score)).toBeLessThan(4);
  });
});
