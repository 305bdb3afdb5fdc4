/** @file Solvers with evaluations between grid points: DPM++ 2S ancestral, DPM++ SDE, RES 2S, DPM-Solver fast. */
import { ConfigError } from '../../../tensor/index.ts';
import type { Denoiser, Prediction } from '../denoiser.ts';
import {
  exactMoments,
  exponentialStep,
  type MomentRule,
  midpointMoments,
  type Node,
  type PredictionKind,
} from '../exponential.ts';
import { lambdaOf, type Point } from '../process.ts';
import { drawNoise, eachStep, type Solver } from '../solver.ts';
import { combine, type State } from '../state.ts';
import { ddimVariance } from './ddim.ts';
import type { AncestralOptions } from './euler.ts';
import { type LevelOptions, requireLevel } from './second-order.ts';

/** The point a fraction `r` of the way from `from` to `to` in λ. */
export function pointBetween(from: Point, to: Point, r: number, level: (sigma: number) => Point): Point {
  return level(Math.exp(-((1 - r) * lambdaOf(from) + r * lambdaOf(to))));
}

const pick = (kind: PredictionKind, prediction: Prediction): State =>
  kind === 'data' ? prediction.x0 : prediction.eps;

/** How many evaluations a singlestep DPM step makes, and on what. */
interface StageOptions {
  readonly order: number;
  readonly kind: PredictionKind;
  readonly rule: MomentRule;
  readonly level: (sigma: number) => Point;
  readonly step: number;
}

/**
 * One singlestep DPM-Solver step of order 1-3 from `from` to `to`, given the prediction at `from`
 * (Lu et al. 2022, Algorithms 1-2 with r₁ = ½, or r₁ = ⅓ and r₂ = ⅔).
 */
export async function dpmStages(
  denoise: Denoiser,
  x: State,
  from: Point,
  to: Point,
  first: Prediction,
  { order, kind, rule, level, step }: StageOptions,
): Promise<State> {
  const start: Node = { lambda: lambdaOf(from), value: pick(kind, first) };
  if (order === 1) return exponentialStep({ x, from, to, kind, nodes: [start] });
  const evaluateAt = async (r: number, nodes: readonly Node[]): Promise<Node> => {
    const point = pointBetween(from, to, r, level);
    const between = exponentialStep({ x, from, to: point, kind, nodes });
    return { lambda: lambdaOf(point), value: pick(kind, await denoise(between, point, step)) };
  };
  if (order === 2) {
    const middle = await evaluateAt(1 / 2, [start]);
    return exponentialStep({ x, from, to, kind, nodes: [start, middle], rule });
  }
  const third = await evaluateAt(1 / 3, [start]);
  const twoThirds = await evaluateAt(2 / 3, [start, third]);
  return exponentialStep({ x, from, to, kind, nodes: [start, twoThirds] });
}

/** Lower level σ_down of an ancestral step, as a point, and the variance that leads back to `to`. */
function ancestralTarget(from: Point, to: Point, eta: number): { down: Point; variance: number } {
  const variance = ddimVariance(from, to, eta);
  return { down: { ...to, sigma: Math.sqrt(Math.max(to.sigma ** 2 - variance, 0)) }, variance };
}

/**
 * DPM++ 2S ancestral (k-diffusion): a second-order singlestep DPM-Solver++ step down to σ_down, then noise.
 * Stochastic for η > 0, two evaluations per step, one into clean data.
 */
export const dpmpp2sAncestral: Solver<LevelOptions & AncestralOptions> = (
  denoise,
  x,
  grid,
  { eta = 1, ...options } = {},
) => {
  const level = requireLevel(options);
  return eachStep(x, grid, options, async (x, from, to, step) => {
    const first = await denoise(x, from, step);
    const { down, variance } = ancestralTarget(from, to, eta);
    const order = down.sigma === 0 ? 1 : 2;
    const stepped = await dpmStages(denoise, x, from, down, first, {
      order,
      kind: 'data',
      rule: midpointMoments,
      level,
      step,
    });
    if (variance === 0) return { x: stepped, prediction: first };
    return { x: combine([1, stepped], [Math.sqrt(variance), drawNoise(options.noise, x, step)]), prediction: first };
  });
};

/**
 * DPM++ SDE (k-diffusion `dpmpp_sde`): both stages are ancestral, and their noise is one Brownian path, so that the
 * second stage's noise contains the first's. Stochastic, two evaluations per step, one into clean data.
 */
