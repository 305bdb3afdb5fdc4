/** @file Configurations of `UNet2DModel` drawn at random: mostly sound and small, often with one setting that is odd. */
import type { Random } from './random.ts';

/** A network, what it is asked, and how it is saved. JSON. */
export interface NetworkSpec {
  readonly config: Readonly<Record<string, unknown>>;
  /** Batch, height and width. */
  readonly shape: readonly [number, number, number];
  readonly seed: number;
  /** Whole numbers or not; small ones where float64 is compared, since diffusers rounds angles to float32. */
  readonly times: 'int' | 'float' | 'small';
  readonly labels: 'class' | 'timestep' | 'identity' | null;
  readonly save: 'plain' | 'half' | 'sharded' | 'ema';
  /**
   * What is compared: all gradients, by the engine of float64 or by ONNX Runtime, or the output of weights baked in, of the
   * ONNX export and of the folder that inkwash writes.
   */
  readonly compare: 'float64' | 'onnx' | 'files';
  /** The setting that was made odd. */
  readonly odd: string | null;
  /** A folder to load instead, which inkwash wrote. */
  readonly load?: string;
}

const FAMILIES = {
  plain: ['', 'Attn', 'Resnet'],
  skip: ['Skip', 'AttnSkip'],
  mixed: ['', 'Attn', 'Resnet', 'Skip', 'AttnSkip'],
} as const;

const NAMES = {
  '': ['DownBlock2D', 'UpBlock2D'],
  Attn: ['AttnDownBlock2D', 'AttnUpBlock2D'],
  Resnet: ['ResnetDownsampleBlock2D', 'ResnetUpsampleBlock2D'],
  Skip: ['SkipDownBlock2D', 'SkipUpBlock2D'],
  AttnSkip: ['AttnSkipDownBlock2D', 'AttnSkipUpBlock2D'],
} as const;

/** Values that few configurations have, by setting: what diffusers makes of them is to be found here too. */
const ODD: Readonly<Record<string, readonly unknown[]>> = {
  sample_size: [7, [8, 12], 1],
  in_channels: [1, 2, 4, 7],
  out_channels: [1, 2, 6],
  time_embedding_type: ['fourier', 'learned', 'positionnal'],
  time_embedding_dim: [0, 1, 5, 33],
  freq_shift: [1, 0.5, -3, 2, 4],
  down_block_types: [
    'UNetResDownBlock2D',
    'UNetResAttnDownBlock2D',
    'DownEncoderBlock2D',
    'CrossAttnDownBlock2D',
    'Down',
  ],
  up_block_types: ['UNetResUpBlock2D', 'UNetResAttnUpBlock2D', 'UpDecoderBlock2D', 'CrossAttnUpBlock2D', 'Up'],
  mid_block_type: [null, 'UNetMidBlock2DCrossAttn', 'UNetMidBlock2DSimpleCrossAttn', 'none', ''],
  block_out_channels: [1, 2, 3, 5, 7, 9, 15],
  layers_per_block: [0, 3, -1],
  mid_block_scale_factor: [-1, -0.5, 0, 1e-3, 40, Math.SQRT2],
  downsample_padding: [0, 2, -1, 3],
  downsample_type: [null, '', 'resnet', 'pool', 'Conv'],
  upsample_type: [null, '', 'resnet', 'nearest', 'Conv'],
  dropout: [0.3, 1, 1.5, -0.1],
  act_fn: ['SiLU', 'Swish', 'GELU', 'relu', 'ReLU', 'Mish', 'tanh', 'quick_gelu'],
  attention_head_dim: [null, 1, 2, 3, 5, 7, 0, -4, 64],
  norm_num_groups: [1, 3, 8, 0, -2, null],
  attn_norm_num_groups: [1, 2, 3, 0, -1],
  norm_eps: [0, 1, 1e-12, -1e-9, 0.1],
  resnet_time_scale_shift: ['scale_shift', 'spatial', 'ada_group', ''],
  class_embed_type: ['timestep', 'identity', 'projection', 'simple_projection', ''],
  num_class_embeds: [1, 0, -1, 1000],
  num_train_timesteps: [1, 0, -1, 20],
};

/** One network. */
export function drawNetwork(random: Random): NetworkSpec {
  const config = drawSound(random);
  const odd = random.chance(0.6) ? random.pick(Object.keys(ODD)) : null;
  if (odd !== null) makeOdd(config, odd, random);
  const levels = (config.down_block_types as string[]).length;
  const factor = 2 ** (levels - 1);
  const edge = () => factor * random.integer(1, random.chance(0.2) ? 4 : 2) + (random.chance(0.04) ? 1 : 0);
  const classes = config.class_embed_type;
  // programs with gradients take ONNX Runtime seconds to load
  const compare = random.pick(['float64', 'float64', 'float64', 'float64', 'onnx', 'files', 'files'] as const);
  const times = compare === 'float64' ? 'small' : random.pick(['int', 'float'] as const);
  return {
    config,
    shape: [random.integer(1, 3), edge(), edge()],
    seed: random.integer(0, 1e6),
    times: times === 'float' && config.time_embedding_type === 'learned' ? 'int' : times,
    labels: classes === 'timestep' || classes === 'identity' ? classes : takesClasses(config) ? 'class' : null,
    save: random.chance(0.7) ? 'plain' : random.pick(['half', 'sharded', 'ema'] as const),
    compare,
    odd,
  };
}

