/** @file A grid fitted to a target by least squares: Levenberg-Marquardt on where the solver ends (Marquardt 1963). */
import type { Grid } from '../solver.ts';
import type { State } from '../state.ts';
import { gridOf, snap } from './snapping.ts';

/** Options of the fit. */
export interface FitOptions {
  /** Where the fit begins. */
  readonly start: Grid;
  /** Points a grid may use, descending, ending where every grid ends. */
  readonly candidates: Grid;
  /** Where runs should end: as many elements as a run has. */
  readonly target: State;
  /** Most runs to make. */
  readonly budget: number;
}

/** What the fit found. */
export interface FittedGrid {
  readonly grid: Grid;
  /** Mean squared distance of its end from the target. */
  readonly error: number;
  readonly runs: number;
}

/** Part of the way to its neighbour that a point is moved by to measure its derivative. */
const PROBE = 0.1;

/** Most of the way to its neighbour that a point goes in one iteration: two that meet stay apart. */
const REACH = 0.45;

/** Damping tried after that of the last gain, times the one before. */
const DAMPING_STEP = 10;
const DAMPING_TRIES = 4;

/** Iterations end when one gains less than this share of the error. */
const LEAST_GAIN = 0.01;

/**
 * Moves the points of `start`, all but the last, so that `run(grid)` ends nearest to `target` in the mean square. Every
 * iteration moves each point a little for the derivatives J of the end, then solves `(JᵀJ + μ·diag JᵀJ)·δ = −Jᵀr`; μ grows
 * until the error falls. All elements of all samples guide the few times, so that far fewer runs are needed than by
 * trying moves, and chance has less to fit. Never worse than the start, snapped to the candidates.
 */
export async function fitGrid(
  run: (grid: Grid) => Promise<State>,
  { start, candidates, target, budget }: FitOptions,
): Promise<FittedGrid> {
  let path = snap(start, candidates);
  let runs = 0;
  const endOf = (some: readonly number[]): Promise<State> => {
    runs++;
    return run(gridOf(some, candidates));
  };
  let end = await endOf(path);
  let error = meanSquare(end, target);
  let damping = 0.01;
  // an iteration without a run left to try its step would be lost
  while (runs + path.length <= budget && error > 0) {
    const { columns, residual } = await derivatives(endOf, path, end, target);
    const normal = normalEquations(columns, residual);
    const before = error;
    for (let attempt = 0; attempt < DAMPING_TRIES && runs < budget && error === before; attempt++) {
      const moved = stepped(path, dampedSolution(normal, damping));
      damping *= DAMPING_STEP;
      if (moved === undefined) continue;
      const next = await endOf(moved);
      const reached = meanSquare(next, target);
      if (!(reached < error)) continue;
      [path, end, error] = [moved, next, reached];
      damping = Math.max(1e-3, damping / DAMPING_STEP ** 1.5);
    }
    if (error > (1 - LEAST_GAIN) * before) break;
  }
  return { grid: gridOf(path, candidates), error, runs };
}

/** Derivatives of the end by the index of every point but the last, by differences, and `end − target`. */
async function derivatives(
  endOf: (path: readonly number[]) => Promise<State>,
  path: readonly number[],
  end: State,
  target: State,
): Promise<{ columns: Float64Array[]; residual: Float64Array }> {
  const columns: Float64Array[] = [];
  for (let i = 0; i + 1 < path.length; i++) {
    const probe = probeOf(path, i);
    const moved = probe === 0 ? end : await endOf(path.with(i, path[i]! + probe));
    columns.push(Float64Array.from(moved, (value, j) => (probe === 0 ? 0 : (value - end[j]!) / probe)));
  }
  return { columns, residual: Float64Array.from(end, (value, j) => value - target[j]!) };
}

/** Towards the data where there is room, else towards the noise; 0 where a point cannot move. */
function probeOf(path: readonly number[], i: number): number {
  const [after, before] = [path[i + 1]! - path[i]!, path[i]! - (path[i - 1] ?? -1)];
  if (after > 1) return Math.max(1, Math.round(PROBE * after));
  return before > 1 ? -Math.max(1, Math.round(PROBE * before)) : 0;
}

/** `JᵀJ` and `−Jᵀr`. */
interface NormalEquations {
  readonly matrix: readonly (readonly number[])[];
  readonly right: readonly number[];
}

function normalEquations(columns: readonly Float64Array[], residual: Float64Array): NormalEquations {
  return {
    matrix: columns.map((a) => columns.map((b) => dot(a, b))),
    right: columns.map((a) => -dot(a, residual)),
  };
}

/** `δ` of `(A + μ·diag A)·δ = b`, by Cholesky's factor; 0 for a point that changes nothing. */
function dampedSolution({ matrix, right }: NormalEquations, damping: number): number[] {
  const n = right.length;
  const lower: number[][] = [];
  for (let i = 0; i < n; i++) {
    const row: number[] = [];
    for (let j = 0; j <= i; j++) {
      const a = i === j ? (1 + damping) * matrix[i]![i]! || 1 : matrix[i]![j]!;
      const rest = a - dot(row.slice(0, j), (j < i ? lower[j]! : row).slice(0, j));
      row.push(i === j ? Math.sqrt(rest) : rest / lower[j]![j]!);
    }
    lower.push(row);
  }
  const half: number[] = [];
  for (let i = 0; i < n; i++) half.push((right[i]! - dot(lower[i]!.slice(0, i), half)) / lower[i]![i]!);
  const delta = new Array<number>(n).fill(0);
  for (let i = n - 1; i >= 0; i--) {
    let rest = half[i]!;
    for (let j = i + 1; j < n; j++) rest -= lower[j]![i]! * delta[j]!;
    delta[i] = rest / lower[i]![i]!;
  }
  return delta;
}

/** `path` moved by `delta`, no point past its reach; undefined where that moves none, or two onto one. */
function stepped(path: readonly number[], delta: readonly number[]): number[] | undefined {
  const moved = path.map((at, i) => {
    const by = delta[i];
    if (by === undefined || !Number.isFinite(by)) return at;
    const [before, after] = [path[i - 1] ?? -0.5, path[i + 1]!];
    return Math.round(Math.min(at + REACH * (after - at), Math.max(at - REACH * (at - before), at + by)));
  });
  const still = moved.every((at, i) => at === path[i]);
  return still || moved.some((at, i) => i > 0 && at <= moved[i - 1]!) ? undefined : moved;
}

function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

function meanSquare(a: State, b: State): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i]! - b[i]!) ** 2;
  return sum / a.length;
}
