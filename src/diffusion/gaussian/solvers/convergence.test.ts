/** @file Order of convergence: on Gaussian data the exact trajectory is known, and the error falls as the order promises. */
import { describe, expect, it } from 'vitest';
import {
  cosineProcess,
  ddim,
  deis,
  dpmFast,
  dpmpp2sAncestral,
  dpmSinglestep,
  dpmSolver,
  erSde,
  euler,
  type Grid,
  gaussianDenoiser,
  gaussianFlow,
  heun,
  ipndm,
  kdpm2,
  lambdaOf,
  levelOf,
  lms,
  noiseSource,
  type Process,
  pndm,
  pointAt,
  rectifiedFlow,
  resSinglestep,
  type Solver,
  type SolverOptions,
  saSolver,
  unipc,
  unitSignal,
} from '../index.ts';

const data = { mean: 0.7, std: 0.6 };
const process = cosineProcess();
const level = levelOf(process);
const [noisy, clean] = [pointAt(process, 0.85), pointAt(process, 0.15)];

/**
 * Steps of λ that start at h² and double until they reach h: the lower orders that a multistep method starts with then
 * cost no more than its own error.
 */
function rampedGrid(steps: number): Grid {
  const [first, last] = [lambdaOf(noisy), lambdaOf(clean)];
  const h = (last - first) / steps;
  const lambdas = [first];
  for (let step = h ** 2 / 8; lambdas[lambdas.length - 1]! + step < last - 1e-9; step = Math.min(h, 1.5 * step)) {
    lambdas.push(lambdas[lambdas.length - 1]! + step);
  }
  return [...lambdas.map((lambda) => level(Math.exp(-lambda))), clean];
}

/** Equal steps of time. */
function timeGrid(steps: number, of: Process = process): Grid {
  return Array.from({ length: steps + 1 }, (_, i) => pointAt(of, (0.85 - (0.7 * i) / steps) * of.end));
}

/** Equal steps of λ. */
function lambdaGrid(steps: number): Grid {
  const [first, last] = [lambdaOf(noisy), lambdaOf(clean)];
  return Array.from({ length: steps + 1 }, (_, i) => level(Math.exp(-(first + ((last - first) * i) / steps))));
}

type Run = (grid: Grid) => ReturnType<Solver>;
const x0 = Float64Array.from([1.3, -0.4, 0.2]);

function run<O extends SolverOptions>(solver: Solver<O>, options: O): Run {
  return (grid) => solver(gaussianDenoiser(data), x0, grid, options);
}

/** Least-squares slope of log error against log steps. */
async function order(solve: Run, gridOf: (steps: number) => Grid, counts: readonly number[]): Promise<number> {
  const points = await Promise.all(
    counts.map(async (steps) => {
      const grid = gridOf(steps);
      const exact = gaussianFlow(x0, grid[0]!, grid[grid.length - 1]!, data);
      const x = await solve(grid);
      const error = Math.hypot(...Array.from(exact, (value, i) => value - x[i]!));
      return [Math.log(steps), Math.log(error)] as const;
    }),
  );
  const [mx, my] = [0, 1].map((k) => points.reduce((sum, point) => sum + point[k]!, 0) / points.length) as [
    number,
    number,
  ];
  const covariance = points.reduce((sum, [x, y]) => sum + (x - mx) * (y - my), 0);
  return -covariance / points.reduce((sum, [x]) => sum + (x - mx) ** 2, 0);
}

const noise = noiseSource('philox', 0);
const unitGrid = (steps: number): Grid => rampedGrid(steps).map(unitSignal);

