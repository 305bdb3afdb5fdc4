/** @file Every option of the Gaussian schedulers of diffusers 0.42 with its default: plain data, names as in the JSON. */

const BETAS = {
  num_train_timesteps: 1000,
  beta_start: 0.0001,
  beta_end: 0.02,
  beta_schedule: 'linear',
  trained_betas: null,
} as const;
const LATENT_BETAS = { ...BETAS, beta_start: 0.00085, beta_end: 0.012 } as const;
const THRESHOLD = { thresholding: false, dynamic_thresholding_ratio: 0.995, sample_max_value: 1 } as const;
const SIGMAS = { use_karras_sigmas: false, use_exponential_sigmas: false, use_beta_sigmas: false } as const;
const FLOW = {
  use_flow_sigmas: false,
  flow_shift: 1,
  use_dynamic_shifting: false,
  time_shift_type: 'exponential',
} as const;
const EPSILON = { prediction_type: 'epsilon' } as const;
const CLIP = { clip_sample: true, clip_sample_range: 1 } as const;
const LEADING = { timestep_spacing: 'leading', steps_offset: 0 } as const;
const LINSPACE = { timestep_spacing: 'linspace', steps_offset: 0 } as const;
const ZERO_SNR = { rescale_betas_zero_snr: false } as const;
const EDM = { sigma_min: 0.002, sigma_max: 80, sigma_data: 0.5, num_train_timesteps: 1000, rho: 7 } as const;

const DDPM = { ...BETAS, variance_type: 'fixed_small', ...CLIP, ...EPSILON, ...THRESHOLD, ...LEADING, ...ZERO_SNR };
const DDIM = { ...BETAS, ...CLIP, set_alpha_to_one: true, ...EPSILON, ...THRESHOLD, ...LEADING, ...ZERO_SNR };
const COGVIDEO = {
  ...LATENT_BETAS,
  beta_schedule: 'scaled_linear',
  ...CLIP,
  set_alpha_to_one: true,
  ...EPSILON,
  sample_max_value: 1,
  ...LEADING,
  ...ZERO_SNR,
  snr_shift_scale: 3,
};
const DPM = {
  ...BETAS,
  solver_order: 2,
  ...EPSILON,
  ...THRESHOLD,
  algorithm_type: 'dpmsolver++',
  solver_type: 'midpoint',
  lower_order_final: true,
  ...SIGMAS,
  ...FLOW,
  final_sigmas_type: 'zero',
  lambda_min_clipped: Number.NEGATIVE_INFINITY,
  variance_type: null,
};
const KARRAS_STEP = { ...LATENT_BETAS, ...EPSILON, ...SIGMAS, ...LINSPACE };
const DISTILLED = {
  ...LATENT_BETAS,
  beta_schedule: 'scaled_linear',
  original_inference_steps: 50,
  clip_sample: false,
  clip_sample_range: 1,
  set_alpha_to_one: true,
  ...EPSILON,
  ...THRESHOLD,
  ...LEADING,
  timestep_scaling: 10,
  ...ZERO_SNR,
};

const FLOW_MATCH = {
  num_train_timesteps: 1000,
  shift: 1,
  use_dynamic_shifting: false,
  base_shift: 0.5,
  max_shift: 1.15,
  base_image_seq_len: 256,
  max_image_seq_len: 4096,
  invert_sigmas: false,
  shift_terminal: null,
  ...SIGMAS,
  time_shift_type: 'exponential',
} as const;
const HELIOS = {
  num_train_timesteps: 1000,
  shift: 1,
  stages: 3,
  stage_range: [0, 1 / 3, 2 / 3, 1] as readonly number[],
  gamma: 1 / 3,
  prediction_type: 'flow_prediction',
  use_flow_sigmas: true,
  use_dynamic_shifting: false,
} as const;

