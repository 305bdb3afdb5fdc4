/** @file Quality against network evaluations: every solver on one model, against a fine trajectory and against real data. */
import {
  fromSchedulerConfig,
  type Grid,
  type Network,
  perSampleNoise,
  type SamplingPlan,
  schedulerForSolver,
} from '../diffusion/gaussian/index.ts';
import { ConfigError, DataError } from '../tensor/index.ts';
import { applicableSolvers } from './applicable-solvers.ts';
import { type DataFloor, dataFloor } from './data-floor.ts';
import { type ComparisonProgress, NetworkCounter } from './network-counter.ts';
import { type Recommendation, recommend } from './recommendation.ts';
import { rmsDistance } from './rms-distance.ts';
import { SEARCH_STEPS, searchedGrid } from './searched-grid.ts';
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
  /** Training pictures [K, D]: their distance to the held-out ones is the least to hope for. */
  readonly train: Float32Array;
  /** Samples per solver. Default 64. */
  readonly count?: number;
  /** Short names or scheduler classes. Default: all that fit the model. */
  readonly solvers?: readonly string[] | undefined;
  /** Step counts. Default 5, 10, 20, 50. */
  readonly steps?: readonly number[];
  readonly seed?: number;
  /** Steps of the reference trajectory. Default 200. */
  readonly referenceSteps?: number;
  /** Per cent above the reference's distance that are good enough for the recommendation. Default 5. */
  readonly within?: number;
  /** Whether grids are searched for the reference's solver, up to 10 steps. Default true. */
  readonly search?: boolean;
  readonly onProgress?: ((progress: ComparisonProgress) => void) | undefined;
  /** Stops between steps by throwing the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** One solver at one number of steps. */
export interface SolverResult {
  readonly solver: string;
  /** `searched` for a grid found on this model, else the solver's own. */
  readonly grid: 'own' | 'searched';
  readonly steps: number;
  /** Runs of the network per sample. */
  readonly evaluations: number;
  readonly stochastic: boolean;
  /** Root-mean-square pixel distance to the end of the reference trajectory from the same noise; null when stochastic. */
  readonly rms: number | null;
  /** Sliced Wasserstein distance to the held-out pictures. */
  readonly distance: number;
  /** Times the network is asked at, noisiest first. */
  readonly times: readonly number[];
}

/** What `compareSolvers` found; all distances in units of a pixel's range [-1, 1]. */
export interface SolverComparison {
  readonly count: number;
  readonly heldOut: number;
  readonly seed: number;
  readonly reference: {
    readonly solver: string;
    readonly steps: number;
    readonly evaluations: number;
    readonly distance: number;
    /** RMS distance of its end from the same solver's with half the steps: how far it is to be trusted. */
    readonly error: number | null;
  };
  /** Distance of `count` training pictures from the held-out ones: mean and standard deviation over draws. */
  readonly floor: DataFloor;
  /** By evaluations, then by distance. */
  readonly results: readonly SolverResult[];
  readonly recommendation: Recommendation;
  /** Solvers left out, and why. */
  readonly skipped: readonly { readonly solver: string; readonly steps: number; readonly reason: string }[];
}

/**
 * Runs every solver from the same start noise and measures where it ends. Throws `ConfigError` for an unknown solver,
 * steps that no solver can take, or options out of range; `DataError` when there are no held-out pictures.
 */
