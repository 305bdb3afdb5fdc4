/** @file A grid searched on the user's own model: dynamic programming over a teacher trajectory (GITS, Chen et al. 2024), then descent. */
import { ConfigError } from '../../../tensor/index.ts';
import type { Denoiser, Prediction } from '../denoiser.ts';
import type { Point } from '../process.ts';
import type { Grid, Solver } from '../solver.ts';
import { combine, type State } from '../state.ts';
import { gridOf, snap } from './snapping.ts';
import { assertSteps } from './timesteps.ts';

/** A finely solved trajectory: states and predictions at every point. */
export interface Teacher {
  readonly grid: Grid;
  readonly states: readonly State[];
  /** x̂₀ and ε̂ at every point but the last. */
  readonly predictions: readonly { readonly x0: State; readonly eps: State }[];
}

/** Solves `grid` finely with `solver` and keeps everything, at no evaluation beyond those of the solver. */
export async function teacherTrajectory(solver: Solver, denoise: Denoiser, x: State, grid: Grid): Promise<Teacher> {
  const states: State[] = [x];
  const predictions: Prediction[] = [];
  // every solver asks first where its step begins, whatever stages follow
  const recorded: Denoiser = async (state, point, step) => {
    const prediction = await denoise(state, point, step);
    predictions[step] ??= prediction;
    return prediction;
  };
  await solver(recorded, x, grid, { onStep: (event) => void states.push(event.x) });
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
  /** Points a grid may use, descending, ending where every grid ends: e.g. all training times and clean data. */
  readonly candidates: Grid;
  /** Most evaluations of `error` after those of the starts. Default 12 per step. */
  readonly budget?: number;
  /** Fractions of the way to its neighbour that a point is moved by, one after the other. Default 1/2, 1/4, 1/8, 1/16. */
  readonly fractions?: readonly number[];
}

/**
 * Coordinate descent on the true error of a grid: every point but the last is moved a fraction of the way to one of its
 * neighbours while `error` (say, the distance of a run's result to the teacher's) falls. The first point moves too: a
 * step out of levels where the data leaves no trace is a step lost. Never worse than the best start, snapped to the
 * candidates. Throws `ConfigError` when no start has a finite error.
 */
export async function refineGrid(
  error: (grid: Grid) => Promise<number>,
  {
    starts,
    candidates,
    budget = 12 * ((starts[0]?.length ?? 1) - 1),
    fractions = [1 / 2, 1 / 4, 1 / 8, 1 / 16],
  }: RefineOptions,
): Promise<{ grid: Grid; error: number }> {
  const measured = new Map<string, number>();
  const measure = async (path: readonly number[]): Promise<number> => {
    const key = path.join();
    const value = measured.get(key) ?? (await error(gridOf(path, candidates)));
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
  const most = measured.size + budget;
  for (const fraction of fractions) {
    // a second sweep where the first one gained more than a hundredth
    for (let sweep = 0, before = Number.POSITIVE_INFINITY; sweep < 2 && least < 0.99 * before; sweep++) {
      before = least;
      for (let i = 0; i + 1 < best.length; i++) {
        for (const neighbour of [best[i - 1] ?? -1, best[i + 1]!]) {
          const to = Math.round(best[i]! + fraction * (neighbour - best[i]!));
          if (to === best[i] || to === neighbour || measured.size >= most) continue;
          const moved = best.with(i, to);
          const value = await measure(moved);
          if (!(value < least)) continue;
          [best, least] = [moved, value];
          break;
        }
      }
    }
  }
  return { grid: gridOf(best, candidates), error: least };
}