/** Class name → options and defaults. `null` stands for what diffusers has no default for, too: see `REQUIRED_OPTIONS`. */
export const SCHEDULER_DEFAULTS = {
  DDPMScheduler: DDPM,
  DDPMParallelScheduler: DDPM,
  DDIMScheduler: DDIM,
  DDIMParallelScheduler: DDIM,
  DDIMInverseScheduler: {
    ...BETAS,
    ...CLIP,
    set_alpha_to_one: true,
    ...EPSILON,
    ...LEADING,
    ...ZERO_SNR,
  },
  CogVideoXDDIMScheduler: COGVIDEO,
  CogVideoXDPMScheduler: COGVIDEO,
  UnCLIPScheduler: {
    num_train_timesteps: 1000,
    variance_type: 'fixed_small_log',
    ...CLIP,
    ...EPSILON,
    beta_schedule: 'squaredcos_cap_v2',
  },
  DDPMWuerstchenScheduler: { scaler: 1, s: 0.008 },
  PNDMScheduler: { ...BETAS, skip_prk_steps: false, set_alpha_to_one: false, ...EPSILON, ...LEADING },
  DPMSolverMultistepScheduler: { ...DPM, euler_at_final: false, use_lu_lambdas: false, ...LINSPACE, ...ZERO_SNR },
  DPMSolverMultistepInverseScheduler: {
    ...BETAS,
    solver_order: 2,
    ...EPSILON,
    ...THRESHOLD,
    algorithm_type: 'dpmsolver++',
    solver_type: 'midpoint',
    lower_order_final: true,
    euler_at_final: false,
    ...SIGMAS,
    use_flow_sigmas: false,
    flow_shift: 1,
    lambda_min_clipped: Number.NEGATIVE_INFINITY,
    variance_type: null,
    ...LINSPACE,
  },
  DPMSolverSinglestepScheduler: { ...DPM, lower_order_final: false },
  UniPCMultistepScheduler: {
    ...BETAS,
    solver_order: 2,
    ...EPSILON,
    ...THRESHOLD,
    predict_x0: true,
    solver_type: 'bh2',
    lower_order_final: true,
    disable_corrector: [] as readonly number[],
    solver_p: null,
    ...SIGMAS,
    ...FLOW,
    ...LINSPACE,
    final_sigmas_type: 'zero',
    ...ZERO_SNR,
    sigma_min: null,
    sigma_max: null,
    shift_terminal: null,
  },
  DEISMultistepScheduler: {
    ...BETAS,
    solver_order: 2,
    ...EPSILON,
    ...THRESHOLD,
    algorithm_type: 'deis',
    solver_type: 'logrho',
    lower_order_final: true,
    ...SIGMAS,
    ...FLOW,
    ...LINSPACE,
  },
  SASolverScheduler: {
    ...BETAS,
    predictor_order: 2,
    corrector_order: 2,
    ...EPSILON,
    tau_func: null,
    ...THRESHOLD,
    algorithm_type: 'data_prediction',
    lower_order_final: true,
    ...SIGMAS,
    use_flow_sigmas: false,
    flow_shift: 1,
    lambda_min_clipped: Number.NEGATIVE_INFINITY,
    variance_type: null,
    ...LINSPACE,
  },
  EulerDiscreteScheduler: {
    ...BETAS,
    ...EPSILON,
    interpolation_type: 'linear',
    ...SIGMAS,
    sigma_min: null,
    sigma_max: null,
    ...LINSPACE,
    timestep_type: 'discrete',
    ...ZERO_SNR,
    final_sigmas_type: 'zero',
  },
  EulerAncestralDiscreteScheduler: { ...BETAS, ...EPSILON, ...LINSPACE, ...ZERO_SNR },
  HeunDiscreteScheduler: { ...KARRAS_STEP, clip_sample: false, clip_sample_range: 1 },
  KDPM2DiscreteScheduler: KARRAS_STEP,
  KDPM2AncestralDiscreteScheduler: KARRAS_STEP,
  DPMSolverSDEScheduler: { ...KARRAS_STEP, noise_sampler_seed: null },
  LMSDiscreteScheduler: { ...BETAS, ...SIGMAS, ...EPSILON, ...LINSPACE },
  IPNDMScheduler: { num_train_timesteps: 1000, trained_betas: null },
  LCMScheduler: DISTILLED,
  TCDScheduler: DISTILLED,
  EDMEulerScheduler: { ...EDM, sigma_schedule: 'karras', ...EPSILON, final_sigmas_type: 'zero' },
  EDMDPMSolverMultistepScheduler: {
    ...EDM,
    sigma_schedule: 'karras',
    ...EPSILON,
    solver_order: 2,
    ...THRESHOLD,
    algorithm_type: 'dpmsolver++',
    solver_type: 'midpoint',
    lower_order_final: true,
    euler_at_final: false,
    final_sigmas_type: 'zero',
  },
  CosineDPMSolverMultistepScheduler: {
    sigma_min: 0.3,
    sigma_max: 500,
    sigma_data: 1,
    sigma_schedule: 'exponential',
    num_train_timesteps: 1000,
    solver_order: 2,
    prediction_type: 'v_prediction',
    rho: 7,
    solver_type: 'midpoint',
    lower_order_final: true,
    euler_at_final: false,
    final_sigmas_type: 'zero',
  },
  CMStochasticIterativeScheduler: {
    num_train_timesteps: 40,
    sigma_min: 0.002,
    sigma_max: 80,
    sigma_data: 0.5,
    s_noise: 1,
    rho: 7,
    clip_denoised: true,
  },
  SCMScheduler: { num_train_timesteps: 1000, prediction_type: 'trigflow', sigma_data: 0.5 },
  FlowMatchEulerDiscreteScheduler: { ...FLOW_MATCH, stochastic_sampling: false },
  FlowMatchHeunDiscreteScheduler: { num_train_timesteps: 1000, shift: 1 },
  FlowMatchLCMScheduler: { ...FLOW_MATCH, scale_factors: null, upscale_mode: 'bicubic' },
  FlowMapEulerDiscreteScheduler: { num_train_timesteps: 1000, shift: 1 },
  PiflowScheduler: {
    num_train_timesteps: 1000,
    shift: 5,
    n_grid: 10,
    eps: 1e-6,
    final_step_size_scale: 0.5,
    num_policy_substeps: 128,
  },
  LTXEulerAncestralRFScheduler: { num_train_timesteps: 1000, eta: 1, s_noise: 1 },
  MiniMaxH3Scheduler: { shift: 12 },
  RFD4ProteinaScheduler: {
    schedule_mode: null,
    noise_mode: null,
    tsr_k: null,
    tsr_sigma: null,
    tail_steps: 10,
    tail_step_multiplier: 2,
    t_lim_ode: 0.95,
    t_lim_ode_below: 0.02,
  },
  HeliosScheduler: {
    ...HELIOS,
    thresholding: false,
    solver_order: 2,
    predict_x0: true,
    solver_type: 'bh2',
    lower_order_final: true,
    disable_corrector: [] as readonly number[],
    solver_p: null,
    scheduler_type: 'unipc',
    time_shift_type: 'exponential',
  },
  HeliosDMDScheduler: { ...HELIOS, time_shift_type: 'linear' },
  RePaintScheduler: { ...BETAS, eta: 0, clip_sample: true },
  ConsistencyDecoderScheduler: { num_train_timesteps: 1024, sigma_data: 0.5 },
  ScoreSdeVeScheduler: {
    num_train_timesteps: 2000,
    snr: 0.15,
    sigma_min: 0.01,
    sigma_max: 1348,
    sampling_eps: 1e-5,
    correct_steps: 1,
  },
  ScoreSdeVpScheduler: { num_train_timesteps: 2000, beta_min: 0.1, beta_max: 20, sampling_eps: 1e-3 },
  KarrasVeScheduler: { sigma_min: 0.02, sigma_max: 100, s_noise: 1.007, s_churn: 80, s_min: 0.05, s_max: 50 },
} as const;

