/** @file diffusers' `UNet2DModel`: the U-Net of DDPM and NCSN++ (Ho et al. 2020; Song et al. 2021). */
import type { Tensor } from '../graph/index.ts';
import {
  Conv2d,
  Embedding,
  GaussianFourierProjection,
  GroupNorm,
  Module,
  silu,
  TimestepEmbedding,
  Timesteps,
} from '../nn/index.ts';
import { ConfigError, type Dtype, formatShape, type Shape, ShapeError } from '../tensor/index.ts';
import { currentAttentionKey } from './attention-block.ts';
import {
  type DownBlock,
  DownBlock2D,
  type UNetBlockOptions,
  UNetMidBlock2D,
  type UpBlock,
  UpBlock2D,
} from './unet-blocks.ts';
import { defaultGroups, SkipDownBlock2D, SkipUpBlock2D } from './unet-skip-blocks.ts';
import { resamplingOf } from './unet2d-checks.ts';
import { knownUNet2DKeys, parseUNet2DConfig, type UNet2DConfig, type UNet2DConfigInput } from './unet2d-config.ts';

/** Standard deviation of the Fourier frequencies, fixed in diffusers. */
const FOURIER_SCALE = 16;

function timeProjection(config: UNet2DConfig): Timesteps | GaussianFourierProjection | Embedding {
  const dimension = config.block_out_channels[0]!;
  switch (config.time_embedding_type) {
    case 'fourier':
      return new GaussianFourierProjection(dimension, { scale: FOURIER_SCALE });
    case 'learned':
      return new Embedding(config.num_train_timesteps!, dimension);
    case 'positional':
      return new Timesteps(dimension, {
        flipSinToCos: config.flip_sin_to_cos,
        downscaleFreqShift: config.freq_shift,
      });
  }
}

function blockOptions(config: UNet2DConfig, tembChannels: number, channels: number): UNetBlockOptions {
  return {
    tembChannels,
    groups: config.norm_num_groups ?? defaultGroups(channels),
    epsilon: config.norm_eps,
    activation: config.act_fn,
    timeScaleShift: config.resnet_time_scale_shift,
    dropout: config.dropout,
    headDim: config.attention_head_dim,
    downsamplePadding: config.downsample_padding,
  };
}

/** How a block changes the resolution: attention blocks ask the configuration, `Resnet…` blocks use a residual block. */
function resampling(type: string, configured: string | null): 'conv' | 'resnet' {
  if (type.startsWith('Attn')) return resamplingOf(configured) ?? 'conv';
  return type.startsWith('Resnet') ? 'resnet' : 'conv';
}

function downBlocks(config: UNet2DConfig, shared: UNetBlockOptions): DownBlock[] {
  const channels = config.block_out_channels;
  return config.down_block_types.map((type, i) => {
    const options = {
      ...shared,
      inChannels: channels[Math.max(0, i - 1)]!,
      outChannels: channels[i]!,
      layers: config.layers_per_block,
      attention: type.startsWith('Attn'),
      downsample: i < channels.length - 1 ? resampling(type, config.downsample_type) : null,
    };
    return type.includes('Skip') ? new SkipDownBlock2D(options) : new DownBlock2D(options);
  });
}

function upBlocks(config: UNet2DConfig, shared: UNetBlockOptions): UpBlock[] {
  const channels = [...config.block_out_channels].reverse();
  return config.up_block_types.map((type, i) => {
    const options = {
      ...shared,
      inChannels: channels[Math.min(i + 1, channels.length - 1)]!,
      outChannels: channels[i]!,
      prevOutputChannels: channels[Math.max(0, i - 1)]!,
      layers: config.layers_per_block + 1,
      attention: type.startsWith('Attn'),
      upsample: i < channels.length - 1 ? resampling(type, config.upsample_type) : null,
    };
    return type.includes('Skip') ? new SkipUpBlock2D(options) : new UpBlock2D(options);
  });
}

export interface UNet2DOptions {
  /** Of the first values; with the same seed and configuration they are the same on every machine. Default 0. */
  readonly seed?: number;
}

/** Options of `UNet2DModel.fromConfig`. */
export interface FromConfigOptions extends UNet2DOptions {
  /** Told of keys that are ignored. Default: the console. */
  readonly onWarning?: (message: string) => void;
}

/**
 * Predicts noise (or v, or the clean sample) from a noisy sample and its time: diffusers' `UNet2DModel`, with its
 * configuration keys, defaults and parameter names.
 */