export async function compareSolvers(options: SolverComparisonOptions): Promise<SolverComparison> {
  const { scheduler, sampleSize, heldOut, train, networkFor, signal, onProgress } = options;
  const { count = 64, steps = [5, 10, 20, 50], seed = 0, referenceSteps = 200, within = 5, search = true } = options;
  checkOptions({ count, steps, seed, referenceSteps, within });
  checkPictures(options);
  const applicable = applicableSolvers(scheduler);
  const planOf = (solver: string): SamplingPlan => fromSchedulerConfig(schedulerForSolver(scheduler, solver));
  const solvers = options.solvers ?? applicable.solvers;
  const skipped: { solver: string; steps: number; reason: string }[] = [];
  const runs = solvers.flatMap((solver) => {
    const plan = planOf(solver);
    return steps.flatMap((n) => {
      const grid = tryGrid(plan, n);
      if (!(grid instanceof ConfigError)) return [{ solver, plan, steps: n, grid }];
      skipped.push({ solver, steps: n, reason: grid.message });
      return [];
    });
  });
  if (runs.length === 0) throw new ConfigError(`no solver can take these steps: ${skipped[0]!.reason}`);

  const referencePlan = planOf(applicable.reference);
  const fine = finestGrid(referencePlan, referenceSteps);
  const half = tryGrid(referencePlan, Math.ceil((fine.length - 1) / 2));
  const searches = search && !referencePlan.stochastic && applicable.searchable;
  const searchedSteps = searches ? steps.filter((n) => n <= SEARCH_STEPS) : [];
  const budget = (plan: SamplingPlan, grid: Grid): number => plan.evaluations(grid);
  const progress = new NetworkCounter(
    budget(referencePlan, fine) +
      (half instanceof ConfigError ? 0 : budget(referencePlan, half)) +
      runs.reduce((sum, { plan, grid }) => sum + budget(plan, grid), 0) +
      searchedSteps.reduce((sum, n) => sum + n * (1 + 12 * n), 40),
    onProgress,
  );
  const network = progress.counting(networkFor(count), count * sampleSize);
  const seeds = Array.from({ length: count }, (_, i) => seed + i);
  const run = async (plan: SamplingPlan, grid: Grid): Promise<Float32Array> => {
    const noise = perSampleNoise('philox', seeds);
    const scale = plan.initialScale(grid);
    const start = noise(count * sampleSize, -1).map((value: number) => value * scale);
    const end = await plan.solve(plan.denoiser(network, { sampleSize }), start, grid, { noise, signal });
    return Float32Array.from(end, (value) => Math.min(1, Math.max(-1, value)));
  };

  progress.what = `${applicable.reference}, ${fine.length - 1} steps`;
  const target = await run(referencePlan, fine);
  const halfway = half instanceof ConfigError || referencePlan.stochastic ? undefined : await run(referencePlan, half);
  const distanceTo = slicedWassersteinTo(heldOut, { dimensions: sampleSize });
  const measure = async (
    { solver, plan, grid }: { solver: string; plan: SamplingPlan; grid: Grid },
    kind: SolverResult['grid'],
  ): Promise<SolverResult> => {
    const end = await run(plan, grid);
    return {
      solver,
      grid: kind,
      steps: grid.length - 1,
      evaluations: plan.evaluations(grid),
      stochastic: plan.stochastic,
      rms: plan.stochastic || referencePlan.stochastic ? null : rmsDistance(end, target),
      distance: distanceTo(end),
      times: grid.slice(0, -1).map(({ t }) => t),
    };
  };
  const results: SolverResult[] = [];
  for (const one of runs) {
    progress.what = `${one.solver}, ${one.steps} steps`;
    results.push(await measure(one, 'own'));
  }
  for (const n of searchedSteps) {
    progress.what = `searching a grid of ${n} steps`;
    const grid = await searchedGrid(referencePlan, {
      steps: n,
      sampleSize,
      // noise that the results are not measured with
      seed: seed + count,
      networkFor: (size) => progress.counting(networkFor(size), count * sampleSize),
      signal,
    });
    results.push(await measure({ solver: applicable.reference, plan: referencePlan, grid }, 'searched'));
  }
  results.sort((a, b) => a.evaluations - b.evaluations || a.distance - b.distance);
  const reference = {
    solver: applicable.reference,
    steps: fine.length - 1,
    evaluations: referencePlan.evaluations(fine),
    distance: distanceTo(target),
    error: halfway === undefined ? null : rmsDistance(halfway, target),
  };
  return {
    count,
    heldOut: heldOut.length / sampleSize,
    seed,
    reference,
    floor: dataFloor(train, distanceTo, { count, sampleSize, seed }),
    results,
    recommendation: recommend(results, reference.distance, within),
    skipped,
  };
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
