/** @file A scheduler config as a sampling plan: process, grid, reading of the network and solver, ready to compose. */
import { ConfigError } from '../../../tensor/index.ts';
import type { Denoiser, DenoiserOptions, Network } from '../denoiser.ts';
import { clipData, denoiser, dynamicThreshold, type X0Transform } from '../denoiser.ts';
import type { Known } from '../editing/inpainting.ts';
import type { Point, Process } from '../process.ts';
import type { Grid, SolverOptions } from '../solver.ts';
import type { State } from '../state.ts';
import type { SchedulerConfig, SchedulerOptions } from './read.ts';

/** What a grid is asked for: a number of steps, or times or noise levels given outright. */
export interface GridRequest {
  readonly steps?: number;
  /** Descending training times. */
  readonly timesteps?: readonly number[] | undefined;
  /** Descending noise levels, where the scheduler takes them (σ/α, or flow times in [0, 1]). */
  readonly sigmas?: readonly number[] | undefined;
  /** Log of the flow shift, for dynamic shifting by image size. */
  readonly mu?: number | undefined;
  /** Stage of a pyramid (Helios), 0 the smallest: every stage is a run of its own. */
  readonly stage?: number | undefined;
}

/** Options of a run that are not part of any config: diffusers passes them to `step`. */
export interface RunOptions extends SolverOptions {
  /** DDIM's and TCD's stochasticity. */
  readonly eta?: number;
  readonly sChurn?: number;
  readonly sTmin?: number;
  readonly sTmax?: number;
  readonly sNoise?: number;
  /** End every step of DDIM and PNDM at the next point of the grid, not ⌊T/N⌋ below its start as diffusers does. */
  readonly landOnGrid?: boolean | undefined;
  /** Order of LMS (default 4). */
  readonly order?: number;
  /** The whole grid when only its tail is run, as in image-to-image: solvers choose their order by it. */
  readonly whole?: Grid | undefined;
  /** Elements of one sample, for solvers that measure every sample (predictor-corrector). */
  readonly sampleSize?: number | undefined;
  /** What RePaint inpaints around. */
  readonly known?: Known | undefined;
  /** RePaint's jumps back up: how far, and how often each stretch is run in all. */
  readonly jumpLength?: number;
  readonly jumpSamples?: number;
  /** Scale-wise distillation: x̂₀ at `factor` times the size the run started with, interpolated by `mode`. */
  readonly enlarge?: ((x0: State, to: { readonly factor: number; readonly mode: string }) => State) | undefined;
  /** RFD4-Proteína: 1 where the state is sampled, 0 where it is context or padding and stays zero. */
  readonly emitMask?: State | undefined;
}

/** How states are laid out, for what acts per sample: thresholds and learned variances. */
export interface StateLayout {
  /** Elements of one sample; all of the state by default. */
  readonly sampleSize?: number | undefined;
  /** Length of the state's last axis, for networks that widen it (PiFlow). */
  readonly lastAxis?: number | undefined;
  /** Clip or threshold x̂₀ as these options say, in place of the config's own, and keep ε̂ consistent with it. */
  readonly clipping?: SchedulerOptions | undefined;
}

/** How the network's input and output are read; `transform` is added by the plan. */
export interface Reading extends Omit<DenoiserOptions, 'transform'> {
  /** What a function in `prediction` stands for. */
  readonly predictionName?: string;
}

/** What a family of schedulers contributes to a plan. */
export interface PlanParts {
  readonly process: Process;
  readonly reading: Reading;
  grid(request: GridRequest): Grid;
  solve(denoise: Denoiser, x: State, grid: Grid, options: RunOptions): Promise<State>;
  /** Predictions the network makes for every element of the state, where more than one. */
  readonly predictions?: number;
  /** False where diffusers ignores `clip_sample`. Default true. */
  readonly clips?: boolean;
  /** Solver order, for `explain`. */
  readonly order: number;
  /** The order used in every step; by default `order`, and 1 into clean data. */
  readonly orders?: (grid: Grid) => number[];
  /** Whether the solver draws noise with default run options. */
  readonly stochastic: boolean;
  /** Standard deviation of the initial noise, by convention of the scheduler; √(α² + σ²)-like. */
  initialScale(grid: Grid): number;
  /** The process at a noise level σ/α, in the frame of the grid. */
  level(sigma: number): Point;
  /** Network evaluations for a grid. */
  evaluations(grid: Grid): number;
}

/** Everything needed to sample with a scheduler. */
export interface SamplingPlan extends PlanParts {
  readonly config: SchedulerConfig;
  readonly orders: (grid: Grid) => number[];
  /** Composes a network into the denoiser this scheduler expects. */
  denoiser(network: Network, layout?: StateLayout): Denoiser;
}

/** Adds what every scheduler shares. */
export function completePlan(config: SchedulerConfig, parts: PlanParts): SamplingPlan {
  return {
    orders: steadyOrders(parts.order),
    ...parts,
    config,
    denoiser: (network, layout = {}) => {
      const { clipping, sampleSize } = layout;
      const own = parts.clips === false ? undefined : x0Transform(config.options, layout);
      return denoiser(network, {
        ...parts.reading,
        transform: clipping ? x0Transform(clipping, layout) : own,
        ...(clipping && { consistent: true }),
        ...(learnsVariance(config.options) ? { learnedVariance: sampleSize } : {}),
        several: several(parts.predictions, layout),
      });
    },
  };
}

function several(count: number | undefined, { lastAxis }: StateLayout): DenoiserOptions['several'] {
  if (count === undefined) return undefined;
  if (lastAxis !== undefined) return { count, lastAxis };
  throw new ConfigError(`this network makes ${count} predictions along its last axis, whose length is not known`, {
    api: 'pass lastAxis, the channels of one token: plan.denoiser(network, { lastAxis })',
  });
}

function learnsVariance(o: SchedulerOptions): boolean {
  return o.variance_type === 'learned' || o.variance_type === 'learned_range';
}

function x0Transform(o: SchedulerOptions, { sampleSize }: StateLayout): X0Transform | undefined {
  if (o.thresholding) {
    return dynamicThreshold({ ratio: o.dynamic_thresholding_ratio, maxValue: o.sample_max_value, sampleSize });
  }
  if (o.clip_denoised) return clipData(1);
  return o.clip_sample ? clipData(o.clip_sample_range) : undefined;
}

/** Initial scale of grids in the frame of the process, where noise starts at variance one. */
export const unitStart = (): number => 1;

/** Steps of the whole grid a run belongs to. */
export const totalSteps = (grid: Grid, { whole }: RunOptions): number => (whole ?? grid).length - 1;

/** One order throughout, but 1 for a step into clean data. */
function steadyOrders(order: number): (grid: Grid) => number[] {
  return (grid) => grid.slice(1).map(({ sigma }) => (sigma === 0 ? 1 : order));
}

/** Orders of a multistep method: one node more in every step, up to what is allowed with `left` steps to go. */
export function multistepOrders(grid: Grid, allowed: (to: Point, left: number) => number): number[] {
  return grid.slice(1).map((to, i) => Math.min(i + 1, allowed(to, grid.length - 1 - i)));
}

/** One evaluation per step, the cost of most solvers. */
export const onePerStep = (grid: Grid): number => grid.length - 1;
