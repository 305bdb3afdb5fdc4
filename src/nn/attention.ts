/** @file Multi-head attention over tokens. */
import { attention, type Tensor } from '../graph/index.ts';
import { ConfigError } from '../tensor/index.ts';
import { Dropout } from './dropout.ts';
import { Linear } from './linear.ts';
import { Module } from './module.ts';

export interface MultiHeadAttentionOptions {
  /** Default 8. */
  readonly heads?: number;
  /** Features of one head. Default 64. */
  readonly headDim?: number;
  /** Features of the context tokens; those of the queries by default (self-attention). */
  readonly contextDim?: number;
  /** Bias of the query, key and value projections. Default false. */
  readonly bias?: boolean;
  /** Dropout after the output projection. Default 0. */
  readonly dropout?: number;
}

/**
 * Multi-head attention (Vaswani et al. 2017) with diffusers' parameter names `to_q`, `to_k`, `to_v`, `to_out.0`.
 * x: [B, L, queryDim], context: [B, S, contextDim] → [B, L, queryDim].
 */
export class MultiHeadAttention extends Module {
  readonly toQ: Linear;
  readonly toK: Linear;
  readonly toV: Linear;
  readonly toOut: readonly [Linear, Dropout];
  readonly heads: number;
  readonly headDim: number;

  /** Throws `ConfigError` when there is no head. */
  constructor(
    queryDim: number,
    { heads = 8, headDim = 64, contextDim = queryDim, bias = false, dropout = 0 }: MultiHeadAttentionOptions = {},
  ) {
    super();
    if (heads < 1) {
      throw new ConfigError(
        `attention over ${queryDim} channels with ${headDim} per head has no head`,
        'choose an attention_head_dim of at most the number of channels',
      );
    }
    const inner = heads * headDim;
    this.toQ = new Linear(queryDim, inner, { bias });
    this.toK = new Linear(contextDim, inner, { bias });
    this.toV = new Linear(contextDim, inner, { bias });
    this.toOut = [new Linear(inner, queryDim), new Dropout(dropout)];
    this.heads = heads;
    this.headDim = headDim;
  }

  forward(x: Tensor, context: Tensor = x): Tensor {
    const q = this.#split(this.toQ.forward(x));
    const k = this.#split(this.toK.forward(context));
    const v = this.#split(this.toV.forward(context));
    const mixed = this.#merge(attention(q, k, v));
    const [project, drop] = this.toOut;
    return drop.forward(project.forward(mixed));
  }

  /** [B, L, heads · headDim] → [B, heads, L, headDim] */
  #split(x: Tensor): Tensor {
    if (this.heads === 1) return x;
    const [batch, length] = x.shape as [number, number];
    return x.reshape([batch, length, this.heads, this.headDim]).transpose([0, 2, 1, 3]);
  }

  /** [B, heads, L, headDim] → [B, L, heads · headDim] */
  #merge(x: Tensor): Tensor {
    if (this.heads === 1) return x;
    const [batch, , length] = x.shape as [number, number, number];
    return x.transpose([0, 2, 1, 3]).reshape([batch, length, this.heads * this.headDim]);
  }
}
