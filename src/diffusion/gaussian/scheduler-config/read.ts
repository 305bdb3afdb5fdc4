/** @file Reading and writing `scheduler_config.json`: names, types and defaults are those of diffusers. */
import { ConfigError } from '../../../tensor/index.ts';
import { oneOf, suggestion } from '../choices.ts';
import {
  INHERITED_OPTIONS,
  OPTION_CHOICES,
  OTHER_SCHEDULERS,
  REQUIRED_OPTIONS,
  SCHEDULER_DEFAULTS,
  type SchedulerClass,
} from './defaults.ts';

/** Every option of any scheduler, neutral where a class does not have it, so that builders need no special cases. */
export const NEUTRAL_OPTIONS = {
  num_train_timesteps: 1000,
  beta_start: 0.0001,
  beta_end: 0.02,
  beta_schedule: 'linear',
  trained_betas: null as readonly number[] | null,
  rescale_betas_zero_snr: false,
  snr_shift_scale: 1,
  scaler: 1,
  s: 0.008,
  prediction_type: 'epsilon',
  variance_type: null as string | null,
  clip_sample: false,
  clip_sample_range: 1,
  thresholding: false,
  dynamic_thresholding_ratio: 0.995,
  sample_max_value: 1,
  timestep_spacing: 'linspace',
  steps_offset: 0,
  set_alpha_to_one: true,
  skip_prk_steps: false,
  solver_order: 2,
  solver_type: 'midpoint',
  algorithm_type: 'dpmsolver++',
  lower_order_final: false,
  euler_at_final: false,
  predict_x0: true,
  disable_corrector: [] as readonly number[],
  solver_p: null as unknown,
  predictor_order: 2,
  corrector_order: 2,
  tau_func: null as unknown,
  use_karras_sigmas: false,
  use_exponential_sigmas: false,
  use_beta_sigmas: false,
  use_lu_lambdas: false,
  use_flow_sigmas: false,
  flow_shift: 1,
  use_dynamic_shifting: false,
  time_shift_type: 'exponential',
  final_sigmas_type: 'zero',
  lambda_min_clipped: Number.NEGATIVE_INFINITY,
  interpolation_type: 'linear',
  timestep_type: 'discrete',
  sigma_min: null as number | null,
  sigma_max: null as number | null,
  sigma_data: 0.5,
  sigma_schedule: 'karras',
  rho: 7,
  s_noise: 1,
  s_churn: 0,
  s_min: 0,
  s_max: Number.POSITIVE_INFINITY,
  beta_min: 0.1,
  beta_max: 20,
  clip_denoised: false,
  noise_sampler_seed: null as number | null,
  original_inference_steps: 50,
  timestep_scaling: 10,
  shift: 1,
  base_shift: 0.5,
  max_shift: 1.15,
  base_image_seq_len: 256,
  max_image_seq_len: 4096,
  invert_sigmas: false,
  shift_terminal: null as number | null,
  stochastic_sampling: false,
  scale_factors: null as readonly number[] | null,
  upscale_mode: 'bicubic',
  snr: 0.15,
  sampling_eps: 1e-5,
  correct_steps: 1,
  eta: 0,
  n_grid: 1,
  eps: 1e-6,
  final_step_size_scale: 1,
  num_policy_substeps: 128,
  schedule_mode: null as string | null,
  noise_mode: null as string | null,
  tsr_k: null as number | null,
  tsr_sigma: null as number | null,
  tail_steps: 0,
  tail_step_multiplier: 2,
  t_lim_ode: 1,
  t_lim_ode_below: 0,
  stages: 1,
  stage_range: [0, 1] as readonly number[],
  gamma: 1 / 3,
  scheduler_type: 'unipc',
};

/** A complete set of options. */
export type SchedulerOptions = typeof NEUTRAL_OPTIONS;

/** A config as read: the class, its options completed with defaults, and the keys nobody knows. */
export interface SchedulerConfig {
  readonly className: SchedulerClass;
  readonly options: SchedulerOptions;
  readonly unknownKeys: readonly string[];
}

/**
 * Checks a parsed `scheduler_config.json`. Unknown keys are reported in `unknownKeys`, not refused (diffusers ignores
 * them too). Throws `ConfigError` for an unknown class (the nearest is suggested), an option of the wrong type or an
 * unknown choice, and for combinations that diffusers refuses.
 */
export function readSchedulerConfig(json: unknown): SchedulerConfig {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw new ConfigError('a scheduler config is a JSON object', "e.g. { _class_name: 'DDIMScheduler' }");
  }
  const given = json as Readonly<Record<string, unknown>>;
  const name = given._class_name;
  if (typeof name !== 'string') {
    throw new ConfigError(
      "the scheduler config has no '_class_name'",
      "e.g. _class_name: 'DPMSolverMultistepScheduler'",
    );
  }
  const elsewhere = OTHER_SCHEDULERS[name];
  if (elsewhere !== undefined) throw new ConfigError(`${name} is no Gaussian sampling plan`, `it ${elsewhere}`);
  const className = oneOf('scheduler', name, Object.keys(SCHEDULER_DEFAULTS) as SchedulerClass[]);
  const defaults = optionsOf(className);
  const options: Record<string, unknown> = { ...NEUTRAL_OPTIONS, ...defaults };
  for (const [key, value] of Object.entries(given)) {
    if (Object.hasOwn(defaults, key)) options[key] = checkOption(key, value, defaults[key]);
  }
  requireOptions(className, options);
  const config = { className, options: options as SchedulerOptions, unknownKeys: unknownSchedulerKeys(given) };
  refuseCombinations(config);
  return config;
}