export const dpmppSde: Solver<LevelOptions & AncestralOptions> = (denoise, x, grid, { eta = 1, ...options } = {}) => {
  const level = requireLevel(options);
  return eachStep(x, grid, options, async (x, from, to, step) => {
    const first = await denoise(x, from, step);
    if (to.sigma === 0) return { x: combine([to.alpha, first.x0], [to.sigma, first.eps]), prediction: first };
    const middle = pointBetween(from, to, 1 / 2, level);
    const early = drawNoise(options.noise, x, step);
    const late = drawNoise(options.noise, x, step);
    // Brownian increments over σ: [σ_mid, σ_from] and [σ_to, σ_mid]
    const ratio = (point: Point) => point.sigma / point.alpha;
    const share = Math.sqrt((ratio(from) - ratio(middle)) / (ratio(from) - ratio(to)));
    const whole = combine([share, early], [Math.sqrt(1 - share ** 2), late]);
    const ancestral = (target: Point, value: State, noise: State): State => {
      const { down, variance } = ancestralTarget(from, target, eta);
      const nodes = [{ lambda: lambdaOf(from), value }];
      return combine([1, exponentialStep({ x, from, to: down, kind: 'data', nodes })], [Math.sqrt(variance), noise]);
    };
    const second = await denoise(ancestral(middle, first.x0, early), middle, step);
    return { x: ancestral(to, second.x0, whole), prediction: first };
  });
};

/**
 * RES 2S, the refined exponential solver (Zhang et al. 2023, c₂ = ½): a stage at half the step, then weights exact to
 * second order. Two evaluations per step, one into clean data; deterministic. Its multistep sibling RES 2M is
 * `dpmSolver` with `solverType: 'exact'`.
 */
export const resSinglestep: Solver<LevelOptions> = (denoise, x, grid, options = {}) => {
  const level = requireLevel(options);
  return eachStep(x, grid, options, async (x, from, to, step) => {
    const first = await denoise(x, from, step);
    const order = to.sigma === 0 ? 1 : 2;
    const stages = { order, kind: 'data', rule: exactMoments, level, step } as const;
    return { x: await dpmStages(denoise, x, from, to, first, stages), prediction: first };
  });
};

/** DPM-Solver fast's own options. */
export interface DpmFastOptions extends LevelOptions, AncestralOptions {
  /** Network evaluations to spend in all; the grid gives only its first and last point. */
  readonly evaluations: number;
}

/** Orders that spend `evaluations`: as many 3s as fit, closed by 2 and 1 (Lu et al. 2022, §3.4). */
export function fastOrders(evaluations: number): number[] {
  if (!Number.isInteger(evaluations) || evaluations < 1) {
    throw new ConfigError(`evaluations is a positive integer, got ${evaluations}`);
  }
  if (evaluations < 3) return [evaluations];
  const blocks = Math.floor(evaluations / 3) + 1;
  const threes = (count: number) => new Array<number>(count).fill(3);
  return evaluations % 3 === 0 ? [...threes(blocks - 2), 2, 1] : [...threes(blocks - 1), evaluations % 3];
}

/**
 * DPM-Solver-fast (k-diffusion `dpm_fast`): singlestep orders 3, …, 3, 2, 1 on steps equal in λ, on ε̂.
 * The grid's last point must be noisy (σ > 0). Deterministic for η = 0.
 */
export const dpmFast: Solver<DpmFastOptions> = (denoise, x, grid, options) => {
  if (options === undefined)
    throw new ConfigError('DPM fast needs the number of evaluations', { api: 'pass { evaluations: 20 }' });
  const { evaluations, eta = 0 } = options;
  const level = requireLevel(options);
  const [first, last] = [grid[0], grid[grid.length - 1]];
  if (first === undefined || last === undefined || last.sigma === 0) {
    throw new ConfigError('DPM fast ends at a positive noise level', 'end the grid at the smallest trained level');
  }
  const orders = fastOrders(evaluations);
  const times = orders.map((_, i) => (i === 0 ? first : pointBetween(first, last, i / orders.length, level)));
  return eachStep(x, [...times, last], options, async (x, from, to, step) => {
    const prediction = await denoise(x, from, step);
    const { down, variance } = ancestralTarget(from, to, step === orders.length - 1 ? 0 : eta);
    const stages = { order: orders[step]!, kind: 'noise', rule: midpointMoments, level, step } as const;
    const stepped = await dpmStages(denoise, x, from, down, prediction, stages);
    if (variance === 0) return { x: stepped, prediction };
    return { x: combine([1, stepped], [Math.sqrt(variance), drawNoise(options.noise, x, step)]), prediction };
  });
};
