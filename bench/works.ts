/** @file The work that benchmarks measure, as plain data: a peer in another language reads it as JSON. */
import { resolveConfig } from '../src/training/index.ts';

/** One thing to do again and again. */
export interface Work {
  /** E.g. `unet/train/8`: network, what is done, batch. */
  readonly name: string;
  readonly kind: 'train' | 'sample' | 'convs-forward' | 'convs-gradient';
  /** Configuration of diffusers' `UNet2DModel`, for `train` and `sample`. */
  readonly network: Readonly<Record<string, unknown>> | null;
  /** Shape of one picture, `[C, H, W]`. */
  readonly shape: readonly [number, number, number];
  readonly batch: number;
  /** AdamW; the loss is the mean squared error against a fixed target. */
  readonly optimizer: {
    readonly learningRate: number;
    readonly betas: readonly [number, number];
    readonly weightDecay: number;
  };
  /** Largest norm of the gradient, and decay of the averaged weights: null without. */
  readonly clip: number | null;
  readonly emaDecay: number | null;
  /** So large that peers do it one after the other: side by side they would not fit into memory. */
  readonly alone: boolean;
}

const DEFAULTS = {
  optimizer: { learningRate: 1e-4, betas: [0.9, 0.999], weightDecay: 0.01 },
  clip: null,
  emaDecay: null,
  alone: false,
} as const;

/** 6.5 M parameters for 32×32 pictures: diffusers' DDPM U-Net, small. One attention head, as in DDPM. */
const UNET = {
  sample_size: 32,
  in_channels: 3,
  out_channels: 3,
  layers_per_block: 2,
  block_out_channels: [64, 128, 128],
  down_block_types: ['DownBlock2D', 'AttnDownBlock2D', 'DownBlock2D'],
  up_block_types: ['UpBlock2D', 'AttnUpBlock2D', 'UpBlock2D'],
  attention_head_dim: null,
};

function unetWork(kind: 'train' | 'sample', batch: number): Work {
  return { ...DEFAULTS, name: `unet/${kind}/${batch}`, kind, network: UNET, shape: [3, 32, 32], batch };
}

/** Attention at half the size of the pictures, over 1,024 to 16,384 tokens. `attention-4096x8`: tokens, heads of 128 channels. */
function attentionWorks(): Work[] {
  const sizes = [
    { size: 64, batch: 4 },
    { size: 128, batch: 2 },
    { size: 256, batch: 1 },
  ] as const;
  return sizes.flatMap(({ size, batch }) =>
    [1, 8].flatMap((heads) =>
      (['train', 'sample'] as const).map((kind) => ({
        ...DEFAULTS,
        name: `attention-${(size / 2) ** 2}x${heads}/${kind}/${batch}`,
        kind,
        network: { ...UNET, sample_size: size, attention_head_dim: 128 / heads },
        shape: [3, size, size] as const,
        batch,
        alone: size === 256,
      })),
    ),
  );
}

/** Known networks by their configurations, and one past 4 GB: 114 M (DDPM's of 256×256), 274 M (latent diffusion's) and 945 M. */
function largeWorks(): Work[] {
  const unet = (channels: number, widths: readonly number[], attention: readonly number[], headDim: number | null) => ({
    sample_size: 64,
    in_channels: channels,
    out_channels: channels,
    layers_per_block: 2,
    block_out_channels: widths,
    down_block_types: widths.map((_, i) => (attention.includes(i) ? 'AttnDownBlock2D' : 'DownBlock2D')),
    up_block_types: widths.map((_, i) => (attention.includes(widths.length - 1 - i) ? 'AttnUpBlock2D' : 'UpBlock2D')),
    attention_head_dim: headDim,
  });
  const ddpm = unet(3, [128, 128, 256, 256, 512, 512], [4], null);
  const ldm = unet(3, [224, 448, 672, 896], [1, 2, 3], 32);
  const past4Gb = unet(4, [416, 832, 1248, 1664], [1, 2, 3], 32);
  const work = (name: string, network: typeof ddpm, kind: 'train' | 'sample', batch: number): Work => ({
    ...DEFAULTS,
    name: `${name}/${kind}/${batch}`,
    kind,
    network,
    shape: [network.in_channels, 64, 64],
    batch,
    alone: true,
  });
  return [
    work('unet-114M', ddpm, 'train', 2),
    work('unet-114M', ddpm, 'sample', 1),
    work('unet-274M', ldm, 'sample', 1),
    work('unet-945M', past4Gb, 'sample', 1),
  ];
}

/** The network of the preset `avatars`, its batch, clipping and averaging; the optimizer is AdamW, which every peer has. */
function avatarsWorks(): Work[] {
  const imageShape = [3, 16, 16] as const;
  const config = resolveConfig({ data: 'avatars' }, { imageShape, count: 4096, classNames: undefined });
  const { model, batchSize, optimizer, learningRate, gradientClip, ema } = config;
  const shared = {
    ...DEFAULTS,
    network: model,
    shape: imageShape,
    optimizer: { learningRate, betas: optimizer.betas, weightDecay: optimizer.weightDecay },
  };
  return [
    {
      ...shared,
      name: `avatars/train/${batchSize}`,
      kind: 'train',
      batch: batchSize,
      clip: gradientClip,
      emaDecay: ema.decay,
    },
    { ...shared, name: 'avatars/sample/16', kind: 'sample', batch: 16 },
  ];
}

/** A step of the six convolutions of `CONV_CHAIN`, for peers that a whole U-Net is too much for. */
function convolutionWorks(): Work[] {
  return (['convs-forward', 'convs-gradient'] as const).map((kind) => ({
    ...DEFAULTS,
    name: `${kind}/1`,
    kind,
    network: null,
    shape: [64, 32, 32],
    batch: 1,
  }));
}

/** 3×3 convolutions with the sizes of the U-Net's layers, SiLU after each; the input is [1, 64, 32, 32]. */
export const CONV_CHAIN = [
  { from: 64, to: 64, stride: 1 },
  { from: 64, to: 64, stride: 1 },
  { from: 64, to: 128, stride: 2 },
  { from: 128, to: 128, stride: 1 },
  { from: 128, to: 128, stride: 2 },
  { from: 128, to: 128, stride: 1 },
] as const;

/** All works, or those whose name contains one of `only`. */
export function selectWorks(only: readonly string[]): Work[] {
  const all = [
    unetWork('train', 8),
    unetWork('train', 32),
    unetWork('sample', 1),
    unetWork('sample', 8),
    unetWork('sample', 32),
    ...avatarsWorks(),
    ...attentionWorks(),
    ...largeWorks(),
    ...convolutionWorks(),
  ];
  return only.length === 0 ? all : all.filter(({ name }) => only.some((part) => name.includes(part)));
}
