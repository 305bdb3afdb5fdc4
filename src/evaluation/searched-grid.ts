/** @file A grid of few steps found on the model itself: the best of many starts, fitted to a fine trajectory. */
import {
  consecutiveSeeds,
  fitGrid,
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
import { clamped } from './sample-measures.ts';

/** Most steps that a search is worth its cost for. */
export const SEARCH_STEPS = 10;

/** Steps of the teacher. */
export const TEACHER_STEPS = 64;

/** Samples that a search takes at least: on fewer it fits their noise. */
export const SEARCH_SAMPLES = 64;

/** Runs of the fit per step of the grid. */
const RUNS_PER_STEP = 6;

/** Moves that end the fit, as fractions of the way to a neighbour. */
const LAST_MOVES = [1 / 8, 1 / 16];

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
  /** Samples that grids are searched on. Default 64. */
  readonly count?: number;
  /** Of their start noise. */
  readonly seed?: number;
  readonly signal?: AbortSignal | undefined;
}

/** Finds grids for one model and solver. */
export interface GridSearch {
  /** The best grid of `steps` steps; `fixed` are grids of as many steps to start from, beside those of the search. */
  find(steps: number, fixed?: readonly Grid[]): Promise<Grid>;
}

/**
 * Searches grids on which `plan`'s solver ends nearest, in the mean square, to a fine trajectory, on `count` samples of
 * start noise. The best of the fixed grids and two by dynamic programming is fitted by least squares, then point by point.
 * Any training time may be visited. The plan's solver must be deterministic.
 */
export function gridSearch(plan: SamplingPlan, options: GridSearchOptions): GridSearch {
  const { networkFor, sampleSize, teacher: teacherPlan = plan, count = SEARCH_SAMPLES, seed = 0, signal } = options;
  const network = networkFor(count);
  const denoise = plan.denoiser(network, { sampleSize });
  const noise = perSampleNoise('philox', consecutiveSeeds(seed, count))(count * sampleSize, -1);
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
  const run = async (grid: Grid): Promise<Float32Array> =>
    clamped(await plan.solve(denoise, startOf(plan, grid), grid, { signal }));
  return {
    async find(steps, fixed = []) {
      solved ??= solve();
      const teacher = await solved;
      const target = clamped(teacher.states[teacher.states.length - 1]!);
      const error = async (grid: Grid): Promise<number> => rmsDistance(await run(grid), target);
      const starts = [
        ...fixed,
        plan.grid({ steps }),
        searchGrid(teacher, { steps }),
        searchGrid(teacher, { steps, discount: 0.7 }),
      ].map((grid) => snapGrid(grid, candidates));
      const { grid: start } = await refineGrid(error, { starts, candidates, budget: 0 });
      const budget = RUNS_PER_STEP * steps;
      const { grid, runs } = await fitGrid(run, { start, candidates, target, budget: budget - 1 });
      // one run of what is left measures where the moves begin
      return (await refineGrid(error, { starts: [grid], candidates, budget: budget - runs - 1, fractions: LAST_MOVES }))
        .grid;
    },
  };
}
