/** @file A grid of few steps found on the model itself: dynamic programming on a fine trajectory, then descent. */
import {
  type Grid,
  type Network,
  perSampleNoise,
  refineGrid,
  type SamplingPlan,
  type Solver,
  searchGrid,
  snapGrid,
  type Teacher,
  teacherTrajectory,
} from '../diffusion/gaussian/index.ts';
import { rmsDistance } from './rms-distance.ts';

/** Most steps that a search is worth its cost for. */
export const SEARCH_STEPS = 10;

/** Steps of the teacher. */
export const TEACHER_STEPS = 64;

/** Runs of the descent per step of the grid. */
const RUNS_PER_STEP = 8;

/** Evaluations that a search makes at most, when the solver makes one per step: the teacher aside, `fixed` grids to start from. */
export function searchEvaluations(steps: number, fixed: number): number {
  return steps * (fixed + 3 + RUNS_PER_STEP * steps);
}

/** Options of `gridSearch`. */
export interface GridSearchOptions {
  readonly networkFor: (count: number) => Network;
  /** Elements of one sample. */
  readonly sampleSize: number;
  /** Solves the teacher. Default: the plan itself; one of higher order is nearer to the truth. */
  readonly teacher?: SamplingPlan;
  /** Samples that grids are searched on. */
  readonly count?: number;
  /** Of their start noise. */
  readonly seed?: number;
  /** Distance of samples from training pictures; weighed in where given. */
  readonly distanceTo?: ((samples: Float32Array) => number) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Finds grids for one model and solver. */
export interface GridSearch {
  /** The best grid of `steps` steps; `fixed` are grids of as many steps to start from, beside those of the search. */
  find(steps: number, fixed?: readonly Grid[]): Promise<Grid>;
}

/** How a grid does: rms distance from the teacher, and distance from the training pictures (0 where none are given). */
interface Marks {
  readonly rms: number;
  readonly distance: number;
}

/** Weight of the mean of both marks beside the worse one, so that a gain in either counts. */
const BOTH = 0.2;

/**
 * Searches grids on which `plan`'s solver ends near a fine trajectory and near the training pictures, on `count`
 * samples of start noise: each distance as a share of the least that any start grid reaches, squared; the larger of the two
 * falls. Below 1, the grid beats every start by both. Any training time may be visited. The plan's solver must be deterministic.
 */
export function gridSearch(plan: SamplingPlan, options: GridSearchOptions): GridSearch {
  const { networkFor, sampleSize, teacher: teacherPlan = plan, count = 32, seed = 0, distanceTo, signal } = options;
  const network = networkFor(count);
  const denoise = plan.denoiser(network, { sampleSize });
  const noise = perSampleNoise(
    'philox',
    Array.from({ length: count }, (_, i) => seed + i),
  )(count * sampleSize, -1);
  const startOf = ({ initialScale }: SamplingPlan, grid: Grid) =>
    noise.map((value: number) => value * initialScale(grid));
  const solve = async (): Promise<Teacher> => {
    const fine = teacherPlan.grid({ steps: TEACHER_STEPS });
    const solver: Solver = (denoise, x, grid, run) => teacherPlan.solve(denoise, x, grid, { ...run, signal });
    return teacherTrajectory(solver, teacherPlan.denoiser(network, { sampleSize }), startOf(teacherPlan, fine), fine);
  };
  let solved: Promise<Teacher> | undefined;
  const last = plan.process.end;
  const candidates = plan.grid({ timesteps: Array.from({ length: last + 1 }, (_, i) => last - i) });
  return {
    async find(steps, fixed = []) {
      solved ??= solve();
      const teacher = await solved;
      const target = clamped(teacher.states[teacher.states.length - 1]!);
      const known = new Map<string, Marks>();
      const marksOf = async (grid: Grid): Promise<Marks> => {
        const key = grid.map(({ t }) => t).join();
        const seen = known.get(key);
        if (seen !== undefined) return seen;
        const end = clamped(await plan.solve(denoise, startOf(plan, grid), grid, { signal }));
        const marks = { rms: rmsDistance(end, target), distance: distanceTo?.(end) ?? 0 };
        known.set(key, marks);
        return marks;
      };
      const starts = [
        ...fixed,
        plan.grid({ steps }),
        searchGrid(teacher, { steps }),
        searchGrid(teacher, { steps, discount: 0.7 }),
      ].map((grid) => snapGrid(grid, candidates));
      const best = { rms: Number.POSITIVE_INFINITY, distance: Number.POSITIVE_INFINITY };
      for (const grid of starts) {
        const marks = await marksOf(grid);
        best.rms = Math.min(best.rms, marks.rms);
        best.distance = Math.min(best.distance, marks.distance);
      }
      const error = async (grid: Grid): Promise<number> => {
        const { rms, distance } = await marksOf(grid);
        const shares = [share(rms, best.rms), share(distance, best.distance)];
        return Math.max(...shares) + (BOTH * (shares[0]! + shares[1]!)) / 2;
      };
      return (await refineGrid(error, { starts, candidates, budget: RUNS_PER_STEP * steps })).grid;
    },
  };
}

function share(value: number, of: number): number {
  return of === 0 ? 0 : (value / of) ** 2;
}

/** Pictures from -1 to 1. */
export function clamped(state: ArrayLike<number>): Float32Array {
  return Float32Array.from(state, (value) => Math.min(1, Math.max(-1, value)));
}
