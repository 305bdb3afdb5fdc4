/** @file Helios configs: a pyramid of flows from small to large pictures, each stage a run of its own. */
import { ConfigError } from '../../../tensor/index.ts';
import { linspace } from '../grids/numpy.ts';
import { timeShift } from '../grids/sigma-grids.ts';
import { assertSteps } from '../grids/timesteps.ts';
import type { Parameterisation } from '../parameterisation.ts';
import type { Point } from '../process.ts';
import { flowLevel, rectifiedFlow } from '../processes.ts';
import type { Grid } from '../solver.ts';
import { consistency } from '../solvers/consistency.ts';
import { euler } from '../solvers/euler.ts';
import { stageWeights } from '../solvers/pyramid.ts';
import { unipcPlan } from './multistep.ts';
import { pointOf } from './multistep-grid.ts';
import { type GridRequest, onePerStep, type PlanParts, unitStart } from './plan.ts';
import type { SchedulerOptions } from './read.ts';

/** One stage of a pyramid. */
export interface PyramidStage {
  /** Flow level of the stage before, where `enterStage` takes over; 1 for the first stage. */
  readonly entrySigma: number;
  /** Flow levels between which the stage runs, in its own size. */
  readonly startSigma: number;
  readonly endSigma: number;
  /** Times told to the network at the stage's first and last training level. */
  readonly times: readonly [first: number, last: number];
}

/** Descending training levels, shifted. */
function trainingSigmas({ num_train_timesteps: train, shift }: SchedulerOptions): number[] {
  return linspace(1, 1 / train, train + 1)
    .map((alpha) => (shift * (1 - alpha)) / (1 + (shift - 1) * (1 - alpha)))
    .reverse()
    .slice(0, train);
}

/** The stages of a config; the network's times are shared out by how far each stage goes. */
export function pyramidStages(o: SchedulerOptions): PyramidStage[] {
  const train = o.num_train_timesteps;
  if (o.stage_range.length !== o.stages + 1) {
    throw new ConfigError(
      `stage_range has ${o.stage_range.length} bounds for ${o.stages} stages`,
      `give ${o.stages + 1} bounds from 0 to 1`,
    );
  }
  const ascends = o.stage_range.every((at, i) => at >= 0 && at <= 1 && (i === 0 || at > o.stage_range[i - 1]!));
  if (!ascends) throw new ConfigError(`stage_range ascends from 0 to 1, got ${JSON.stringify(o.stage_range)}`);
  const sigmas = trainingSigmas(o);
  const bound = (i: number) => Math.min(Math.max(Math.trunc(o.stage_range[i]! * train), 0), train);
  const ends = Array.from({ length: o.stages }, (_, i) => {
    const entrySigma = sigmas[bound(i)]!;
    const startSigma = i === 0 ? entrySigma : stageWeights({ sigma: entrySigma, gamma: o.gamma }).sigma;
    return { entrySigma, startSigma, endSigma: sigmas[bound(i + 1)] ?? 0 };
  });
  const lengths = ends.map(({ startSigma, endSigma }) => startSigma - endSigma);
  const total = lengths.reduce((sum, length) => sum + length, 0);
  let done = 0;
  return ends.map((stage, i) => {
    const from = done / total;
    done += lengths[i]!;
    const to = i === o.stages - 1 ? 1 : done / total;
    const first = Math.min(sigmas[Math.trunc(from * train)]! * train, 999);
    const last = sigmas[Math.min(Math.trunc(to * train), train - 1)]! * train;
    return { ...stage, times: [first, first + ((last - first) * (train - 1)) / train] };
  });
}

function requestedStage(o: SchedulerOptions, stage: number | undefined): PyramidStage {
  const stages = pyramidStages(o);
  const found = stage === undefined ? undefined : stages[stage];
  if (found !== undefined) return found;
  throw new ConfigError(`this scheduler samples ${o.stages} stages one by one, and was asked for stage ${stage}`, {
    api: `pass stage: 0 … ${o.stages - 1} to the grid, and enlarge the state in between with enterStage()`,
  });
}

