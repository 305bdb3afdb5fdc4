/** @file Solvers that choose their own steps: adaptive DPM-Solver and the probability-flow ODE by Dormand-Prince 5(4). */
import { ConfigError, EngineError } from '../../../tensor/index.ts';
import type { Denoiser } from '../denoiser.ts';
import { exponentialStep, midpointMoments, type Node } from '../exponential.ts';
import { lambdaOf, type Point } from '../process.ts';
import { assertMonotone, type Grid, type Solver } from '../solver.ts';
import { combine, type State, type Term } from '../state.ts';
import { pointBetween } from './dpm-stages.ts';
import { type LevelOptions, requireLevel } from './second-order.ts';

/** Tolerances of the step-size control. */
export interface AdaptiveOptions extends LevelOptions {
  readonly rtol?: number;
  readonly atol?: number;
  /** Gives up beyond this many network evaluations. */
  readonly maxEvaluations?: number;
}

/** Root-mean-square of the difference of two states in units of the tolerance. */
function scaledError(low: State, high: State, before: State, rtol: number, atol: number): number {
  let sum = 0;
  for (let i = 0; i < low.length; i++) {
    const scale = Math.max(atol, rtol * Math.max(Math.abs(low[i]!), Math.abs(before[i]!)));
    sum += ((low[i]! - high[i]!) / scale) ** 2;
  }
  return Math.sqrt(sum / low.length);
}

/** Ends of a grid that an adaptive solver may run between: σ must stay positive, since λ is infinite at clean data. */
function noisyEnds(grid: Grid): [Point, Point] {
  assertMonotone(grid);
  const [first, last] = [grid[0]!, grid[grid.length - 1]!];
  if (last.sigma === 0) {
    throw new ConfigError(
      'an adaptive solver ends at a positive noise level',
      'end the grid at the smallest trained level',
    );
  }
  return [first, last];
}

/** A trial step: two solutions of different order from the same evaluations. */
type Trial = (x: State, from: Point, to: Point, step: number) => Promise<{ low: State; high: State; x0: State }>;

/** Steps in λ with a proportional controller: accept below tolerance 1, scale by `error^(−1/order)`. */
async function controlledSteps(
  x: State,
  grid: Grid,
  order: number,
  perTrial: number,
  level: (sigma: number) => Point,
  { rtol = 0.05, atol = 0.0078, maxEvaluations = 1000, onStep, signal }: AdaptiveOptions,
  trial: Trial,
): Promise<State> {
  const [first, last] = noisyEnds(grid);
  const end = lambdaOf(last);
  let state = x;
  let point = first;
  let h = 0.05;
  let evaluations = 0;
  for (let step = 0; lambdaOf(point) < end - 1e-9; ) {
    signal?.throwIfAborted();
    if (evaluations + perTrial > maxEvaluations) {
      throw new EngineError(
        `the adaptive solver used ${evaluations} evaluations and stands at σ/α = ${point.sigma / point.alpha}`,
        { api: 'raise rtol and atol, or maxEvaluations' },
      );
    }
    const target = lambdaOf(point) + h;
    const to = target >= end - 1e-9 ? last : level(Math.exp(-target));
    const { low, high, x0 } = await trial(state, point, to, step);
    evaluations += perTrial;
    const error = scaledError(low, high, state, rtol, atol);
    if (!Number.isFinite(error)) {
      throw new EngineError(`the state is not finite at step ${step} (t = ${to.t})`, 'check the network output');
    }
    // I-controller with the usual limits on growth
    const factor = Math.min(5, Math.max(0.2, 0.9 * Math.max(error, 1e-10) ** (-1 / order)));
    if (error <= 1) {
      state = high;
      await onStep?.({ step, steps: Number.NaN, from: point, to, x: state, x0 });
      point = to;
      step++;
    }
    h *= factor;
  }
  return state;
}