export class UNet2DModel extends Module {
  readonly config: UNet2DConfig;
  readonly convIn: Conv2d;
  readonly timeProj: Timesteps | GaussianFourierProjection | Embedding;
  readonly timeEmbedding: TimestepEmbedding;
  readonly classEmbedding: Embedding | TimestepEmbedding | undefined;
  readonly downBlocks: readonly DownBlock[];
  readonly midBlock: UNetMidBlock2D | undefined;
  readonly upBlocks: readonly UpBlock[];
  readonly convNormOut: GroupNorm;
  readonly convOut: Conv2d;

  /** Throws `ConfigError` for settings that are unknown or do not fit each other. */
  constructor(configuration: UNet2DConfigInput = {}, { seed = 0 }: UNet2DOptions = {}) {
    super();
    const config = parseUNet2DConfig(configuration);
    this.config = config;
    const first = config.block_out_channels[0]!;
    const last = config.block_out_channels.at(-1)!;
    const tembChannels = config.time_embedding_dim || 4 * first;
    const timeFeatures = config.time_embedding_type === 'fourier' ? 2 * first : first;
    this.convIn = new Conv2d(config.in_channels, first, 3, { padding: 1 });
    this.timeProj = timeProjection(config);
    this.timeEmbedding = new TimestepEmbedding(timeFeatures, tembChannels);
    if (config.class_embed_type === 'timestep') {
      this.classEmbedding = new TimestepEmbedding(timeFeatures, tembChannels);
    } else if (config.class_embed_type === null && config.num_class_embeds !== null) {
      this.classEmbedding = new Embedding(config.num_class_embeds, tembChannels);
    }
    const shared = blockOptions(config, tembChannels, last);
    this.downBlocks = downBlocks(config, shared);
    if (config.mid_block_type !== null) {
      const groups = config.resnet_time_scale_shift === 'default' ? shared.groups : null;
      this.midBlock = new UNetMidBlock2D(last, {
        ...shared,
        attention: config.add_attention,
        attentionGroups: config.attn_norm_num_groups ?? groups,
        outputScaleFactor: config.mid_block_scale_factor,
      });
    }
    this.upBlocks = upBlocks(config, shared);
    this.convNormOut = new GroupNorm(config.norm_num_groups ?? defaultGroups(first), first, {
      epsilon: config.norm_eps,
    });
    this.convOut = new Conv2d(first, config.out_channels, 3, { padding: 1 });
    this.#checkNorms();
    this.initialize(seed);
  }

  /**
   * A network from the JSON of a `config.json`. Keys it does not have are ignored, as in diffusers, with a warning that names
   * them, those that start with `_` without. Throws `ConfigError` for values that do not fit.
   */
  static fromConfig(json: object, { onWarning = console.warn, ...options }: FromConfigOptions = {}): UNet2DModel {
    return new UNet2DModel(knownUNet2DKeys(json, onWarning), options);
  }

  /** `[C, H, W]` of a sample. Throws `ConfigError` when the configuration does not say. */
  get sampleShape(): readonly [number, number, number] {
    const { sample_size: size, in_channels: channels } = this.config;
    if (size === null) {
      throw new ConfigError(
        'the network does not say how large its pictures are',
        'set sample_size in its config.json',
      );
    }
    const [height, width] = typeof size === 'number' ? [size, size] : size;
    return [channels, height, width];
  }

  /** Whether the network is told a class by number. Throws `ConfigError` when it is told one in another way. */
  get takesLabels(): boolean {
    const { class_embed_type: type } = this.config;
    if (type !== 'timestep' && type !== 'identity') return this.classInput !== undefined;
    throw new ConfigError(
      `this network is told ${type === 'timestep' ? 'a time' : 'an embedding'} in place of a class (class_embed_type '${type}'), which nothing here knows`,
      'networks that take no class, or one of num_class_embeds, are sampled',
    );
  }

  /** How many whole times a network with a learned time embedding knows; the others are told any. */
  get timeRows(): number | undefined {
    const { time_embedding_type: type, num_train_timesteps: rows } = this.config;
    return type === 'learned' && rows !== null ? rows : undefined;
  }

  /**
   * What `forward` takes as class labels for each sample: a class (int64), a time (float32, or int64 where times are looked up) or an embedding (float32), by its
   * shape without the batch. Undefined: nothing.
   */
  get classInput(): { readonly shape: Shape; readonly dtype: Dtype } | undefined {
    const { class_embed_type, num_class_embeds } = this.config;
    if (class_embed_type === 'timestep') return { shape: [], dtype: this.timeRows === undefined ? 'float32' : 'int64' };
    if (class_embed_type === 'identity') {
      return { shape: this.timeEmbedding.linear_2.bias!.shape, dtype: 'float32' };
    }
    return class_embed_type === null && num_class_embeds !== null ? { shape: [], dtype: 'int64' } : undefined;
  }

