/** @file Self-attention over the pixels of a feature map. */
import { conv, type Tensor, toTensor } from '../graph/index.ts';
import { GroupNorm, type Linear, MultiHeadAttention } from '../nn/index.ts';

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

  /**
   * Works channels first, as the feature maps are stored: projections are 1×1 convolutions, and no tensor is transposed
   * (a quarter faster with many heads than attention over tokens).
   */
  override forward(x: Tensor): Tensor {
    const [batch, , height, width] = x.shape as [number, number, number, number];
    const normed = this.groupNorm ? this.groupNorm.forward(x) : x;
    const headShape = [batch, this.heads, this.headDim, height * width];
    const [q, k, v] = [this.toQ, this.toK, this.toV].map((linear) => projectPixels(linear, normed).reshape(headShape));
    // [B, heads, L, S], then [B, heads, headDim, L]
    const weights = q!
      .mul(1 / Math.sqrt(this.headDim))
      .matmul(k!, { transposeA: true })
      .softmax();
    const mixed = v!.matmul(weights, { transposeB: true }).reshape([batch, -1, height, width]);
    const sum = projectPixels(this.toOut[0], mixed).add(x);
    return this.outputScaleFactor === 1 ? sum : sum.mul(1 / this.outputScaleFactor);
  }
}

/** The linear layer over the channels of every pixel. x: [B, C, H, W] → [B, outFeatures, H, W]. */
function projectPixels({ weight, bias }: Linear, x: Tensor): Tensor {
  const [outputs, inputs] = weight.shape as [number, number];
  return conv(x, toTensor(weight).reshape([outputs, inputs, 1, 1]), bias);
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
