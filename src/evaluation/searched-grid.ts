/** @file A grid of few steps found on the model itself: dynamic programming on a fine trajectory, then refinement. */
import {
  type Grid,
  type Network,
  perSampleNoise,
  refineGrid,
  type SamplingPlan,
  type Solver,
  searchGrid,
  teacherTrajectory,
} from '../diffusion/gaussian/index.ts';
import { rmsDistance } from './rms-distance.ts';

/** Most steps that a search is worth its cost for. */
export const SEARCH_STEPS = 10;

/** Options of `searchedGrid`. */
export interface SearchedGridOptions {
  readonly steps: number;
  readonly networkFor: (count: number) => Network;
  /** Elements of one sample. */
  readonly sampleSize: number;
  /** Samples that the grid is searched on. */
  readonly count?: number;
  /** Of their start noise. */
  readonly seed?: number;
  /** Steps of the teacher, whose times the grid may use. */
  readonly teacherSteps?: number;
  /** Sweeps of the refinement. */
  readonly rounds?: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The grid of `steps` steps on which `plan`'s solver ends nearest to its own fine trajectory, on `count` samples of start
 * noise. About `teacherSteps` + 12·steps² network evaluations, once per model. The plan's solver must be deterministic.
 */
export async function searchedGrid(plan: SamplingPlan, options: SearchedGridOptions): Promise<Grid> {
  const { steps, networkFor, sampleSize, count = 16, seed = 0, teacherSteps = 64, rounds = 2, signal } = options;
  const candidates = plan.grid({ steps: Math.max(teacherSteps, 2 * steps) });
  const denoise = plan.denoiser(networkFor(count), { sampleSize });
  const scale = plan.initialScale(candidates);
  const noise = perSampleNoise(
    'philox',
    Array.from({ length: count }, (_, i) => seed + i),
  );
  const start = noise(count * sampleSize, -1).map((value: number) => value * scale);
  const solver: Solver = (network, x, grid, run) => plan.solve(network, x, grid, { ...run, signal });
  const teacher = await teacherTrajectory(solver, denoise, start, candidates);
  const target = teacher.states[teacher.states.length - 1]!;
  const error = async (grid: Grid): Promise<number> => rmsDistance(await solver(denoise, start, grid), target);
  const starts = [searchGrid(teacher, { steps }), searchGrid(teacher, { steps, discount: 0.7 }), plan.grid({ steps })];
  return (await refineGrid(error, { starts, candidates, rounds })).grid;
}
