/** @file The configuration of `UNet2DModel`: diffusers' keys and defaults (diffusers 0.42, `UNet2DModel.__init__`). */
import { z } from 'zod';
import { type ActivationName, activations } from '../nn/index.ts';
import { ConfigError } from '../tensor/index.ts';
import { ignoredKeys, parseConfig, requireChoice, unknownKeys } from './parse-config.ts';
import { checkUNet2DConfig } from './unet2d-checks.ts';

export const DOWN_BLOCK_TYPES = [
  'DownBlock2D',
  'AttnDownBlock2D',
  'ResnetDownsampleBlock2D',
  'SkipDownBlock2D',
  'AttnSkipDownBlock2D',
] as const;
export type DownBlockType = (typeof DOWN_BLOCK_TYPES)[number];

export const UP_BLOCK_TYPES = [
  'UpBlock2D',
  'AttnUpBlock2D',
  'ResnetUpsampleBlock2D',
  'SkipUpBlock2D',
  'AttnSkipUpBlock2D',
] as const;
export type UpBlockType = (typeof UP_BLOCK_TYPES)[number];

const count = z.int().positive();
/** A number that only some networks read: what it must be is checked where it is read, as in diffusers. */
const perhapsUnread = z.int().nullable();

const schema = z.object({
  /** Height and width the network is meant for; it runs at any multiple of its factor. */
  sample_size: z
    .union([count, z.tuple([count, count]).readonly()])
    .nullable()
    .default(null),
  in_channels: count.default(3),
  out_channels: count.default(3),
  /** Maps samples in [0, 1] to [-1, 1] first. */
  center_input_sample: z.boolean().default(false),
  time_embedding_type: z.enum(['positional', 'fourier', 'learned']).default('positional'),
  /** Features of the time embedding; null or 0: 4 · block_out_channels[0]. */
  time_embedding_dim: z.int().nonnegative().nullable().default(null),
  freq_shift: z.number().default(0),
  flip_sin_to_cos: z.boolean().default(true),
  down_block_types: z
    .array(z.string())
    .readonly()
    .default(['DownBlock2D', 'AttnDownBlock2D', 'AttnDownBlock2D', 'AttnDownBlock2D']),
  /** null: no middle block; every name stands for `UNetMidBlock2D`. */
  mid_block_type: z.string().nullable().default('UNetMidBlock2D'),
  up_block_types: z
    .array(z.string())
    .readonly()
    .default(['AttnUpBlock2D', 'AttnUpBlock2D', 'AttnUpBlock2D', 'UpBlock2D']),
  block_out_channels: z.array(count).min(1).readonly().default([224, 448, 672, 896]),
  /** Residual blocks of a down block, one less than those of an up block; 0 only where all blocks have the same channels. */
  layers_per_block: z.int().nonnegative().default(2),
  /** Residual sums of the middle block are divided by it. */
  mid_block_scale_factor: z
    .number()
    .refine((factor) => factor !== 0, 'a number other than 0, since sums are divided by it')
    .default(1),
  /** Padding of strided convolutions: 1, or 0 to pad the far sides only. */
  downsample_padding: z.int().default(1),
  /** How attention blocks change the resolution: 'conv' (also null) or 'resnet'. */
  downsample_type: z.string().nullable().default('conv'),
  upsample_type: z.string().nullable().default('conv'),
  dropout: z.number().min(0).max(1).default(0),
  act_fn: z.string().default('silu'),
  /** Channels of one attention head; null: one head of all channels. */
  attention_head_dim: perhapsUnread.default(8),
  /** Groups of all norms; null: a quarter of the channels, at most 32 (skip blocks always choose so). */
  norm_num_groups: count.nullable().default(32),
  /** Groups of the middle attention's norm; null: norm_num_groups, or no norm with scale_shift. */
  attn_norm_num_groups: perhapsUnread.default(null),
  /** Added to variances. */
  norm_eps: z.number().default(1e-5),
  /** How residual blocks take the time: added, or as a scale and a shift after the norm. */
  resnet_time_scale_shift: z.enum(['default', 'scale_shift']).default('default'),
  /** Attention in the middle block. */
  add_attention: z.boolean().default(true),
  /** null: num_class_embeds decides; 'timestep': classes are times; 'identity': classes are embeddings; else no classes. */
  class_embed_type: z.string().nullable().default(null),
  /** Number of class labels (a null class for guidance included). */
  num_class_embeds: perhapsUnread.default(null),
  /** Rows of the learned time embedding. */
  num_train_timesteps: perhapsUnread.default(null),
});

type Parsed = z.output<typeof schema>;

/** A complete configuration; the keys are those of diffusers' `config.json`. */
export type UNet2DConfig = Readonly<
  Omit<Parsed, 'down_block_types' | 'up_block_types' | 'act_fn'> & {
    readonly down_block_types: readonly DownBlockType[];
    readonly up_block_types: readonly UpBlockType[];
    readonly act_fn: ActivationName;
  }
>;

/** What a configuration may leave out; keys that start with `_` pass. */
export type UNet2DConfigInput = { readonly [K in keyof UNet2DConfig]?: UNet2DConfig[K] } & {
  readonly [note: `_${string}`]: unknown;
};

/**
 * `json` without the keys that the network does not have, which diffusers ignores too; `onWarning` is told of them.
 * Keys that start with `_` go quietly.
 */
export function knownUNet2DKeys(json: object, onWarning: (message: string) => void): UNet2DConfigInput {
  const unknown = unknownKeys(schema, json);
  if (unknown.length > 0) onWarning(ignoredKeys('UNet2DModel', unknown, Object.keys(schema.shape)));
  return Object.fromEntries(Object.entries(json).filter(([key]) => Object.hasOwn(schema.shape, key)));
}

/** Block types of the first diffusers releases began with `UNetRes`. */
const plain = (type: string): string => type.replace(/^UNetRes/, '');

/**
 * Checks a configuration and fills in diffusers' defaults.
 * Throws `ConfigError` for unknown keys, unknown block types or activations, lists whose lengths differ, and settings that
 * do not fit each other.
 */
export function parseUNet2DConfig(json: object): UNet2DConfig {
  const config = parseConfig(schema, json, 'UNet2DModel');
  const { down_block_types, up_block_types, block_out_channels } = config;
  if (down_block_types.length !== up_block_types.length || down_block_types.length !== block_out_channels.length) {
    throw new ConfigError(
      `UNet2DModel needs as many down_block_types (${down_block_types.length}) as up_block_types (${up_block_types.length}) and block_out_channels (${block_out_channels.length})`,
      'give one of each per resolution',
    );
  }
  if (
    config.norm_num_groups === null &&
    [...down_block_types, ...up_block_types].some((name) => !name.includes('Skip'))
  ) {
    throw new ConfigError('norm_num_groups may be null only where all blocks are skip blocks', 'set it, e.g. to 32');
  }
  const complete = {
    ...config,
    act_fn: requireChoice('act_fn', config.act_fn.toLowerCase(), Object.keys(activations) as ActivationName[]),
    down_block_types: down_block_types.map((name) => requireChoice('down_block_types', plain(name), DOWN_BLOCK_TYPES)),
    up_block_types: up_block_types.map((name) => requireChoice('up_block_types', plain(name), UP_BLOCK_TYPES)),
  };
  checkUNet2DConfig(complete);
  return complete;
}
