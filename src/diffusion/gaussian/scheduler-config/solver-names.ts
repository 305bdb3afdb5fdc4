/** @file Short names of solvers, and a model's own schedule rewritten for another solver. */
import { ConfigError, nearestName } from '../../../tensor/index.ts';
import { SCHEDULER_DEFAULTS, type SchedulerClass } from './defaults.ts';
import { optionsOf, readSchedulerConfig, type SchedulerOptions, writeSchedulerConfig } from './read.ts';

/** A scheduler class, and the options that make the solver. */
type Recipe = readonly [className: SchedulerClass, options: Partial<SchedulerOptions>];

const TRAILING = { timestep_spacing: 'trailing' } as const;

const RECIPES = {
  ddpm: ['DDPMScheduler', TRAILING],
  ddim: ['DDIMScheduler', TRAILING],
  pndm: ['PNDMScheduler', TRAILING],
  'dpm++2m': ['DPMSolverMultistepScheduler', TRAILING],
  'dpm++2m-karras': ['DPMSolverMultistepScheduler', { use_karras_sigmas: true }],
  'dpm++3m': ['DPMSolverMultistepScheduler', { ...TRAILING, solver_order: 3 }],
  'dpm++2m-sde': ['DPMSolverMultistepScheduler', { ...TRAILING, algorithm_type: 'sde-dpmsolver++' }],
  'dpm++2s': ['DPMSolverSinglestepScheduler', { lower_order_final: true }],
  unipc: ['UniPCMultistepScheduler', TRAILING],
  deis: ['DEISMultistepScheduler', TRAILING],
  sa: ['SASolverScheduler', TRAILING],
  euler: ['EulerDiscreteScheduler', TRAILING],
  'euler-a': ['EulerAncestralDiscreteScheduler', TRAILING],
  heun: ['HeunDiscreteScheduler', TRAILING],
  lms: ['LMSDiscreteScheduler', TRAILING],
} as const satisfies Record<string, Recipe>;

/** A short name, as the command line takes it. */
export type SolverName = keyof typeof RECIPES;

/** All short names. */
export const SOLVER_NAMES = Object.keys(RECIPES) as readonly SolverName[];

/** What belongs to the model, not to the solver. */
const MODEL_OPTIONS = [
  'num_train_timesteps',
  'beta_start',
  'beta_end',
  'beta_schedule',
  'trained_betas',
  'rescale_betas_zero_snr',
  'prediction_type',
  'variance_type',
  'clip_sample',
  'clip_sample_range',
  'thresholding',
  'dynamic_thresholding_ratio',
  'sample_max_value',
] as const satisfies readonly (keyof SchedulerOptions)[];

/**
 * The scheduler config that samples the model of config `json` with `solver`. A class name carries over every option the
 * class has, as diffusers' `from_config` does. A short name carries over what belongs to the model and chooses the rest;
 * where the model clips its predictions to [-1, 1] and the class cannot, thresholding at 1 does the same.
 * Throws `ConfigError` naming the nearest solver.
 */
export function schedulerForSolver(json: unknown, solver: string): Record<string, unknown> {
  const { options: own } = readSchedulerConfig(json);
  const name = solverNamed(solver);
  const recipe: Recipe | undefined = name in RECIPES ? RECIPES[name as SolverName] : undefined;
  const className = recipe?.[0] ?? (name as SchedulerClass);
  const known = optionsOf(className);
  const given = json as Readonly<Record<string, unknown>>;
  const carried: Record<string, unknown> = {};
  for (const key of recipe ? MODEL_OPTIONS : (Object.keys(own) as (keyof SchedulerOptions)[])) {
    if (Object.hasOwn(known, key) && (recipe !== undefined || Object.hasOwn(given, key))) carried[key] = own[key];
  }
  // some classes have no fixed variance to choose
  if (carried.variance_type === null || known.variance_type === null) delete carried.variance_type;
  const clips = own.clip_sample && own.clip_sample_range === 1 && !own.thresholding;
  if (recipe && clips && !Object.hasOwn(known, 'clip_sample') && Object.hasOwn(known, 'thresholding')) {
    Object.assign(carried, { thresholding: true, sample_max_value: 1 });
  }
  return writeSchedulerConfig(className, { ...carried, ...recipe?.[1] } as Partial<SchedulerOptions>);
}

function solverNamed(solver: string): SolverName | SchedulerClass {
  const names = [...SOLVER_NAMES, ...(Object.keys(SCHEDULER_DEFAULTS) as SchedulerClass[])];
  const known = names.find((name) => name === solver);
  if (known !== undefined) return known;
  const near = nearestName(solver, names);
  throw new ConfigError(
    `there is no solver '${solver}'`,
    `${near ? `did you mean '${near}'? ` : ''}the solvers are: ${SOLVER_NAMES.join(', ')}; or a scheduler class of diffusers`,
  );
}
