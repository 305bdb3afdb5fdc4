/** @file Scheduler configurations at random: every class, every option, usual and awkward numbers of steps, own times and levels. */
import { SCHEDULER_DEFAULTS, type SchedulerClass } from '../../../src/diffusion/gaussian/index.ts';
import { optionsOf } from '../../../src/diffusion/gaussian/scheduler-config/read.ts';
import type { Random } from './random.ts';
import { CLASS_VALUES, DDPM_SCHEDULES, VALUES } from './scheduler-options.ts';

/** One run of a scheduler; the goldens of schedulers.py have the same form. */
export interface SchedulerSpec {
  readonly cls: SchedulerClass;
  readonly config: Readonly<Record<string, unknown>>;
  readonly steps: number;
  /** What the grid is asked for besides steps: timesteps, sigmas, mu, stage. */
  readonly grid: Readonly<Record<string, unknown>>;
  /** What the run is given. */
  readonly step: Readonly<Record<string, number | boolean>>;
  /** Whether the network predicts its variance too. */
  readonly learned: boolean;
  /** Asks diffusers for the same in float64, the network told these times. */
  readonly exact?: readonly number[];
}

const CLASSES = Object.keys(SCHEDULER_DEFAULTS) as SchedulerClass[];
/** Steps people ask for, and those at which roundings show. */
const STEPS = [
  1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 15, 16, 20, 24, 25, 28, 30, 33, 40, 48, 50, 60, 75, 96, 100, 112, 150,
];

const SPACED_SIGMAS = ['use_karras_sigmas', 'use_exponential_sigmas', 'use_beta_sigmas'];

const VARIANCES = ['fixed_small', 'fixed_small_log', 'fixed_large', 'fixed_large_log', 'learned', 'learned_range'];

/** One configuration: classes with many options come more often. */
export function drawScheduler(random: Random): SchedulerSpec {
  const cls = random.pick(WEIGHTED);
  const config = drawConfig(cls, random);
  const train = Number(config.num_train_timesteps ?? optionsOf(cls).num_train_timesteps ?? 1000);
  const steps = drawSteps(cls, train, random);
  return {
    cls,
    config,
    steps,
    grid: drawGrid(cls, config, train, steps, random),
    step: drawRun(cls, random),
    learned: config.variance_type === 'learned' || config.variance_type === 'learned_range',
  };
}

const WEIGHTED = CLASSES.flatMap((cls) =>
  new Array<SchedulerClass>(Math.ceil(Object.keys(optionsOf(cls)).length / 4)).fill(cls),
);

function drawConfig(cls: SchedulerClass, random: Random): Record<string, unknown> {
  const config: Record<string, unknown> = {};
  const known = optionsOf(cls);
  const boldness = random.pick([0.1, 0.25, 0.4]);
  for (const key of Object.keys(known)) {
    const values = CLASS_VALUES[cls]?.[key] ?? VALUES[key];
    if (values !== undefined && random.chance(boldness)) config[key] = random.pick(values);
  }
  const spaced = SPACED_SIGMAS.filter((key) => key in known);
  if (spaced.length > 0 && random.chance(0.4)) config[random.pick(spaced)] = true;
  if (cls.startsWith('DDPM') && 'beta_schedule' in known && random.chance(0.3)) {
    config.beta_schedule = random.pick(DDPM_SCHEDULES);
  }
  // the solvers with a learned variance take three channels for the prediction, and the toy has one
  const variances = cls.startsWith('DDPM') ? VARIANCES : ['fixed_small_log', 'learned_range'];
  if (/^(DDPM|UnCLIP)/.test(cls) && 'variance_type' in known && random.chance(0.5)) {
    config.variance_type = random.pick(variances);
  }
  if ('trained_betas' in known && random.chance(0.08)) {
    const count = random.pick([10, 16, 40]);
    config.num_train_timesteps = count;
    config.trained_betas = Array.from({ length: count }, (_, i) => Math.fround(0.002 + (0.2 * (i + 1)) / count));
    if (cls === 'IPNDMScheduler') delete config.trained_betas;
  }
  if (/^(sde-)?dpmsolver$/.test(String(config.algorithm_type)) && 'final_sigmas_type' in known && random.chance(0.9)) {
    config.final_sigmas_type = 'sigma_min';
  }
  if (config.use_flow_sigmas && random.chance(0.9)) config.prediction_type = 'flow_prediction';
  if (config.shift_terminal !== undefined && 'use_flow_sigmas' in known) config.use_flow_sigmas = true;
  if (config.scale_factors !== undefined) config.upscale_mode = 'nearest';
  if (config.stages === 1) config.stage_range = [0, 1];
  if (cls === 'RFD4ProteinaScheduler') {
    for (const key of ['schedule_mode', 'noise_mode', 'tsr_k', 'tsr_sigma']) config[key] ??= random.pick(VALUES[key]!);
  }
  return config;
}

