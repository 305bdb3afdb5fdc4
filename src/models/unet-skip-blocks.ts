/** @file Blocks of NCSN++ (Song et al. 2021): a small picture travels beside the features, down and up. */
import type { Tensor } from '../graph/index.ts';
import { Conv2d, GroupNorm, Module, silu } from '../nn/index.ts';
import { AttentionBlock } from './attention-block.ts';
import { firDown, firUp } from './resample.ts';
import { ResnetBlock2D } from './resnet-block.ts';
import type { DownBlock, DownBlockOptions, DownResult, UpBlock, UpBlockOptions, UpResult } from './unet-blocks.ts';
import { runLayers, upChannels } from './unet-blocks.ts';

/** Skip blocks choose their own norm groups, and divide residual sums by √2, whatever the configuration says. */
const outputScaleFactor = Math.SQRT2;
const ATTENTION_GROUPS = 32;

/** Norm groups where no configuration names them: a quarter of the channels, at most 32. */
export function defaultGroups(channels: number): number {
  return Math.min(Math.floor(channels / 4), 32);
}

/** The travelling picture always has three channels. */
const PICTURE_CHANNELS = 3;

/** diffusers' `SkipDownBlock2D` and `AttnSkipDownBlock2D`. */
export class SkipDownBlock2D extends Module implements DownBlock {
  readonly resnets: readonly ResnetBlock2D[];
  readonly attentions: readonly AttentionBlock[];
  readonly resnetDown: ResnetBlock2D | undefined;
  readonly skipConv: Conv2d | undefined;

  constructor(blockOptions: DownBlockOptions) {
    super();
    const { inChannels, outChannels, layers, attention, downsample } = blockOptions;
    const options = { ...blockOptions, outputScaleFactor, groupsOut: defaultGroups(outChannels) };
    this.resnets = Array.from({ length: layers }, (_, i) => {
      const channels = i === 0 ? inChannels : outChannels;
      return new ResnetBlock2D(channels, { ...options, groups: defaultGroups(channels) });
    });
    this.attentions = attention
      ? this.resnets.map(() => new AttentionBlock(outChannels, { ...options, groups: ATTENTION_GROUPS }))
      : [];
    if (downsample === null) return;
    this.resnetDown = new ResnetBlock2D(outChannels, {
      ...options,
      groups: defaultGroups(outChannels),
      convShortcut: true,
      resample: firDown,
    });
    this.skipConv = new Conv2d(PICTURE_CHANNELS, outChannels, 1);
  }

  forward(hidden: Tensor, temb: Tensor, skip: Tensor): DownResult {
    const states = runLayers(this, hidden, temb);
    const last = states.at(-1) ?? hidden;
    if (!this.resnetDown || !this.skipConv) return { hidden: last, states, skip };
    const picture = firDown(skip);
    const h = this.skipConv.forward(picture).add(this.resnetDown.forward(last, temb));
    return { hidden: h, states: [...states, h], skip: picture };
  }
}

/** diffusers' `SkipUpBlock2D` and `AttnSkipUpBlock2D`. */
export class SkipUpBlock2D extends Module implements UpBlock {
  readonly resnets: readonly ResnetBlock2D[];
  readonly attentions: readonly AttentionBlock[];
  readonly resnetUp: ResnetBlock2D | undefined;
  readonly skipNorm: GroupNorm | undefined;
  readonly skipConv: Conv2d | undefined;

  constructor(blockOptions: UpBlockOptions) {
    super();
    const { outChannels, attention, upsample, epsilon } = blockOptions;
    const groupsOut = defaultGroups(outChannels);
    const options = { ...blockOptions, outputScaleFactor, groupsOut };
    this.resnets = upChannels(options).map(([below, across]) => {
      // with attention, diffusers divides only the channels from across by 4
      const groups = attention ? Math.min(below + Math.floor(across / 4), 32) : defaultGroups(below + across);
      return new ResnetBlock2D(below + across, { ...options, groups });
    });
    this.attentions = attention ? [new AttentionBlock(outChannels, { ...options, groups: ATTENTION_GROUPS })] : [];
    if (upsample === null) return;
    this.resnetUp = new ResnetBlock2D(outChannels, {
      ...options,
      groups: groupsOut,
      convShortcut: true,
      resample: firUp,
    });
    this.skipConv = new Conv2d(outChannels, PICTURE_CHANNELS, 3, { padding: 1 });
    this.skipNorm = new GroupNorm(groupsOut, outChannels, { epsilon });
  }

  forward(hidden: Tensor, states: readonly Tensor[], temb: Tensor, skip: Tensor | undefined): UpResult {
    // its one attention comes after the last layer
    let h = runLayers({ resnets: this.resnets, attentions: [] }, hidden, temb, states).at(-1)!;
    for (const attention of this.attentions) h = attention.forward(h);
    const picture = skip && firUp(skip);
    if (!this.resnetUp || !this.skipNorm || !this.skipConv) return { hidden: h, skip: picture };
    const drawn = this.skipConv.forward(silu(this.skipNorm.forward(h)));
    return { hidden: this.resnetUp.forward(h, temb), skip: picture ? picture.add(drawn) : drawn };
  }
}