const takesClasses = ({ class_embed_type, num_class_embeds }: Record<string, unknown>): boolean =>
  (class_embed_type ?? null) === null && (num_class_embeds ?? null) !== null;

/** A configuration that a careful user could write. */
function drawSound(random: Random): Record<string, unknown> {
  const family = random.chance(0.65) ? 'plain' : random.pick(['skip', 'mixed'] as const);
  const kinds = Array.from({ length: random.pick([1, 1, 2, 2, 2, 3]) }, () => random.pick(FAMILIES[family]));
  const upwards = random.chance(0.7) ? [...kinds].reverse() : kinds.map(() => random.pick(FAMILIES[family]));
  // skip blocks with attention norm in 32 groups
  const wide = [...kinds, ...upwards].includes('AttnSkip');
  const widths = wide ? [32] : family === 'plain' ? [4, 8, 8, 12, 16] : [4, 8, 16, 24];
  const groups = random.pick([1, 2, 4]);
  const config: Record<string, unknown> = {
    block_out_channels: kinds.map(() => random.pick(widths)),
    down_block_types: kinds.map((kind) => NAMES[kind][0]),
    up_block_types: upwards.map((kind) => NAMES[kind][1]),
    layers_per_block: random.pick([1, 1, 1, 2]),
    norm_num_groups: family === 'skip' && random.chance(0.5) ? null : groups,
    in_channels: family === 'plain' ? random.integer(1, 4) : 3,
    out_channels: family === 'plain' ? random.integer(1, 4) : 3,
  };
  const sometimes = (key: string, p: number, values: readonly unknown[]): void => {
    if (random.chance(p)) config[key] = random.pick(values);
  };
  sometimes('attention_head_dim', 0.8, [1, 2, 3, 4, 4, null]);
  config.attention_head_dim ??= config.attention_head_dim === undefined ? 4 : null;
  sometimes('act_fn', 0.4, ['silu', 'swish', 'mish', 'gelu', 'relu']);
  sometimes('time_embedding_type', 0.4, ['positional', 'fourier', 'learned']);
  if (config.time_embedding_type === 'learned') config.num_train_timesteps = random.integer(1, 30);
  sometimes('time_embedding_dim', 0.3, [8, 12, 20]);
  sometimes('flip_sin_to_cos', 0.4, [true, false]);
  sometimes('freq_shift', 0.3, [0, 1, 0.5]);
  sometimes('center_input_sample', 0.3, [true]);
  sometimes('mid_block_type', 0.2, [null, 'UNetMidBlock2D']);
  sometimes('mid_block_scale_factor', 0.2, [Math.SQRT2, 2, 0.7]);
  sometimes('downsample_padding', 0.3, [0, 1]);
  sometimes('downsample_type', 0.3, ['conv', 'resnet']);
  sometimes('upsample_type', 0.3, ['conv', 'resnet']);
  sometimes('resnet_time_scale_shift', 0.4, ['default', 'scale_shift']);
  sometimes('add_attention', 0.3, [true, false]);
  sometimes('attn_norm_num_groups', 0.2, [1, 2, 4]);
  sometimes('norm_eps', 0.2, [1e-6, 1e-4]);
  sometimes('class_embed_type', 0.25, ['timestep', 'identity', null]);
  sometimes('num_class_embeds', 0.25, [1, 3, 10]);
  return config;
}

function makeOdd(config: Record<string, unknown>, key: string, random: Random): void {
  const value = random.pick(ODD[key]!);
  const list = config[key];
  if (!Array.isArray(list)) {
    config[key] = value;
  } else if (random.chance(0.1)) {
    list.push(value);
  } else {
    // in one place, or everywhere
    const at = random.integer(0, list.length - 1);
    config[key] = list.map((own, i) =>
      i === at || (key === 'block_out_channels' && random.chance(0.5)) ? value : own,
    );
    if (key === 'block_out_channels' && random.chance(0.7)) config.norm_num_groups = 1;
    if (key === 'block_out_channels' && random.chance(0.7)) config.attention_head_dim = random.pick([1, null]);
  }
  if (key === 'layers_per_block' && value === 0 && random.chance(0.7)) {
    const channels = config.block_out_channels as number[];
    config.block_out_channels = channels.map(() => channels[0]);
  }
  if (config.time_embedding_type === 'learned' && key === 'time_embedding_type') config.num_train_timesteps ??= 10;
}