/** `count` levels and times of a run, before the closing level. A stage of several counts σ from its own end to its start. */
function levels(o: SchedulerOptions, count: number, { sigmas, stage, mu }: GridRequest): [number, number][] {
  const train = o.num_train_timesteps;
  const shifted = (sigma: number, by: number) => timeShift(sigma, by, o.time_shift_type as 'exponential' | 'linear');
  const moved = (sigma: number): number => {
    if (!o.use_dynamic_shifting) return sigma;
    if (mu !== undefined) return shifted(sigma, mu);
    throw new ConfigError('this scheduler shifts by image size and was given no mu', {
      api: 'pass mu, e.g. dynamicShiftMu(tokens)',
      cli: 'set use_dynamic_shifting to false in its config, and shift to that of its pictures',
    });
  };
  if (o.stages === 1) {
    const even = linspace(1, 1 / train, count + 1).slice(0, count);
    const plain = o.shift === 1 ? even : even.map((sigma) => shifted(sigma, o.shift));
    return (sigmas ?? plain).map((sigma) => [moved(sigma), moved(sigma) * train]);
  }
  const [first, last] = requestedStage(o, stage).times;
  const times = linspace(first, last, count);
  return linspace(0.999, 0.999 / train, count).map((even, i) => {
    const sigma = moved(even);
    return [sigma, o.use_dynamic_shifting ? last + sigma * (first - last) : times[i]!];
  });
}

function heliosParts(o: SchedulerOptions, grid: PlanParts['grid']): Omit<PlanParts, 'solve' | 'order' | 'stochastic'> {
  if (!Number.isInteger(o.stages) || o.stages < 1)
    throw new ConfigError(`stages is a positive integer, got ${o.stages}`);
  if (o.use_dynamic_shifting && o.shift !== 1) {
    throw new ConfigError(
      `use_dynamic_shifting and shift ${o.shift} exclude each other`,
      'set shift to 1, or use_dynamic_shifting to false',
    );
  }
  return {
    process: rectifiedFlow({ scale: o.num_train_timesteps }),
    reading: { prediction: 'flow_prediction' },
    clips: false,
    grid,
    level: (ratio) => pointOf(flowLevel(ratio), flowLevel(ratio) * o.num_train_timesteps, true),
    initialScale: unitStart,
    evaluations: onePerStep,
  };
}

/** x̂₀ = x − σ̂·F on levels σ̂ = σ/α: how Helios reads a velocity when it does not count levels as a flow's. */
const ratioVelocity: Parameterisation = ({ alpha, sigma }) => ({ p: ((alpha - 1) * alpha) / sigma, q: alpha });

/**
 * Helios: UniPC or Euler on one stage of the pyramid. The network is told fractional times; Helios' own pipeline truncates
 * them. Throws `ConfigError` for scheduler_type 'dmd', which diffusers steps in a class of its own.
 */
export function heliosPlan(o: SchedulerOptions): PlanParts {
  if (o.scheduler_type === 'dmd') {
    throw new ConfigError("HeliosScheduler cannot step scheduler_type 'dmd'", 'use HeliosDMDScheduler');
  }
  const flow = o.use_flow_sigmas || o.scheduler_type === 'euler';
  // UniPC's λ stays finite at the end of a flow
  const end = flow && o.scheduler_type === 'unipc' ? 1e-8 : 0;
  const parts = heliosParts(o, (request): Grid => {
    const count = request.sigmas?.length ?? request.steps ?? 50;
    assertSteps(count, o.num_train_timesteps);
    const points = levels(o, count, request).map(([sigma, t]) => pointOf(sigma, t, flow));
    return [...points, { t: 0, alpha: 1, sigma: end }];
  });
  if (o.scheduler_type === 'euler') {
    return {
      ...parts,
      solve: (denoise, x, grid, options) => euler(denoise, x, grid, options),
      order: 1,
      stochastic: false,
    };
  }
  const velocity = o.prediction_type === 'flow_prediction';
  return {
    ...unipcPlan(o),
    ...parts,
    reading: { prediction: velocity && !flow ? ratioVelocity : o.prediction_type, predictionName: o.prediction_type },
  };
}

/**
 * Helios distilled (DMD): denoise to x̂₀, then back up to the next level by the noise the stage started from. The whole run
 * is decided by its start. `steps` evaluations; Helios' pipeline makes 2·steps for the first chunk of a video.
 */
export function heliosDmdPlan(o: SchedulerOptions): PlanParts {
  return {
    ...heliosParts(o, (request): Grid => {
      const count = request.sigmas?.length ?? (request.steps ?? 2) + 1;
      assertSteps(count - 1, o.num_train_timesteps);
      // the level nearest to the data is left out
      const points = levels(o, count, request)
        .slice(0, -1)
        .map(([sigma, t]): Point => ({ t, alpha: 1 - sigma, sigma }));
      return [...points, { t: 0, alpha: 1, sigma: 0 }];
    }),
    solve: (denoise, x, grid, options) => consistency(denoise, x, grid, { ...options, noise: () => x }),
    order: 1,
    stochastic: false,
  };
}
