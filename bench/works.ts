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
}

const DEFAULTS = {
  optimizer: { learningRate: 1e-4, betas: [0.9, 0.999], weightDecay: 0.01 },
  clip: null,
  emaDecay: null,
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

/** The network of the preset `avatars`, its batch, clipping and averaging; the optimizer is AdamW, which every peer has. */
function avatarsWorks(): Work[] {
  const imageShape = [3, 16, 16] as const;
  const config = resolveConfig({ data: 'avatars' }, { imageShape, count: 4096, classNames: undefined });
  const { model, batchSize, optimizer, learningRate, gradientClip, ema } = config;
  const shared = {
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
    { ...DEFAULTS, ...shared, name: 'avatars/sample/16', kind: 'sample', batch: 16 },
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
  const unet = (kind: 'train' | 'sample', batch: number): Work => ({
    ...DEFAULTS,
    name: `unet/${kind}/${batch}`,
    kind,
    network: UNET,
    shape: [3, 32, 32],
    batch,
  });
  const all = [
    unet('train', 8),
    unet('train', 32),
    unet('sample', 1),
    unet('sample', 8),
    unet('sample', 32),
    ...avatarsWorks(),
    ...convolutionWorks(),
  ];
  return only.length === 0 ? all : all.filter(({ name }) => only.some((part) => name.includes(part)));
}
