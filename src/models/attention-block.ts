/** @file Self-attention over the pixels of a feature map. */
import type { Tensor } from '../graph/index.ts';
import { GroupNorm, MultiHeadAttention } from '../nn/index.ts';

export interface AttentionBlockOptions {
  /** Channels of one head; null: one head of all channels. Default 8. */
  readonly headDim?: number | null;
  /** Groups of the norm before it; null: no norm. Default 32. */
  readonly groups?: number | null;
  /** Default 1e-5. */
  readonly epsilon?: number;
  /** The sum with the input is divided by it. Default 1. */
  readonly outputScaleFactor?: number;
}

/** diffusers' `Attention` as its 2-D U-Nets use it: norm, self-attention over all pixels, plus the input. x: [B, C, H, W]. */
export class AttentionBlock extends MultiHeadAttention {
  readonly groupNorm: GroupNorm | undefined;
  readonly outputScaleFactor: number;

  constructor(
    channels: number,
    { headDim = 8, groups = 32, epsilon = 1e-5, outputScaleFactor = 1 }: AttentionBlockOptions = {},
  ) {
    const perHead = headDim ?? channels;
    super(channels, { heads: Math.floor(channels / perHead), headDim: perHead, bias: true });
    this.groupNorm = groups === null ? undefined : new GroupNorm(groups, channels, { epsilon });
    this.outputScaleFactor = outputScaleFactor;
  }

  override forward(x: Tensor): Tensor {
    const [batch, channels, height, width] = x.shape as [number, number, number, number];
    const normed = this.groupNorm ? this.groupNorm.forward(x) : x;
    const tokens = normed.reshape([batch, channels, height * width]).transpose([0, 2, 1]);
    const mixed = super.forward(tokens).transpose([0, 2, 1]).reshape(x.shape);
    const sum = mixed.add(x);
    return this.outputScaleFactor === 1 ? sum : sum.mul(1 / this.outputScaleFactor);
  }
}

const RENAMED = { query: 'to_q', key: 'to_k', value: 'to_v', proj_attn: 'to_out.0' } as const;

/** Today's name of an attention parameter of a checkpoint from before diffusers 0.15: `attentions.0.query.weight` → `attentions.0.to_q.weight`. */
export function currentAttentionKey(key: string): string {
  return key.replace(
    /(^|\.)(attentions\.\d+)\.(query|key|value|proj_attn)\.(weight|bias)$/,
    (_, start: string, path: string, old: keyof typeof RENAMED, end: string) =>
      `${start}${path}.${RENAMED[old]}.${end}`,
  );
}
