/** @file The down, middle and up blocks of U-Nets, with diffusers' parameter names. */
import { concat, type Tensor } from '../graph/index.ts';
import { Module } from '../nn/index.ts';
import { AttentionBlock } from './attention-block.ts';
import { averageDown, Downsample2D, nearestUp, Upsample2D } from './resample.ts';
import { ResnetBlock2D, type ResnetBlockOptions } from './resnet-block.ts';

/** What the blocks of one network share. */
export interface UNetBlockOptions
  extends Required<Pick<ResnetBlockOptions, 'tembChannels' | 'activation' | 'timeScaleShift' | 'dropout'>> {
  readonly groups: number;
  readonly epsilon: number;
  /** Channels of one attention head; null: one head. */
  readonly headDim: number | null;
  /** Padding of strided convolutions. */
  readonly downsamplePadding: number;
}

/** What a down block makes. */
export interface DownResult {
  readonly hidden: Tensor;
  /** One per layer, and one after the change of resolution: what the up path will read. */
  readonly states: readonly Tensor[];
  /** The shrunken picture, in skip blocks. */
  readonly skip: Tensor;
}

/** A block of the down path. */
export interface DownBlock extends Module {
  forward(hidden: Tensor, temb: Tensor, skip: Tensor): DownResult;
}

/** What an up block makes: `skip` is the picture built so far, in skip blocks. */
export interface UpResult {
  readonly hidden: Tensor;
  readonly skip: Tensor | undefined;
}

/** A block of the up path. */
export interface UpBlock extends Module {
  readonly resnets: readonly ResnetBlock2D[];
  /** `states`: as many as `resnets`, the last is read first. */
  forward(hidden: Tensor, states: readonly Tensor[], temb: Tensor, skip: Tensor | undefined): UpResult;
}

/**
 * Runs residual blocks, each followed by its attention where it has one, and returns what each layer makes.
 * `across`: states of the down path, of which every layer also reads one, the last first.
 */
export function runLayers(
  { resnets, attentions }: Pick<DownBlock2D, 'resnets' | 'attentions'>,
  hidden: Tensor,
  temb: Tensor,
  across: readonly Tensor[] = [],
): Tensor[] {
  let h = hidden;
  return resnets.map((resnet, i) => {
    const state = across.at(-1 - i);
    h = resnet.forward(state ? concat([h, state], 1) : h, temb);
    h = attentions[i]?.forward(h) ?? h;
    return h;
  });
}

/** Channels of a down block. */
export interface DownBlockOptions extends UNetBlockOptions {
  readonly inChannels: number;
  readonly outChannels: number;
  readonly layers: number;
  /** Attention after every residual block. */
  readonly attention: boolean;
  /** How the resolution is halved at the end; null: not at all. */
  readonly downsample: 'conv' | 'resnet' | null;
}

/** diffusers' `DownBlock2D`, `AttnDownBlock2D` and `ResnetDownsampleBlock2D`: residual blocks, each perhaps with attention, then half the resolution. */
export class DownBlock2D extends Module implements DownBlock {
  readonly resnets: readonly ResnetBlock2D[];
  readonly attentions: readonly AttentionBlock[];
  readonly downsamplers: readonly (Downsample2D | ResnetBlock2D)[];

  constructor(options: DownBlockOptions) {
    super();
    const { inChannels, outChannels, layers, attention, downsample, downsamplePadding } = options;
    this.resnets = Array.from(
      { length: layers },
      (_, i) => new ResnetBlock2D(i === 0 ? inChannels : outChannels, options),
    );
    this.attentions = attention ? this.resnets.map(() => new AttentionBlock(outChannels, options)) : [];
    if (downsample === null) this.downsamplers = [];
    else if (downsample === 'conv') this.downsamplers = [new Downsample2D(outChannels, { padding: downsamplePadding })];
    else this.downsamplers = [new ResnetBlock2D(outChannels, { ...options, resample: averageDown })];
  }