function drawSteps(cls: SchedulerClass, train: number, random: Random): number {
  if (cls === 'ConsistencyDecoderScheduler') return 2;
  const few = /^(LCM|TCD|FlowMap|Piflow|SCM|FlowMatchLCM|CMStochastic|HeliosDMD)/.test(cls);
  const steps = random.chance(0.5) ? random.pick(STEPS) : random.integer(1, 25);
  if (few && random.chance(0.7)) return random.integer(1, Math.min(8, train));
  // now and then more than there are, and all there are
  if (steps > train) return random.chance(0.1) ? steps : random.integer(1, train);
  return train <= 100 && random.chance(0.1) ? train : steps;
}

/** What a class is given in place of a number of steps. `levels(n)`: n different levels in (0, 1], descending. */
type OwnGrid = (draw: {
  readonly random: Random;
  readonly times: () => number[];
  readonly levels: (scale?: number) => number[];
  readonly config: Readonly<Record<string, unknown>>;
  readonly train: number;
  readonly steps: number;
}) => Record<string, unknown>;

const ownTimes: OwnGrid = ({ times }) => ({ timesteps: times() });
const ownFlow: OwnGrid = ({ random, levels, config }) =>
  random.chance(0.5)
    ? { sigmas: levels() }
    : { timesteps: levels((config.num_train_timesteps as number | undefined) ?? 1000) };
const closedLevels: OwnGrid = ({ levels }) => ({ sigmas: [...levels(), 0] });

const OWN_GRIDS: Partial<Record<SchedulerClass, OwnGrid>> = {
  DDPMScheduler: ownTimes,
  DDPMParallelScheduler: ownTimes,
  DPMSolverMultistepScheduler: ownTimes,
  DPMSolverSinglestepScheduler: ownTimes,
  HeunDiscreteScheduler: ownTimes,
  LCMScheduler: ownTimes,
  TCDScheduler: ownTimes,
  CMStochasticIterativeScheduler: ownTimes,
  EulerDiscreteScheduler: (draw) =>
    draw.random.chance(0.5) ? ownTimes(draw) : { sigmas: [...draw.levels(14), draw.random.chance(0.7) ? 0 : 0.01] },
  UniPCMultistepScheduler: ({ levels, config }): Record<string, unknown> =>
    config.use_flow_sigmas === true ? { sigmas: levels() } : {},
  EDMEulerScheduler: ({ levels, config }): Record<string, unknown> =>
    config.sigma_schedule === 'exponential' ? {} : { sigmas: levels(80) },
  FlowMatchEulerDiscreteScheduler: ownFlow,
  FlowMatchLCMScheduler: ownFlow,
  FlowMapEulerDiscreteScheduler: ownFlow,
  LTXEulerAncestralRFScheduler: closedLevels,
  MiniMaxH3Scheduler: closedLevels,
  SCMScheduler: ({ random, steps }) => {
    const angles = random.distinct(steps, 1, 1570).map((angle) => angle / 1000);
    return { timesteps: [...angles.reverse(), 0] };
  },
};

/** What the grid is asked for besides steps; now and then times or levels of one's own. */
function drawGrid(
  cls: SchedulerClass,
  config: Readonly<Record<string, unknown>>,
  train: number,
  steps: number,
  random: Random,
): Record<string, unknown> {
  const count = Math.min(steps, 12, train);
  const own = random.chance(0.25) ? OWN_GRIDS[cls] : undefined;
  return {
    ...(config.use_dynamic_shifting === true && { mu: random.pick([0.5, 0.8, 1.15, 2]) }),
    ...(cls.startsWith('Helios') && { stage: config.stages === 1 ? 0 : random.integer(0, 2) }),
    ...own?.({
      random,
      config,
      train,
      steps,
      times: () => random.distinct(count, 0, train - 1).reverse(),
      levels: (scale = 1) =>
        random
          .distinct(count, 1, 1000)
          .map((level) => (level * scale) / 1000)
          .reverse(),
    }),
  };
}

/** What is handed to `step`. */
function drawRun(cls: SchedulerClass, random: Random): Record<string, number | boolean> {
  const some = random.chance(0.4);
  if (cls === 'RePaintScheduler') return { jumpLength: random.integer(1, 4), jumpSamples: random.integer(1, 3) };
  if (cls === 'RFD4ProteinaScheduler') return some ? { masked: true } : {};
  if (!some) return {};
  if (/^(DDIM(Parallel)?|CogVideoXD(DIM|PM))Scheduler$/.test(cls)) return { eta: random.pick([0.3, 0.5, 1]) };
  if (cls === 'TCDScheduler') return { eta: random.pick([0, 0.1, 0.2, 0.3, 0.5, 0.6, 0.7, 0.9, 1]) };
  if (cls === 'LMSDiscreteScheduler') return { order: random.integer(1, 4) };
  if (/^(Euler|EDMEuler|FlowMatchHeun)/.test(cls) && !cls.includes('Ancestral')) {
    return { sChurn: random.pick([1, 10]), sNoise: random.pick([1, 1.003]) };
  }
  return {};
}
