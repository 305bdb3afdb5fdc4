/** @file `TrainingConfig`: everything needed to repeat a run, checked, with every default visible. */
import { z } from 'zod';
import { SettingError } from '../tensor/index.ts';
import { type ConfigObject, checkKeys, misfit } from './config-keys.ts';

const count = z.int().positive();
const fraction = z.number().min(0).lt(1);
/** Steps, or a time such as `'30s'`; 0 is never. */
const interval = z.union([z.int().nonnegative(), z.string()]);

const dataSchema = z.strictObject({
  /** Name of a built-in data set, or the path of a folder of pictures. */
  spec: z.string().min(1),
  /** Edge of square pictures, or width x height as in '48x32'; null: the data set's own, 32 for folders. */
  size: z
    .union([count, z.templateLiteral([z.int(), 'x', z.int()])])
    .nullable()
    .default(null),
  channels: z.enum(['rgb', 'grey', 'auto']).default('auto'),
  crop: z.enum(['centre', 'stretch', 'pad']).default('centre'),
  /** Mirror pictures left to right at random. */
  flip: z.boolean().default(false),
  /** Attributes that make the class label (avatars). */
  labelBy: z
    .union([z.string(), z.array(z.string()).min(1)])
    .nullable()
    .default(null),
  /** Pictures to train on (avatars). */
  count: count.nullable().default(null),
  /** Pictures to hold out for validation: a fraction below 1 or a count; null: the data set's own. */
  heldOut: z.number().nonnegative().nullable().default(null),
  /** Column of the captions in the metadata files of a folder. */
  captionColumn: z.string().min(1).default('text'),
  /** Reads sub-folders as kohya's trainers do: `10_cat` holds pictures of `cat`, each seen 10 times an epoch. */
  folderRepeats: z.boolean().default(false),
});

const diffusionSchema = z.strictObject({
  num_train_timesteps: count.default(1000),
  beta_schedule: z.enum(['linear', 'scaled_linear', 'squaredcos_cap_v2', 'sigmoid']).default('squaredcos_cap_v2'),
  beta_start: z.number().positive().lt(1).default(0.0001),
  beta_end: z.number().positive().lt(1).default(0.02),
  prediction_type: z.enum(['epsilon', 'v_prediction', 'sample']).default('v_prediction'),
  rescale_betas_zero_snr: z.boolean().default(false),
});

const objectiveSchema = z.strictObject({
  /** γ of min-SNR weighting (Hang et al. 2023); null: every time weighs the same. */
  snrGamma: z.number().positive().nullable().default(null),
  timeSampling: z.enum(['stratified', 'uniform']).default('stratified'),
});

const optimizerSchema = z.strictObject({
  /** 'muon' orthogonalises the updates of inner matrices and leaves the rest to AdamW. */
  name: z.enum(['adamw', 'muon']).default('adamw'),
  /** Muon's rate as a multiple of `learningRate`, and its momentum. */
  muonRate: z.number().positive().default(1),
  momentum: fraction.default(0.95),
  betas: z.tuple([fraction, fraction]).default([0.9, 0.999]),
  epsilon: z.number().positive().default(1e-8),
  weightDecay: z.number().nonnegative().default(0.01),
});

const emaSchema = z.strictObject({
  /** Largest decay of the averaged weights. */
  decay: fraction.default(0.999),
  /** Exponent of the warm-up `1 - (1 + step)^-power`; 0: `(1 + step) / (10 + step)`. */
  power: z.number().nonnegative().default(0),
});

const conditioningSchema = z.strictObject({
  /** Whether the network is told the class. */
  labels: z.boolean().default(false),
  /** Fraction of pictures whose class is hidden, for classifier-free guidance. */
  dropout: fraction.default(0.1),
});

const samplingSchema = z.strictObject({
  /** How previews and the final pictures are sampled; also the model's default. */
  solver: z.string().default('dpm++2m'),
  steps: count.default(20),
  guidance: z.number().nonnegative().default(1),
});

const schema = z.strictObject({
  data: dataSchema,
  /** Configuration of diffusers' `UNet2DModel`. */
  model: z.record(z.string(), z.json()).default({}),
  diffusion: diffusionSchema.prefault({}),
  objective: objectiveSchema.prefault({}),
  batchSize: count.default(32),
  /** Batches whose gradients are averaged before an update. */
  accumulate: count.default(1),
  optimizer: optimizerSchema.prefault({}),
  /** Peak rate. */
  learningRate: z.number().positive().default(1e-3),
  warmupSteps: z.int().nonnegative().default(50),
  decay: z.enum(['constant', 'linear', 'cosine']).default('cosine'),
  /** Fraction of the run before the rate decays; 0 is the classic warm-up and decay. */
  hold: fraction.default(0.5),
  /** Largest norm of the gradient; null: unlimited. */
  gradientClip: z.number().positive().nullable().default(1),
  ema: emaSchema.prefault({}),
  conditioning: conditioningSchema.prefault({}),
  sampling: samplingSchema.prefault({}),
  seed: z.int().nonnegative().default(0),
  /** Length of the run: exactly one of the three. `minutes` counts everything, the final pictures included. */
  steps: count.nullable().default(null),
  minutes: z.number().positive().nullable().default(null),
  epochs: z.number().positive().nullable().default(null),
  previewEvery: interval.default('30s'),
  validateEvery: interval.default('60s'),
  checkpointEvery: interval.default('60s'),
  /** Checkpoints to keep; older ones are removed. */
  keepCheckpoints: count.default(2),
  /** Threads of one op; null: as many as there are physical cores. */
  threads: count.nullable().default(null),
  device: z.enum(['cpu', 'webgpu', 'cuda', 'coreml', 'dml']).default('cpu'),
});

/** A complete configuration. */
export type TrainingConfig = Readonly<z.output<typeof schema>>;

type Loose<T> = T extends readonly unknown[] ? T : T extends object ? { readonly [K in keyof T]?: Loose<T[K]> } : T;

/** What a configuration may leave out; `data` may be its `spec` alone. */
export type TrainingConfigInput = Loose<Omit<TrainingConfig, 'data'>> & {
  readonly data?: string | Loose<TrainingConfig['data']>;
};

/** Settings of a run's length, of which one is given. */
export const LENGTHS = ['steps', 'minutes', 'epochs'] as const;

/**
 * Throws `ConfigError` for a key that does not exist, with the nearest one that does. `model` is checked by the network.
 */
export function checkConfigKeys(config: object): void {
  checkKeys(config as ConfigObject, schema);
}

/**
 * Checks a configuration and fills in the defaults. Throws `ConfigError` naming the setting: unknown keys (with the
 * nearest one), values out of range, and a length that is not exactly one of steps, minutes and epochs.
 */
export function parseTrainingConfig(config: object): TrainingConfig {
  checkConfigKeys(config);
  const result = schema.safeParse(config);
  if (!result.success) throw misfit(result.error, config);
  const parsed = result.data;
  const given = LENGTHS.filter((key) => parsed[key] !== null);
  if (given.length !== 1) {
    throw new SettingError((nameOf) => [
      given.length === 0
        ? 'the length of the run is not given'
        : `the length of the run is given ${given.length} times: ${given.map(nameOf).join(', ')}`,
      `give exactly one of ${nameOf('steps')}, ${nameOf('minutes')} and ${nameOf('epochs')}`,
    ]);
  }
  return parsed;
}
