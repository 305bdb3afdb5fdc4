/** @file The residual block of U-Nets. */
import type { Tensor } from '../graph/index.ts';
import { type ActivationName, activations, Conv2d, Dropout, GroupNorm, Linear, Module } from '../nn/index.ts';
import type { Resampler } from './resample.ts';

export interface ResnetBlockOptions {
  /** Default: as many as in. */
  readonly outChannels?: number;
  /** Features of the time embedding; null: the block takes none. Default 512. */
  readonly tembChannels?: number | null;
  /** Groups of the first norm. Default 32. */
  readonly groups?: number;
  /** Groups of the second norm; default as the first. */
  readonly groupsOut?: number;
  /** Default 1e-6. */
  readonly epsilon?: number;
  /** Default silu. */
  readonly activation?: ActivationName;
  /** How the time enters: added before the second norm, or as a scale and a shift after it. */
  readonly timeScaleShift?: 'default' | 'scale_shift';
  readonly dropout?: number;
  /** The sum of both branches is divided by it. Default 1. */
  readonly outputScaleFactor?: number;
  /** Changes the resolution of both branches after the first norm. */
  readonly resample?: Resampler;
  /** A 1×1 convolution on the shortcut. Default: where the channels change. */
  readonly convShortcut?: boolean;
}

/**
 * diffusers' `ResnetBlock2D`: norm, activation, 3×3 convolution, time, norm, activation, dropout, 3×3 convolution, plus
 * the input (He et al. 2016; Ho et al. 2020). x: [B, C, H, W], temb: [B, T] → [B, outChannels, H', W'].
 */
export class ResnetBlock2D extends Module {
  readonly norm1: GroupNorm;
  readonly conv1: Conv2d;
  readonly timeEmbProj: Linear | undefined;
  readonly norm2: GroupNorm;
  readonly dropout: Dropout;
  readonly conv2: Conv2d;
  readonly convShortcut: Conv2d | undefined;
  readonly options: Required<Pick<ResnetBlockOptions, 'activation' | 'timeScaleShift' | 'outputScaleFactor'>>;
  readonly resample: Resampler | undefined;

  constructor(
    channels: number,
    {
      outChannels = channels,
      tembChannels = 512,
      groups = 32,
      groupsOut = groups,
      epsilon = 1e-6,
      activation = 'silu',
      timeScaleShift = 'default',
      dropout = 0,
      outputScaleFactor = 1,
      resample,
      convShortcut = channels !== outChannels,
    }: ResnetBlockOptions = {},
  ) {
    super();
    this.norm1 = new GroupNorm(groups, channels, { epsilon });
    this.conv1 = new Conv2d(channels, outChannels, 3, { padding: 1 });
    const timeFeatures = timeScaleShift === 'scale_shift' ? 2 * outChannels : outChannels;
    this.timeEmbProj = tembChannels === null ? undefined : new Linear(tembChannels, timeFeatures);
    this.norm2 = new GroupNorm(groupsOut, outChannels, { epsilon });
    this.dropout = new Dropout(dropout);
    this.conv2 = new Conv2d(outChannels, outChannels, 3, { padding: 1 });
    this.convShortcut = convShortcut ? new Conv2d(channels, outChannels, 1) : undefined;
    this.options = { activation, timeScaleShift, outputScaleFactor };
    this.resample = resample;
  }

  forward(x: Tensor, temb?: Tensor): Tensor {
    const { resample = (same: Tensor) => same } = this;
    const { timeScaleShift, outputScaleFactor } = this.options;
    const act = activations[this.options.activation];
    let h = this.conv1.forward(resample(act(this.norm1.forward(x))));
    // [B, T] → [B, C, 1, 1]
    const time = temb && this.timeEmbProj?.forward(act(temb)).unsqueeze(2).unsqueeze(3);
    if (time && timeScaleShift === 'default') h = h.add(time);
    h = this.norm2.forward(h);
    if (time && timeScaleShift === 'scale_shift') {
      const [scale, shift] = time.split(2, 1) as [Tensor, Tensor];
      h = h.mul(scale.add(1)).add(shift);
    }
    h = this.conv2.forward(this.dropout.forward(act(h)));
    const shortcut = resample(x);
    const sum = (this.convShortcut ? this.convShortcut.forward(shortcut) : shortcut).add(h);
    return outputScaleFactor === 1 ? sum : sum.mul(1 / outputScaleFactor);
  }
}