const CASES: [name: string, promised: number, solve: Run, grid: (steps: number) => Grid][] = [
  ['DDIM', 1, run(ddim, {}), lambdaGrid],
  ['Euler on unit signal', 1, run(euler, {}), unitGrid],
  ['Euler on rectified flow', 1, run(euler, {}), (n) => timeGrid(n, rectifiedFlow({ scale: 1000 }))],
  ['Heun on unit signal', 2, run(heun, {}), unitGrid],
  ['Heun on rectified flow', 2, run(heun, {}), (n) => timeGrid(n, rectifiedFlow())],
  ['Heun on a variance-preserving grid', 2, run(heun, {}), timeGrid],
  ['KDPM2', 2, run(kdpm2, { level }), lambdaGrid],
  ['DPM-Solver-1', 1, run(dpmSolver, { order: 1, algorithm: 'dpmsolver', lowerOrderFinal: false }), lambdaGrid],
  ['DPM++ 2M midpoint', 2, run(dpmSolver, { lowerOrderFinal: false }), lambdaGrid],
  ['DPM++ 2M heun', 2, run(dpmSolver, { solverType: 'heun', lowerOrderFinal: false }), lambdaGrid],
  ['DPM-Solver 2M', 2, run(dpmSolver, { algorithm: 'dpmsolver', lowerOrderFinal: false }), lambdaGrid],
  ['DPM++ 3M as published', 2, run(dpmSolver, { order: 3, lowerOrderFinal: false }), rampedGrid],
  ['DPM++ 3M exact', 3, run(dpmSolver, { order: 3, solverType: 'exact', lowerOrderFinal: false }), rampedGrid],
  ['DPM++ 2S', 2, run(dpmSinglestep, { lowerOrderFinal: false }), lambdaGrid],
  ['DPM++ 3S', 3, run(dpmSinglestep, { order: 3, lowerOrderFinal: false }), lambdaGrid],
  ['DPM++ 3S heun', 3, run(dpmSinglestep, { order: 3, solverType: 'heun', lowerOrderFinal: false }), lambdaGrid],
  ['DPM-Solver 3S', 3, run(dpmSinglestep, { order: 3, algorithm: 'dpmsolver', lowerOrderFinal: false }), lambdaGrid],
  ['DPM++ 2S ancestral, η = 0', 2, run(dpmpp2sAncestral, { level, eta: 0 }), lambdaGrid],
  ['RES 2S', 2, run(resSinglestep, { level }), lambdaGrid],
  ['RES 2M', 2, run(dpmSolver, { solverType: 'exact', lowerOrderFinal: false }), lambdaGrid],
  ['UniPC-1', 2, run(unipc, { order: 1, lowerOrderFinal: false }), lambdaGrid],
  ['UniPC-2', 3, run(unipc, { order: 2, lowerOrderFinal: false }), rampedGrid],
  ['UniPC-2 bh1', 3, run(unipc, { order: 2, type: 'bh1', lowerOrderFinal: false }), rampedGrid],
  ['UniPC-3', 4, run(unipc, { order: 3, lowerOrderFinal: false }), rampedGrid],
  ['UniPC-2 on noise', 3, run(unipc, { order: 2, kind: 'noise', lowerOrderFinal: false }), rampedGrid],
  ['DEIS 2', 2, run(deis, { order: 2, lowerOrderFinal: false }), lambdaGrid],
  ['DEIS 3', 3, run(deis, { order: 3, lowerOrderFinal: false }), rampedGrid],
  ['DEIS 4', 4, run(deis, { order: 4, lowerOrderFinal: false }), rampedGrid],
  ['SA-Solver, τ = 0', 2, run(saSolver, { tau: () => 0, noise, lowerOrderFinal: false }), lambdaGrid],
  ['LMS 2', 2, run(lms, { order: 2 }), unitGrid],
  ['LMS 3', 3, run(lms, { order: 3 }), unitGrid],
  ['LMS 4', 4, run(lms, { order: 4 }), unitGrid],
  ['PLMS', 2, run(pndm, {}), timeGrid],
  ['iPNDM', 2, run(ipndm, {}), timeGrid],
  ['ER-SDE 1 as ODE', 1, run(erSde, { order: 1, noiseScale: (s) => s, sNoise: 0 }), lambdaGrid],
  ['ER-SDE 2 as ODE', 2, run(erSde, { order: 2, noiseScale: (s) => s, sNoise: 0 }), lambdaGrid],
];

describe('order of convergence', () => {
  it.each(CASES)('%s is of order %d', async (_name, promised, solve, gridOf) => {
    const slope = await order(solve, gridOf, [48, 96, 192, 384]);
    expect(slope).toBeGreaterThan(promised - 0.15);
    expect(slope).toBeLessThan(promised + 0.6);
  });

  it.each([
    ['UniPC-2', run(unipc, {})],
    ['UniPC-3', run(unipc, { order: 3 })],
    ['DPM++ 2M', run(dpmSolver, {})],
    ['DPM++ 3M exact', run(dpmSolver, { order: 3, solverType: 'exact' })],
  ])('%s starts in pure noise, where λ is infinite', async (_name, solve) => {
    const flow = rectifiedFlow();
    const grid = Array.from({ length: 65 }, (_, i) => pointAt(flow, 1 - (0.95 * i) / 64));
    const exact = gaussianFlow(x0, grid[0]!, grid[64]!, data);
    const x = await solve(grid);
    expect(Math.hypot(...Array.from(exact, (value, i) => value - x[i]!))).toBeLessThan(0.02);
  });

  it('spends its evaluations in the orders of DPM fast', async () => {
    const errors: number[] = [];
    for (const evaluations of [9, 18, 36]) {
      const x = await dpmFast(gaussianDenoiser(data), x0, [noisy, clean], { level, evaluations });
      const exact = gaussianFlow(x0, noisy, clean, data);
      errors.push(Math.max(...Array.from(exact, (value, i) => Math.abs(value - x[i]!))));
    }
    // the closing orders 2 and 1 leave an overall order of 2
    expect(errors[0]! / errors[1]!).toBeGreaterThan(3);
    expect(errors[1]! / errors[2]!).toBeGreaterThan(3);
  });
});
