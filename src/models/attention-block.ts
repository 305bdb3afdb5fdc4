/** @file Self-attention over the pixels of a feature map. */
import { attention, conv, type Tensor, type TensorLike, toTensor } from '../graph/index.ts';
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

  /**
   * Works channels first, as the feature maps are stored: projections are 1×1 convolutions, and no tensor is transposed
   * (a quarter faster with many heads than attention over tokens).
   */
  override forward(x: Tensor): Tensor {
    const normed = this.groupNorm ? this.groupNorm.forward(x) : x;
    const sum = (this.#joinsProjections(x) ? this.#attendJoined(normed) : this.#attend(normed)).add(x);
    return this.outputScaleFactor === 1 ? sum : sum.mul(1 / this.outputScaleFactor);
  }

  #attend(x: Tensor): Tensor {
    const [q, k, v] = [this.toQ, this.toK, this.toV].map(({ weight, bias }) =>
      this.#perHead(projectPixels(x, toTensor(weight), bias)),
    ) as [Tensor, Tensor, Tensor];
    const [{ weight, bias }] = this.toOut;
    const [batch, , height, width] = x.shape as [number, number, number, number];
    const mixed = attention(q, k, v, { scale: this.#scale, channelsFirst: true }).reshape([batch, -1, height, width]);
    return projectPixels(mixed, toTensor(weight), bias);
  }

  /** Whether one head has all channels, and products of its projection matrices cost less than the projections that they save. */
  #joinsProjections(x: Tensor): boolean {
    const [batch, channels, height, width] = x.shape as [number, number, number, number];
    return this.heads === 1 && this.headDim === channels && batch * height * width >= 2 * channels;
  }

  /**
   * The same of one head with two projections instead of four. `(Wq x + bq)ᵀ (Wk y + bk)` is `(Wkᵀ (Wq x + bq))ᵀ y` but for
   * a part that all keys y share, to which softmax is blind. Weights sum to 1, so values are projected after they are mixed.
   */
  #attendJoined(x: Tensor): Tensor {
    const [q, k, v, out] = [this.toQ, this.toK, this.toV, this.toOut[0]].map(({ weight, bias }) => ({
      weight: toTensor(weight),
      bias: toTensor(bias!).unsqueeze(1),
    })) as [Projection, Projection, Projection, Projection];
    const toKeys = k.weight.mul(this.#scale);
    const queries = this.#perHead(
      projectPixels(
        x,
        toKeys.matmul(q.weight, { transposeA: true }),
        toKeys.matmul(q.bias, { transposeA: true }).squeeze(1),
      ),
    );
    const pixels = this.#perHead(x);
    const mixed = attention(queries, pixels, pixels, { scale: 1, channelsFirst: true }).reshape(x.shape);
    return projectPixels(mixed, out.weight.matmul(v.weight), out.weight.matmul(v.bias).add(out.bias).squeeze(1));
  }

  get #scale(): number {
    return 1 / Math.sqrt(this.headDim);
  }

  /** [B, heads · headDim, H, W] → [B, heads, headDim, H · W] */
  #perHead(x: Tensor): Tensor {
    const [batch, , height, width] = x.shape as [number, number, number, number];
    return x.reshape([batch, this.heads, this.headDim, height * width]);
  }
}

/** A linear layer: weight [outputs, inputs], bias [outputs, 1]. */
interface Projection {
  readonly weight: Tensor;
  readonly bias: Tensor;
}

/** A linear layer over the channels of every pixel. x: [B, C, H, W], weight: [O, C], bias: [O] → [B, O, H, W]. */
function projectPixels(x: Tensor, weight: Tensor, bias: TensorLike | undefined): Tensor {
  return conv(x, weight.reshape([...weight.shape, 1, 1]), bias);
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