/** Options that diffusers demands, with their types. */
export const REQUIRED_OPTIONS: Readonly<Record<string, Readonly<Record<string, 'string' | 'number'>>>> = {
  RFD4ProteinaScheduler: { schedule_mode: 'string', noise_mode: 'string', tsr_k: 'number', tsr_sigma: 'number' },
};

/** Options of another class that a class keeps in its config and hands on: LTX lays out its grid as flow-match Euler does. */
export const INHERITED_OPTIONS: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  LTXEulerAncestralRFScheduler: FLOW_MATCH,
};

/** Classes of diffusers that are no Gaussian sampling plan, and what they are. */
export const OTHER_SCHEDULERS: Readonly<Record<string, string>> = {
  VQDiffusionScheduler: 'works on discrete tokens',
  AmusedScheduler: 'works on discrete tokens',
  DiscreteDDIMScheduler: 'works on discrete tokens',
  BlockRefinementScheduler: 'works on discrete tokens',
  EntropyBoundScheduler: 'works on discrete tokens',
};

/** A scheduler class that inkwash understands. */
export type SchedulerClass = keyof typeof SCHEDULER_DEFAULTS;

/** Values an option may take, where that is a closed list. */
export const OPTION_CHOICES: Readonly<Record<string, readonly string[]>> = {
  beta_schedule: ['linear', 'scaled_linear', 'squaredcos_cap_v2', 'sigmoid', 'laplace'],
  timestep_spacing: ['leading', 'linspace', 'trailing'],
  final_sigmas_type: ['zero', 'sigma_min'],
  interpolation_type: ['linear', 'log_linear'],
  timestep_type: ['discrete', 'continuous'],
  sigma_schedule: ['karras', 'exponential'],
  schedule_mode: ['log', 'power'],
  noise_mode: ['1/t', 'tan'],
  scheduler_type: ['unipc', 'euler', 'dmd'],
  time_shift_type: ['exponential', 'linear'],
  prediction_type: ['epsilon', 'sample', 'v_prediction', 'flow_prediction', 'trigflow'],
  solver_type: ['midpoint', 'heun', 'bh1', 'bh2', 'logrho'],
  algorithm_type: [
    'dpmsolver',
    'dpmsolver++',
    'sde-dpmsolver',
    'sde-dpmsolver++',
    'deis',
    'data_prediction',
    'noise_prediction',
  ],
  upscale_mode: ['nearest', 'linear', 'bilinear', 'bicubic', 'trilinear', 'area', 'nearest-exact'],
};