/**
 * Adaptive DPM-Solver-12/23 (Lu et al. 2022, App. C; k-diffusion `dpm_adaptive`): the orders 2 and 3 (or 1 and 2) share
 * their evaluations, their difference sets the step. Deterministic; 3 (or 2) evaluations per trial. The grid gives the
 * first and last point; `onStep` reports `steps: NaN`.
 */
export const dpmAdaptive: Solver<AdaptiveOptions & { readonly order?: 2 | 3 }> = async (
  denoise,
  x,
  grid,
  { order = 3, ...options } = {},
) => {
  const level = requireLevel(options);
  return controlledSteps(x, grid, order, order, level, options, async (x, from, to, step) => {
    const first = await denoise(x, from, step);
    const start: Node = { lambda: lambdaOf(from), value: first.eps };
    const stage = async (r: number, nodes: readonly Node[]): Promise<Node> => {
      const point = pointBetween(from, to, r, level);
      const between = exponentialStep({ x, from, to: point, kind: 'noise', nodes });
      return { lambda: lambdaOf(point), value: (await denoise(between, point, step)).eps };
    };
    const finish = (nodes: readonly Node[], rule = midpointMoments) =>
      exponentialStep({ x, from, to, kind: 'noise', nodes, rule });
    if (order === 2) {
      const middle = await stage(1 / 2, [start]);
      return { low: finish([start]), high: finish([start, middle]), x0: first.x0 };
    }
    const third = await stage(1 / 3, [start]);
    const twoThirds = await stage(2 / 3, [start, third]);
    return {
      low: finish([start, third]),
      high: exponentialStep({ x, from, to, kind: 'noise', nodes: [start, twoThirds] }),
      x0: first.x0,
    };
  });
};

/** Nodes, stage weights and solution weights of Dormand & Prince 1980, 5(4). */
const DOPRI = {
  c: [0, 1 / 5, 3 / 10, 4 / 5, 8 / 9, 1, 1],
  a: [
    [],
    [1 / 5],
    [3 / 40, 9 / 40],
    [44 / 45, -56 / 15, 32 / 9],
    [19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729],
    [9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656],
    [35 / 384, 0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84],
  ],
  low: [5179 / 57600, 0, 7571 / 16695, 393 / 640, -92097 / 339200, 187 / 2100, 1 / 40],
} as const;

/**
 * The probability-flow ODE by adaptive Runge-Kutta 5(4) (Song et al. 2021, §4.3; RK45), integrated in λ in the frame of
 * unit signal, where `d(x/α)/dλ = −(σ/α)·ε̂`. Deterministic, 7 evaluations per trial step; the grid gives the ends.
 */
export const probabilityFlow: Solver<AdaptiveOptions> = async (denoise, x, grid, options = {}) => {
  const level = requireLevel(options);
  return controlledSteps(x, grid, 5, 7, level, { rtol: 1e-3, atol: 1e-3, ...options }, async (x, from, to, step) => {
    const [start, h] = [lambdaOf(from), lambdaOf(to) - lambdaOf(from)];
    const slopes: State[] = [];
    let x0: State = x;
    const advance = (weights: readonly number[], point: Point): State =>
      combine(
        [point.alpha / from.alpha, x],
        ...slopes.map((slope, k): Term => [point.alpha * h * (weights[k] ?? 0), slope]),
      );
    let high = x;
    for (let stage = 0; stage < 7; stage++) {
      const c = DOPRI.c[stage]!;
      const point = c === 0 ? from : c === 1 ? to : level(Math.exp(-(start + c * h)));
      high = advance(DOPRI.a[stage]!, point);
      const prediction = await slopeAt(denoise, high, point, step);
      slopes.push(prediction.slope);
      if (stage === 0) x0 = prediction.x0;
    }
    return { low: advance(DOPRI.low, to), high, x0 };
  });
};

async function slopeAt(denoise: Denoiser, x: State, point: Point, step: number): Promise<{ slope: State; x0: State }> {
  const { eps, x0 } = await denoise(x, point, step);
  return { slope: combine([-point.sigma / point.alpha, eps]), x0 };
}