/** The keys of a scheduler config that no scheduler has, but for notes, which start with `_`. */
export function unknownSchedulerKeys(json: object): string[] {
  return Object.keys(json).filter((key) => !key.startsWith('_') && !Object.hasOwn(NEUTRAL_OPTIONS, key));
}

/** Every option a class keeps, its own and those it hands on, with its default. */
export function optionsOf(className: SchedulerClass): Readonly<Record<string, unknown>> {
  return { ...INHERITED_OPTIONS[className], ...SCHEDULER_DEFAULTS[className] };
}

/** Throws `ConfigError` naming what diffusers has no default for and `options` lacks. */
function requireOptions(className: SchedulerClass, options: Readonly<Record<string, unknown>>): void {
  for (const [key, type] of Object.entries(REQUIRED_OPTIONS[className] ?? {})) {
    if (typeof options[key] === type) continue;
    const choices = OPTION_CHOICES[key];
    throw new ConfigError(
      `${className} needs ${key}, a ${type}, and got ${JSON.stringify(options[key])}`,
      choices ? `one of ${choices.join(', ')}` : 'it has no default: it belongs to the trained model',
    );
  }
}

function checkOption(key: string, value: unknown, fallback: unknown): unknown {
  const neutral = (NEUTRAL_OPTIONS as Record<string, unknown>)[key];
  const choices = OPTION_CHOICES[key];
  if (choices !== undefined && value !== null) return oneOf(key, String(value), choices);
  if (value === null) {
    if (fallback === null || neutral === null) return null;
    // what JSON.stringify makes of an infinity
    if (fallback === Number.NEGATIVE_INFINITY || fallback === Number.POSITIVE_INFINITY) return fallback;
    throw new ConfigError(`${key} is null, expected a ${typeof fallback}`, `leave it out for ${String(fallback)}`);
  }
  const number = typeof fallback === 'number' ? pythonNumber(value) : value;
  if (fallback !== null && typeof number !== typeof fallback) {
    throw new ConfigError(`${key} is ${JSON.stringify(value)}, expected a ${typeof fallback}`);
  }
  return number;
}

/** Python writes infinities as `-Infinity` or, in older files, as the text `-inf`. */
function pythonNumber(value: unknown): unknown {
  if (value === '-inf' || value === '-Infinity') return Number.NEGATIVE_INFINITY;
  if (value === 'inf' || value === 'Infinity') return Number.POSITIVE_INFINITY;
  return value;
}

/** What diffusers refuses, refused here with a remedy. */
function refuseCombinations({ className, options: o }: SchedulerConfig): void {
  const sigmas = ['use_karras_sigmas', 'use_exponential_sigmas', 'use_beta_sigmas'].filter(
    (key) => o[key as 'use_karras_sigmas'],
  );
  if (sigmas.length > 1) {
    throw new ConfigError(`${sigmas.join(' and ')} exclude each other`, 'set at most one of them');
  }
  const endsAtZero =
    o.final_sigmas_type === 'zero' && Object.hasOwn(SCHEDULER_DEFAULTS[className], 'final_sigmas_type');
  if (endsAtZero && /^(sde-)?dpmsolver$/.test(o.algorithm_type)) {
    throw new ConfigError(
      `final_sigmas_type 'zero' does not work with algorithm_type '${o.algorithm_type}': its noise has no limit at σ = 0`,
      "set final_sigmas_type to 'sigma_min', or algorithm_type to 'dpmsolver++'",
    );
  }
  if (o.shift_terminal !== null && className === 'UniPCMultistepScheduler' && !o.use_flow_sigmas) {
    throw new ConfigError(
      'shift_terminal needs use_flow_sigmas',
      'set use_flow_sigmas to true, or drop shift_terminal',
    );
  }
  if (o.beta_schedule === 'laplace' || o.beta_schedule === 'sigmoid') {
    const known = /^DDPM(Parallel)?Scheduler$/.test(className);
    if (!known && !(className === 'RePaintScheduler' && o.beta_schedule === 'sigmoid')) {
      throw new ConfigError(
        `beta_schedule '${o.beta_schedule}' exists in diffusers for the DDPM schedulers only`,
        'to sample such a model with another solver, give its betas as trained_betas',
      );
    }
  }
  if (o.solver_p !== null) throw new ConfigError('solver_p (a scheduler inside UniPC) has no JSON form', 'remove it');
  if (o.tau_func !== null)
    throw new ConfigError('tau_func (a function) has no JSON form', {
      api: 'pass tau to the SA solver',
      cli: 'remove it',
    });
}

/** The version of diffusers whose format is written. */
export const DIFFUSERS_VERSION = '0.42.1';

/**
 * The JSON that diffusers loads: the class, the format's version, every option of the class, and what was given of those
 * it hands on. Infinities stay numbers, which Python's JSON has (`formatPythonJson`). Throws `ConfigError` for an option the class does not have, and for a missing one that diffusers demands.
 */
export function writeSchedulerConfig(
  className: SchedulerClass,
  options: Partial<SchedulerOptions> = {},
): Record<string, unknown> {
  oneOf('scheduler', className, Object.keys(SCHEDULER_DEFAULTS) as SchedulerClass[]);
  const defaults: Readonly<Record<string, unknown>> = SCHEDULER_DEFAULTS[className];
  const json: Record<string, unknown> = { _class_name: className, _diffusers_version: DIFFUSERS_VERSION };
  const known = optionsOf(className);
  for (const key of Object.keys(options)) {
    if (Object.hasOwn(known, key)) continue;
    throw new ConfigError(`${className} has no option '${key}'`, suggestion(key, Object.keys(known)));
  }
  requireOptions(className, { ...defaults, ...options });
  for (const [key, given] of Object.entries({ ...defaults, ...options })) {
    json[key] = given ?? known[key];
  }
  return json;
}
