/** @file Quality against network evaluations: every solver on one model, against a fine trajectory and against real data. */
import {
  GRID_NAMES,
  type Grid,
  type GridName,
  type Network,
  planForSolver,
  type SamplingPlan,
  takesGrids,
} from '../diffusion/gaussian/index.ts';
import { ConfigError, DataError } from '../tensor/index.ts';
import { applicableSolvers } from './applicable-solvers.ts';
import { dataFloor } from './data-floor.ts';
import { type ComparisonProgress, NetworkCounter } from './network-counter.ts';
import { type Recommendation, recommend, type Yardstick } from './recommendation.ts';
import type { Scatter } from './resampling.ts';
import { rmsDistance } from './rms-distance.ts';
import { differenceNoise, SampleMeasures, sampleSpread } from './sample-measures.ts';
import { gridSearch, SEARCH_STEPS, searchEvaluations, TEACHER_STEPS } from './searched-grid.ts';
import { slicedWassersteinTo } from './sliced-wasserstein.ts';

/** How solvers are compared. */
export interface SolverComparisonOptions {
  /** The model's `scheduler_config.json`, parsed. */
  readonly scheduler: unknown;
  /** The network for a batch of `count` samples, whatever batch it runs in underneath. */
  readonly networkFor: (count: number) => Network;
  /** Elements of one sample, D. */
  readonly sampleSize: number;
  /** Held-out pictures [M, D] in [-1, 1]: what samples are measured against. */
  readonly heldOut: Float32Array;
  /** Training pictures [K, D]: their distance to the held-out ones is the least to hope for, and grids are searched with them. */
  readonly train: Float32Array;
  /** Samples per solver. Default 40. */
  readonly count?: number;
  /** Short names, with or without a grid, or scheduler classes. Default: all that fit the model. */
  readonly solvers?: readonly string[] | undefined;
  /** Step counts. Default 5, 10, 20. */
  readonly steps?: readonly number[];
  readonly seed?: number;
  /** Steps of the reference trajectory. Default 200. */
  readonly referenceSteps?: number;
  /** Per cent of the reference's distance, and of the distance between samples, that are good enough. Default 10. */
  readonly within?: number;
  /** Whether grids are compared and searched for the best solver, up to 10 steps. Default true. */
  readonly search?: boolean;
  readonly onProgress?: ((progress: ComparisonProgress) => void) | undefined;
  /** Stops between steps by throwing the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** One solver at one number of steps. */
export interface SolverResult {
  /** As `planForSolver` takes it, the grid aside. */
  readonly solver: string;
  /** `searched` for a grid found on this model, `own` for the solver's usual one. */
  readonly grid: GridName | 'own' | 'searched';
  readonly steps: number;
  /** Runs of the network per sample. */
  readonly evaluations: number;
  readonly stochastic: boolean;
  /** Root-mean-square pixel distance to the end of the reference trajectory from the same noise; null when stochastic. */
  readonly rms: number | null;
  /** Sliced Wasserstein distance to the held-out pictures. */
  readonly distance: number;
  /** Standard error of `distance` less the reference's, by resampling the start noises. */
  readonly noise: number;
  /** Times the network is asked at, noisiest first. */
  readonly times: readonly number[];
}

/** What `compareSolvers` found; all distances in units of a pixel's range [-1, 1]. */
export interface SolverComparison {
  readonly count: number;
  readonly heldOut: number;
  readonly seed: number;
  readonly reference: Yardstick & {
    readonly solver: string;
    readonly steps: number;
    readonly evaluations: number;
    /** RMS distance of its end from the same solver's with half the steps: how far it is to be trusted. */
    readonly error: number | null;
  };
  /** Distance of `count` training pictures from the held-out ones: mean and standard deviation over draws. */
  readonly floor: Scatter;
  /** By evaluations, then by distance. */
  readonly results: readonly SolverResult[];
  /** The solver that grids were compared and searched for. */
  readonly gridSolver: string | null;
  readonly recommendation: Recommendation;
  /** Solvers and grids left out, and why. */
  readonly skipped: readonly { readonly solver: string; readonly steps: number; readonly reason: string }[];
}

/** A run to make. */
interface Run {
  readonly solver: string;
  readonly kind: SolverResult['grid'];
  readonly plan: SamplingPlan;
  readonly grid: Grid;
}

/**
 * Runs every solver from the same start noise and measures where it ends; then the solver that follows the reference best
 * with few evaluations runs on every grid that has a name, and on one searched with other noise. Throws `ConfigError` for an
 * unknown solver, steps that no solver can take, or options out of range; `DataError` when there are no held-out pictures.
 */
export async function compareSolvers(options: SolverComparisonOptions): Promise<SolverComparison> {
  const { scheduler, sampleSize, heldOut, train, networkFor, signal, onProgress } = options;
  const { count = 40, steps = [5, 10, 20], seed = 0, referenceSteps = 200, within = 10, search = true } = options;
  checkOptions({ count, steps, seed, referenceSteps, within });
  checkPictures(options);
  const applicable = applicableSolvers(scheduler);
  const skipped: { solver: string; steps: number; reason: string }[] = [];
  const runsOf = (solver: string, kind: Run['kind'], numbers: readonly number[]): Run[] => {
    const name = kind === 'own' ? solver : `${solver}-${kind}`;
    const plan = planForSolver(scheduler, name);
    return numbers.flatMap((n) => {
      const grid = tryGrid(plan, n);
      if (!(grid instanceof ConfigError)) return [{ solver, kind, plan, grid }];
      skipped.push({ solver: name, steps: n, reason: grid.message });
      return [];
    });
  };
  const runs = (options.solvers ?? applicable.solvers).flatMap((solver) => runsOf(solver, 'own', steps));
  if (runs.length === 0) throw new ConfigError(`no solver can take these steps: ${skipped[0]!.reason}`);

  const referencePlan = planForSolver(scheduler, applicable.reference);
  const fine = finestGrid(referencePlan, referenceSteps);
  const half = tryGrid(referencePlan, Math.ceil((fine.length - 1) / 2));
  const few = steps.filter((n) => n <= SEARCH_STEPS);
  const searches = search && !referencePlan.stochastic && applicable.searchable && few.length > 0;
  const searchCount = Math.ceil(count / 2);
  const searchFor = (plan: SamplingPlan) =>
    gridSearch(plan, {
      teacher: referencePlan,
      count: searchCount,
      sampleSize,
      // noise that the results are not measured with, and pictures they are not measured against
      seed: seed + count,
      distanceTo: slicedWassersteinTo(train, { dimensions: sampleSize, projections: 128 }),
      networkFor: (size) => progress.counting(networkFor(size), count * sampleSize),
      signal,
    });
  const cost = ({ plan, grid }: Pick<Run, 'plan' | 'grid'>): number => plan.evaluations(grid);
  const progress: NetworkCounter = new NetworkCounter(
    cost({ plan: referencePlan, grid: fine }) +
      (half instanceof ConfigError ? 0 : cost({ plan: referencePlan, grid: half })) +
      runs.reduce((sum, run) => sum + cost(run), 0) +
      (searches ? estimatedSearch(few, searchCount / count) : 0),
    onProgress,
  );
  const measures = new SampleMeasures({
    network: progress.counting(networkFor(count), count * sampleSize),
    sampleSize,
    heldOut,
    count,
    seed,
    signal,
  });
  progress.what = `reference: ${applicable.reference}, ${fine.length - 1} steps`;
  const target = await measures.run(referencePlan, fine);
  const halfway =
    half instanceof ConfigError || referencePlan.stochastic ? undefined : await measures.run(referencePlan, half);
  const results: SolverResult[] = [];
  const measure = async ({ solver, kind, plan, grid }: Run): Promise<void> => {
    progress.what = `${solver}${kind === 'own' ? '' : `-${kind}`}, ${grid.length - 1} steps`;
    const measured = await measures.run(plan, grid);
    results.push({
      solver,
      grid: kind,
      steps: grid.length - 1,
      evaluations: plan.evaluations(grid),
      stochastic: plan.stochastic,
      rms: plan.stochastic || referencePlan.stochastic ? null : rmsDistance(measured.samples, target.samples),
      distance: measured.distance,
      noise: differenceNoise(measured, target),
      times: grid.slice(0, -1).map(({ t }) => t),
    });
  };
  for (const run of runs) await measure(run);
  const gridSolver = searches ? bestForGrids(results) : undefined;
  if (gridSolver !== undefined) {
    const own = planForSolver(scheduler, gridSolver);
    const named = GRID_NAMES.flatMap((name) => runsOf(gridSolver, name, few));
    const distinct = distinctGrids([
      ...few.map((n): Run => ({ solver: gridSolver, kind: 'own', plan: own, grid: own.grid({ steps: n }) })),
      ...named,
    ]);
    for (const run of distinct) if (run.kind !== 'own') await measure(run);
    const found = searchFor(own);
    for (const n of few) {
      progress.what = `searching a grid of ${n} steps for ${gridSolver}`;
      const grid = await found.find(
        n,
        distinct.filter(({ grid }) => grid.length === n + 1).map(({ grid }) => grid),
      );
      await measure({ solver: gridSolver, kind: 'searched', plan: own, grid });
    }
  }
  results.sort((a, b) => a.evaluations - b.evaluations || a.distance - b.distance);
  const reference = {
    solver: applicable.reference,
    steps: fine.length - 1,
    evaluations: referencePlan.evaluations(fine),
    distance: target.distance,
    spread: sampleSpread(target.samples, sampleSize),
    error: halfway === undefined ? null : rmsDistance(halfway.samples, target.samples),
  };
  return {
    count,
    heldOut: heldOut.length / sampleSize,
    seed,
    reference,
    floor: dataFloor(train, (pictures) => measures.distanceOf(pictures), { count, sampleSize, seed }),
    results,
    gridSolver: gridSolver ?? null,
    recommendation: recommend(results, reference, within),
    skipped,
  };
}

/** Evaluations on all samples that comparing and searching grids takes at most, when the solver makes one per step. */
function estimatedSearch(steps: readonly number[], share: number): number {
  const grids = GRID_NAMES.length;
  return steps.reduce((sum, n) => sum + n * (grids + 1) + share * searchEvaluations(n, grids), share * TEACHER_STEPS);
}

/**
 * The deterministic solver that takes grids and ends nearest to the reference and to the data with few evaluations: the
 * least mean of `rms² + distance²`. One that evaluates once per step, where there is one.
 */
function bestForGrids(results: readonly SolverResult[]): string | undefined {
  const fit = results.filter(({ solver, rms, steps }) => rms !== null && steps <= SEARCH_STEPS && takesGrids(solver));
  const single = fit.filter(({ steps, evaluations }) => evaluations === steps);
  const judged = single.length > 0 ? single : fit;
  const mean = (solver: string): number => {
    const own = judged.filter((one) => one.solver === solver);
    return own.reduce((sum, { rms, distance }) => sum + (rms ?? 0) ** 2 + distance ** 2, 0) / own.length;
  };
  const names = [...new Set(judged.map(({ solver }) => solver))];
  return names.length === 0 ? undefined : names.reduce((a, b) => (mean(b) < mean(a) ? b : a));
}

/** The first run of every grid: some names visit the same levels. */
function distinctGrids(runs: readonly Run[]): Run[] {
  const seen = new Set<string>();
  return runs.filter(({ grid }) => {
    const key = grid.map(({ alpha, sigma }) => Math.atan2(sigma, alpha).toPrecision(3)).join();
    return !seen.has(key) && seen.add(key);
  });
}

function tryGrid(plan: SamplingPlan, steps: number): Grid | ConfigError {
  try {
    return plan.grid({ steps });
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
}

/** The grid of `steps` steps, or of as many as the scheduler takes. */
function finestGrid(plan: SamplingPlan, steps: number): Grid {
  for (let n = steps; n > 1; n = Math.floor(n / 2)) {
    const grid = tryGrid(plan, n);
    if (!(grid instanceof ConfigError)) return grid;
  }
  return plan.grid({ steps: 1 });
}

function checkOptions(whole: {
  readonly count: number;
  readonly steps: readonly number[];
  readonly seed: number;
  readonly referenceSteps: number;
  readonly within: number;
}): void {
  const { count, steps, seed, referenceSteps, within } = whole;
  const check = (name: string, value: number, least: number): void => {
    if (Number.isSafeInteger(value) && value >= least) return;
    throw new ConfigError(`${name} is a whole number of at least ${least}, got ${value}`);
  };
  check('count', count, 2);
  check('seed', seed, 0);
  check('referenceSteps', referenceSteps, 2);
  if (steps.length === 0) throw new ConfigError('no steps to compare were given', 'e.g. 5, 10, 20, 50');
  for (const n of steps) check('a number of steps', n, 1);
  if (!(within >= 0)) throw new ConfigError(`within is a percentage of at least 0, got ${within}`);
}

function checkPictures({ heldOut, train, sampleSize }: SolverComparisonOptions): void {
  if (heldOut.length < 2 * sampleSize) {
    throw new DataError(
      `${heldOut.length / sampleSize} held-out pictures are too few to measure samples against`,
      'hold out at least 2 pictures; some hundred measure better',
    );
  }
  if (train.length < 2 * sampleSize) throw new DataError('the data has fewer than 2 training pictures');
}
