/** @file Quality against network evaluations: every solver on one model, against a fine trajectory and against real data. */
import { type GridName, type Network, planForSolver } from '../diffusion/gaussian/index.ts';
import { ConfigError } from '../tensor/index.ts';
import { plural } from '../tensor/plural.ts';
import { applicableSolvers } from './applicable-solvers.ts';
import { checkOptions, checkPictures } from './comparison-checks.ts';
import { bestForGrids, estimatedSearch, finestGrid, type Run, RunPlanner, tryGrid } from './comparison-runs.ts';
import { dataFloor } from './data-floor.ts';
import { compareGrids, type GridComparison } from './grid-comparison.ts';
import type { GridVerdict, MeasuredResult } from './grid-verdict.ts';
import { type ComparisonProgress, NetworkCounter } from './network-counter.ts';
import { type Recommendation, recommend, type Yardstick } from './recommendation.ts';
import type { Scatter } from './resampling.ts';
import { rmsDistance } from './rms-distance.ts';
import { differenceNoise, SampleMeasures, sampleSpread } from './sample-measures.ts';
import { gridSearch, SEARCH_SAMPLES, SEARCH_STEPS } from './searched-grid.ts';

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
  /** Training pictures [K, D]: their distance to the held-out ones is the least to hope for. */
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
  /** Told once that all that was asked can be done, before the network runs. */
  readonly onStart?: (() => void) | undefined;
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
  /** How the searched grid of every number of steps stands against all others of that solver. */
  readonly verdicts: readonly GridVerdict[];
  readonly recommendation: Recommendation;
  /** Solvers and grids left out, and why. */
  readonly skipped: readonly { readonly solver: string; readonly steps: number; readonly reason: string }[];
}

/**
 * Runs every solver from the same start noise and measures where it ends; then the solver that follows the reference best
 * with few evaluations runs on every grid that has a name, and on one searched with other noise. Throws `ConfigError` for an
 * unknown solver, steps that no solver can take, or options out of range; `DataError` when there are no held-out pictures.
 */
export async function compareSolvers(options: SolverComparisonOptions): Promise<SolverComparison> {
  const { scheduler, sampleSize, heldOut, train, networkFor, signal, onStart, onProgress } = options;
  const { count = 40, steps = [5, 10, 20], seed = 0, referenceSteps = 200, within = 10, search = true } = options;
  checkOptions({ count, steps, seed, referenceSteps, within });
  checkPictures(options);
  const applicable = applicableSolvers(scheduler);
  const planner = new RunPlanner(scheduler);
  const runs = (options.solvers ?? applicable.solvers).flatMap((solver) => planner.runsOf(solver, 'own', steps));
  if (runs.length === 0) throw new ConfigError(`no solver can take these steps: ${planner.skipped[0]!.reason}`);
  onStart?.();

  const referencePlan = planForSolver(scheduler, applicable.reference);
  const fine = finestGrid(referencePlan, referenceSteps);
  const half = tryGrid(referencePlan, Math.ceil((fine.length - 1) / 2));
  const few = steps.filter((n) => n <= SEARCH_STEPS);
  const searches = search && !referencePlan.stochastic && applicable.searchable && few.length > 0;
  // whole batches of those measured, which the network runs in
  const searchCount = count * Math.ceil(SEARCH_SAMPLES / count);
  const progress = new NetworkCounter(
    referencePlan.evaluations(fine) +
      (half instanceof ConfigError ? 0 : referencePlan.evaluations(half)) +
      runs.reduce((sum, { plan, grid }) => sum + plan.evaluations(grid), 0) +
      (searches ? estimatedSearch(few, searchCount / count) : 0),
    onProgress,
  );
  const countedFor = (size: number): Network => progress.counting(networkFor(size), count * sampleSize);
  const measures = new SampleMeasures({ network: countedFor(count), sampleSize, heldOut, count, seed, signal });
  progress.what = `reference: ${applicable.reference}, ${plural(fine.length - 1, 'step')}`;
  const target = await measures.run(referencePlan, fine);
  const halfway =
    half instanceof ConfigError || referencePlan.stochastic ? undefined : await measures.run(referencePlan, half);
  const measure = async ({ solver, kind, plan, grid }: Run): Promise<MeasuredResult> => {
    progress.what = `${solver}${kind === 'own' ? '' : `-${kind}`}, ${plural(grid.length - 1, 'step')}`;
    const measured = await measures.run(plan, grid);
    const result = {
      solver,
      grid: kind,
      steps: grid.length - 1,
      evaluations: plan.evaluations(grid),
      stochastic: plan.stochastic,
      rms: plan.stochastic || referencePlan.stochastic ? null : rmsDistance(measured.samples, target.samples),
      distance: measured.distance,
      noise: differenceNoise(measured, target),
      times: grid.slice(0, -1).map(({ t }) => t),
    };
    return { result, measured };
  };
  const onSearch = ({ solver, grid }: Run): void => {
    progress.what = `searching a grid of ${plural(grid.length - 1, 'step')} for ${solver}`;
  };
  const results: SolverResult[] = [];
  for (const run of runs) results.push((await measure(run)).result);
  const gridSolver = searches ? bestForGrids(results) : undefined;
  let compared: GridComparison = { results: [], verdicts: [] };
  if (gridSolver !== undefined) {
    const search = gridSearch(planForSolver(scheduler, gridSolver), {
      teacher: referencePlan,
      count: searchCount,
      sampleSize,
      // noise that the results are not measured with
      seed: seed + count,
      networkFor: countedFor,
      signal,
    });
    const runsOnGrids = planner.runsOnGrids(gridSolver, few);
    compared = await compareGrids({
      ...runsOnGrids,
      search,
      measure,
      target: target.samples,
      sampleSize,
      seed,
      onSearch,
    });
  }
  results.push(...compared.results);
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
    verdicts: compared.verdicts,
    recommendation: recommend(results, reference, within),
    skipped: planner.skipped,
  };
}