  forward(hidden: Tensor, temb: Tensor, skip: Tensor): DownResult {
    const states = runLayers(this, hidden, temb);
    let h = states.at(-1) ?? hidden;
    for (const downsampler of this.downsamplers) {
      h = downsampler instanceof ResnetBlock2D ? downsampler.forward(h, temb) : downsampler.forward(h);
      states.push(h);
    }
    return { hidden: h, states, skip };
  }
}

/** Channels of an up block. */
export interface UpBlockOptions extends UNetBlockOptions {
  /** Of the down block's input at this resolution. */
  readonly inChannels: number;
  readonly outChannels: number;
  /** Of what arrives from below. */
  readonly prevOutputChannels: number;
  readonly layers: number;
  readonly attention: boolean;
  readonly upsample: 'conv' | 'resnet' | null;
}

/** Channels that each residual block of an up block reads: from below and from the down path. */
export function upChannels({
  inChannels,
  outChannels,
  prevOutputChannels,
  layers,
}: Pick<UpBlockOptions, 'inChannels' | 'outChannels' | 'prevOutputChannels' | 'layers'>): [number, number][] {
  return Array.from({ length: layers }, (_, i) => [
    i === 0 ? prevOutputChannels : outChannels,
    i === layers - 1 ? inChannels : outChannels,
  ]);
}

/** diffusers' `UpBlock2D`, `AttnUpBlock2D` and `ResnetUpsampleBlock2D`: residual blocks that also read the down path, each perhaps with attention, then twice the resolution. */
export class UpBlock2D extends Module implements UpBlock {
  readonly resnets: readonly ResnetBlock2D[];
  readonly attentions: readonly AttentionBlock[];
  readonly upsamplers: readonly (Upsample2D | ResnetBlock2D)[];

  constructor(options: UpBlockOptions) {
    super();
    const { outChannels, attention, upsample } = options;
    this.resnets = upChannels(options).map(([below, across]) => new ResnetBlock2D(below + across, options));
    this.attentions = attention ? this.resnets.map(() => new AttentionBlock(outChannels, options)) : [];
    if (upsample === null) this.upsamplers = [];
    else if (upsample === 'conv') this.upsamplers = [new Upsample2D(outChannels)];
    else this.upsamplers = [new ResnetBlock2D(outChannels, { ...options, resample: nearestUp })];
  }

  forward(hidden: Tensor, states: readonly Tensor[], temb: Tensor, skip: Tensor | undefined): UpResult {
    let h = runLayers(this, hidden, temb, states).at(-1)!;
    for (const upsampler of this.upsamplers) {
      h = upsampler instanceof ResnetBlock2D ? upsampler.forward(h, temb) : upsampler.forward(h);
    }
    return { hidden: h, skip };
  }
}

export interface MidBlockOptions extends Omit<UNetBlockOptions, 'downsamplePadding'> {
  readonly attention: boolean;
  /** Groups of the attention's norm; null: no norm. */
  readonly attentionGroups: number | null;
  readonly outputScaleFactor: number;
}

/** diffusers' `UNetMidBlock2D`: a residual block, attention, a residual block. x: [B, C, H, W] → the same. */
export class UNetMidBlock2D extends Module {
  readonly attentions: readonly AttentionBlock[];
  readonly resnets: readonly [ResnetBlock2D, ResnetBlock2D];

  constructor(channels: number, { attention, attentionGroups, ...options }: MidBlockOptions) {
    super();
    this.attentions = attention ? [new AttentionBlock(channels, { ...options, groups: attentionGroups })] : [];
    this.resnets = [new ResnetBlock2D(channels, options), new ResnetBlock2D(channels, options)];
  }

  forward(x: Tensor, temb: Tensor): Tensor {
    const [before, after] = this.resnets;
    let h = before.forward(x, temb);
    for (const attention of this.attentions) h = attention.forward(h);
    return after.forward(h, temb);
  }
}