  /** Heights and widths must be multiples of it: 2 per change of resolution. */
  get factor(): number {
    return 2 ** (this.config.block_out_channels.length - 1);
  }

  /**
   * sample: [B, in_channels, H, W], timesteps (float32 or int64): [B], classLabels: int64 [B] (float [B, time_embedding_dim]
   * for class_embed_type 'identity', times [B] for 'timestep') → [B, out_channels, H, W].
   * Throws `ShapeError` when H or W is not a multiple of `factor`, `ConfigError` when class labels are missing or unexpected.
   */
  forward(sample: Tensor, timesteps: Tensor, classLabels?: Tensor): Tensor {
    this.#checkSample(sample);
    const temb = this.#embed(timesteps, classLabels);
    const x = this.config.center_input_sample ? sample.mul(2).sub(1) : sample;
    let hidden = this.convIn.forward(x);
    const states = [hidden];
    let picture = x;
    for (const block of this.downBlocks) {
      const result = block.forward(hidden, temb, picture);
      hidden = result.hidden;
      picture = result.skip;
      states.push(...result.states);
    }
    if (this.midBlock) hidden = this.midBlock.forward(hidden, temb);
    let drawn: Tensor | undefined;
    for (const block of this.upBlocks) {
      const result = block.forward(hidden, states.splice(-block.resnets.length), temb, drawn);
      hidden = result.hidden;
      drawn = result.skip;
    }
    let y = this.convOut.forward(silu(this.convNormOut.forward(hidden)));
    if (drawn) y = y.add(drawn);
    // noise-level networks predict a score: noise over its level
    return this.config.time_embedding_type === 'fourier' ? y.div(timesteps.cast('float32').reshape([-1, 1, 1, 1])) : y;
  }

  #embed(timesteps: Tensor, classLabels: Tensor | undefined): Tensor {
    const temb = this.timeEmbedding.forward(this.timeProj.forward(timesteps));
    const identity = this.config.class_embed_type === 'identity';
    if (!this.classEmbedding && !identity) {
      if (!classLabels) return temb;
      throw new ConfigError(
        'this network takes no class labels',
        'set num_class_embeds in its configuration, or leave the labels out',
      );
    }
    if (!classLabels) {
      throw new ConfigError('this network needs class labels', { api: 'pass them as the third argument of forward()' });
    }
    if (!this.classEmbedding) return temb.add(classLabels.cast('float32'));
    const labels = this.config.class_embed_type === 'timestep' ? this.timeProj.forward(classLabels) : classLabels;
    return temb.add(this.classEmbedding.forward(labels));
  }

  #checkNorms(): void {
    for (const [path, module] of this.namedModules()) {
      if (!(module instanceof GroupNorm)) continue;
      const { groups, weight } = module;
      const [channels] = weight.shape as [number];
      if (groups >= 1 && channels % groups === 0) continue;
      const { norm_num_groups, attn_norm_num_groups } = this.config;
      throw new ConfigError(
        `the ${channels} channels of ${path} do not divide into ${groups} groups`,
        groups === norm_num_groups || groups === attn_norm_num_groups
          ? 'choose norm_num_groups and attn_norm_num_groups that divide block_out_channels'
          : 'skip blocks choose their groups: give them block_out_channels that are multiples of 4, with attention of 32',
      );
    }
  }

  #checkSample({ shape }: Tensor): void {
    const { in_channels } = this.config;
    if (shape.length !== 4 || shape[1] !== in_channels) {
      throw new ShapeError(`UNet2DModel takes samples of shape [B, ${in_channels}, H, W], got ${formatShape(shape)}`);
    }
    if (shape[2]! % this.factor !== 0 || shape[3]! % this.factor !== 0) {
      throw new ShapeError(
        `UNet2DModel of ${this.config.block_out_channels.length} resolutions needs heights and widths that are multiples of ${this.factor}, got ${shape[2]}×${shape[3]}`,
        'resize or pad the pictures, or use fewer block_out_channels',
      );
    }
  }

  /** Old DDPM checkpoints name the projections of their attention otherwise. */
  override migrateKey(key: string): string {
    return currentAttentionKey(key);
  }
}
