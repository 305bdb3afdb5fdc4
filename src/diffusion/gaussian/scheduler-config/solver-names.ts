/** @file Short names of solvers and grids, and a model's own schedule rewritten for another solver. */
import { ConfigError, nearestName } from '../../../tensor/index.ts';
import { GRID_NAMES, type GridName } from '../grids/named-grids.ts';
import { SCHEDULER_DEFAULTS, type SchedulerClass } from './defaults.ts';
import { optionsOf, readSchedulerConfig, type SchedulerOptions, writeSchedulerConfig } from './read.ts';

/** A scheduler class, and the options that make the solver. */
type Recipe = readonly [className: SchedulerClass, options: Partial<SchedulerOptions>];

const TRAILING = { timestep_spacing: 'trailing' } as const;

/**
 * For methods that average slopes over a step: from the last time of a cosine schedule, where σ/α is 20 000, to the next
 * their error is of the size of that first level. Leading times start below it.
 */
const LEADING = { timestep_spacing: 'leading' } as const;

const RECIPES = {
  ddpm: ['DDPMScheduler', TRAILING],
  ddim: ['DDIMScheduler', TRAILING],
  pndm: ['PNDMScheduler', LEADING],
  'dpm++2m': ['DPMSolverMultistepScheduler', TRAILING],
  'dpm++3m': ['DPMSolverMultistepScheduler', { ...TRAILING, solver_order: 3 }],
  'dpm++2m-sde': ['DPMSolverMultistepScheduler', { ...TRAILING, algorithm_type: 'sde-dpmsolver++' }],
  'dpm++2s': ['DPMSolverSinglestepScheduler', { lower_order_final: true }],
  unipc: ['UniPCMultistepScheduler', TRAILING],
  deis: ['DEISMultistepScheduler', TRAILING],
  sa: ['SASolverScheduler', TRAILING],
  euler: ['EulerDiscreteScheduler', TRAILING],
  'euler-a': ['EulerAncestralDiscreteScheduler', TRAILING],
  heun: ['HeunDiscreteScheduler', LEADING],
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

/** Options that choose a grid, where the class has them. */
const GRID_OPTIONS: Partial<Record<GridName, Partial<SchedulerOptions>>> = {
  leading: LEADING,
  linspace: { timestep_spacing: 'linspace' },
  trailing: TRAILING,
  karras: { use_karras_sigmas: true },
  exponential: { use_exponential_sigmas: true },
  lu: { use_lu_lambdas: true },
  beta: { use_beta_sigmas: true },
};

/** A solver as it is named, and the grid it is named with. */
export interface NamedSolver {
  readonly name: SolverName | SchedulerClass;
  /** Undefined for the solver's own. */
  readonly grid: GridName | undefined;
  /** Options of the class that make that grid; undefined when diffusers has none for it. */
  readonly gridOptions: Partial<SchedulerOptions> | undefined;
}

/**
 * Reads `dpm++2m`, `dpm++2m-karras` or a scheduler class of diffusers. Throws `ConfigError` naming the nearest solver or
 * grid, and for a grid on a solver that cannot take one.
 */
export function readSolverName(text: string): NamedSolver {
  const classes = Object.keys(SCHEDULER_DEFAULTS) as SchedulerClass[];
  const known = [...SOLVER_NAMES, ...classes].find((name) => name === text);
  if (known !== undefined) return { name: known, grid: undefined, gridOptions: undefined };
  const base = SOLVER_NAMES.filter((name) => text.startsWith(`${name}-`)).sort((a, b) => b.length - a.length)[0];
  const grid = GRID_NAMES.find((name) => text === `${base}-${name}`);
  if (base === undefined || grid === undefined) throw unknownSolver(text, base, classes);
  if (base === EVEN_STEPS) {
    throw new ConfigError(
      `${base} takes even steps of training times and no other grid`,
      `lms-${grid} and dpm++2m-${grid} remember slopes too, on any grid`,
    );
  }
  const options = GRID_OPTIONS[grid];
  const has: object = SCHEDULER_DEFAULTS[RECIPES[base][0]];
  const carried = options !== undefined && Object.keys(options).every((key) => Object.hasOwn(has, key));
  return { name: base, grid, gridOptions: carried ? options : undefined };
}

/** The weights of PNDM are those of equal steps. */
const EVEN_STEPS: SolverName = 'pndm';

/** Whether a grid can be put on the solver of this short name. */
export function takesGrids(solver: string): boolean {
  return solver !== EVEN_STEPS && SOLVER_NAMES.some((name) => name === solver);
}

/**
 * The scheduler config that samples the model of config `json` with `solver`. A class name carries over every option the
 * class has, as diffusers' `from_config` does. A short name carries over what belongs to the model and chooses the rest;
 * where the model clips its predictions to [-1, 1] and the class cannot, thresholding at 1 does the same.
 * A grid in the name is carried where the class has an option for it. Throws `ConfigError` as `readSolverName` does.
 */
export function schedulerForSolver(json: unknown, solver: string): Record<string, unknown> {
  const { options: own } = readSchedulerConfig(json);
  const { name, gridOptions } = readSolverName(solver);
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
  return writeSchedulerConfig(className, { ...carried, ...recipe?.[1], ...gridOptions } as Partial<SchedulerOptions>);
}

function unknownSolver(text: string, base: SolverName | undefined, classes: readonly string[]): ConfigError {
  if (base !== undefined && base !== EVEN_STEPS) {
    const grid = text.slice(base.length + 1);
    const near = nearestName(grid, GRID_NAMES);
    return new ConfigError(
      `there is no grid '${grid}' for ${base}`,
      `${near ? `did you mean '${base}-${near}'? ` : ''}the grids are: ${GRID_NAMES.join(', ')}`,
    );
  }
  const near = nearestName(text, [...SOLVER_NAMES, ...classes]);
  return new ConfigError(
    `there is no solver '${text}'`,
    `${near ? `did you mean '${near}'? ` : ''}the solvers are: ${SOLVER_NAMES.join(', ')}; or a scheduler class of diffusers`,
  );
}
