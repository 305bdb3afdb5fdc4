/** @file A grid searched on the user's own model: dynamic programming over a teacher trajectory (after GITS, Chen et al. 2024). */
import { ConfigError } from '../../../tensor/index.ts';
import type { Denoiser } from '../denoiser.ts';
import type { Point } from '../process.ts';
import type { Grid, Solver } from '../solver.ts';
import { combine, type State } from '../state.ts';
import { assertSteps } from './timesteps.ts';

/** A finely solved trajectory: states and predictions at every point. */
export interface Teacher {
  readonly grid: Grid;
  readonly states: readonly State[];
  /** x̂₀ and ε̂ at every point but the last. */
  readonly predictions: readonly { readonly x0: State; readonly eps: State }[];
}

/** Solves `grid` finely with `solver` and keeps everything: `grid.length − 1` or more evaluations, once. */
export async function teacherTrajectory(solver: Solver, denoise: Denoiser, x: State, grid: Grid): Promise<Teacher> {
  const states: State[] = [x];
  const predictions: { x0: State; eps: State }[] = [];
  await solver(denoise, x, grid, { onStep: (event) => void states.push(event.x) });
  // one prediction per state, on the trajectory itself, whatever stages the solver used
  for (const [i, point] of grid.slice(0, -1).entries()) predictions.push(await denoise(states[i]!, point, i));
  return { grid, states, predictions };
}

/** Options of the search. */
export interface SearchOptions {
  /** Steps of the grid to find. */
  readonly steps: number;
  /** Weight of a step's cost per step that follows: below 1 where the flow contracts, so that early errors fade. */
  readonly discount?: number;
  /** Cost of jumping from point i to point j; the deviation of one first-order step by default. */
  readonly cost?: ((teacher: Teacher, from: number, to: number) => number) | undefined;
}

/** Root-mean-square distance of one first-order step i → j from the teacher's state at j, in the frame of unit variance. */
export function jumpCost({ grid, states, predictions }: Teacher, from: number, to: number): number {
  const target: Point = grid[to]!;
  const { x0, eps } = predictions[from]!;
  const jumped = combine([target.alpha, x0], [target.sigma, eps], [-1, states[to]!]);
  let squares = 0;
  for (const value of jumped) squares += value ** 2;
  return Math.sqrt(squares / jumped.length) / Math.hypot(target.alpha, target.sigma);
}

/**
 * The `steps`-step subset of the teacher's grid with the least total cost, both ends kept: exact, by dynamic programming
 * in O(n²·steps) after n²/2 cheap jump costs and no further network evaluation. Throws `ConfigError` when the teacher
 * has fewer steps than asked for.
 */
export function searchGrid(teacher: Teacher, { steps, discount = 1, cost = jumpCost }: SearchOptions): Grid {
  assertSteps(steps);
  const n = teacher.grid.length - 1;
  if (steps > n) {
    throw new ConfigError(
      `the teacher has ${n} steps, fewer than the ${steps} asked for`,
      'solve the teacher on a finer grid',
    );
  }
  const jump = Array.from({ length: n + 1 }, (_, i) =>
    Array.from({ length: n + 1 }, (_, j) => (j > i ? cost(teacher, i, j) : Number.POSITIVE_INFINITY)),
  );
  // best[k][j]: least cost of reaching point j in k steps; via[k][j]: where the last step came from
  let best = Array.from({ length: n + 1 }, (_, j) => (j === 0 ? 0 : Number.POSITIVE_INFINITY));
  const via: number[][] = [];
  for (let k = 0; k < steps; k++) {
    const next = new Array<number>(n + 1).fill(Number.POSITIVE_INFINITY);
    const from = new Array<number>(n + 1).fill(0);
    for (let j = 1; j <= n; j++) {
      for (let i = 0; i < j; i++) {
        const total = discount * best[i]! + jump[i]![j]!;
        if (total < next[j]!) [next[j], from[j]] = [total, i];
      }
    }
    best = next;
    via.push(from);
  }
  const path = [n];
  for (let k = steps - 1; k >= 0; k--) path.unshift(via[k]![path[0]!]!);
  return path.map((index) => teacher.grid[index]!);
}

/** Options of the refinement. */
export interface RefineOptions {
  /** Grids to start from, e.g. the searched one and the usual fixed ones; all of one length. */
  readonly starts: readonly Grid[];
  /** Points a grid may use, descending: the teacher's grid. */
  readonly candidates: Grid;
  /** Sweeps over the inner points. */
  readonly rounds?: number;
}

/**
 * Coordinate descent on the true error of a grid: every inner point is moved to neighbouring candidates while `error`
 * (say, the distance of a run's result to the teacher's) falls. Costs some dozens of runs, once per model; the result is
 * never worse than the best start snapped to the candidates.
 */
export async function refineGrid(
  error: (grid: Grid) => Promise<number>,
  { starts, candidates, rounds = 3 }: RefineOptions,
): Promise<{ grid: Grid; error: number }> {
  const toGrid = (path: readonly number[]): Grid => path.map((index) => candidates[index]!);
  const measured = new Map<string, number>();
  const measure = async (path: readonly number[]): Promise<number> => {
    const key = path.join();
    const known = measured.get(key);
    if (known !== undefined) return known;
    const value = await error(toGrid(path));
    measured.set(key, value);
    return value;
  };
  let best: number[] = [];
  let least = Number.POSITIVE_INFINITY;
  for (const start of starts) {
    const path = snap(start, candidates);
    const value = await measure(path);
    if (value < least) [best, least] = [path, value];
  }
  if (best.length === 0) throw new ConfigError('no grid to start the refinement from gives a finite error');
  for (let round = 0; round < rounds; round++) {
    const before = least;
    for (let i = 1; i + 1 < best.length; i++) {
      for (const stride of [4, 2, 1]) {
        for (const move of [-stride, stride]) {
          const moved = best.with(i, best[i]! + move);
          if (moved[i]! <= moved[i - 1]! || moved[i]! >= moved[i + 1]!) continue;
          const value = await measure(moved);
          if (value < least) [best, least] = [moved, value];
        }
      }
    }
    if (least === before) break;
  }
  return { grid: toGrid(best), error: least };
}

/** Indices of the candidates nearest in angle (arctan σ/α) to the points of `grid`, strictly increasing, both ends kept. */
function snap(grid: Grid, candidates: Grid): number[] {
  const last = candidates.length - 1;
  if (grid.length > candidates.length) {
    throw new ConfigError(`${grid.length} points do not fit on ${candidates.length} candidates`, 'use a finer teacher');
  }
  const position = ({ alpha, sigma }: Point): number => Math.atan2(sigma, alpha);
  let previous = -1;
  return grid.map((point, i) => {
    if (i === grid.length - 1) return last;
    if (i === 0) {
      previous = 0;
      return 0;
    }
    let nearest = previous + 1;
    // leave one candidate for every point still to come
    for (let j = nearest; j <= last - (grid.length - 1 - i); j++) {
      const better = Math.abs(position(candidates[j]!) - position(point));
      if (better < Math.abs(position(candidates[nearest]!) - position(point))) nearest = j;
    }
    previous = nearest;
    return nearest;
  });
}
