/** @file Normalisation and attention as functions of tensors. */
import { normalizeAxis } from '../tensor/index.ts';
import { createNode, type Tensor, type TensorLike, toTensor } from './tensor.ts';

/**
 * Group normalisation (Wu & He 2018): `(x - mean) / sqrt(var + epsilon) · gamma + beta` with statistics over each group of channels.
 * x: [B, C, ...], gamma and beta: [C].
 */
export function groupNorm(x: Tensor, groups: number, gamma: TensorLike, beta: TensorLike, epsilon = 1e-5): Tensor {
  return createNode('groupNorm', [x, toTensor(gamma), toTensor(beta)], { groups, epsilon });
}

/** Layer normalisation (Ba et al. 2016) over the axes from `axis` on; gamma and beta have the shape of those axes. */
export function layerNorm(
  x: Tensor,
  {
    axis = -1,
    gamma,
    beta,
    epsilon = 1e-5,
  }: {
    readonly axis?: number;
    readonly gamma?: TensorLike;
    readonly beta?: TensorLike;
    readonly epsilon?: number;
  } = {},
): Tensor {
  let y = createNode('normalize', [x], { axis: normalizeAxis(axis, x.rank), epsilon });
  if (gamma !== undefined) y = y.mul(toTensor(gamma));
  return beta === undefined ? y : y.add(toTensor(beta));
}

/** Root-mean-square normalisation (Zhang & Sennrich 2019): `x / sqrt(mean(x²) + epsilon) · gamma`. */
export function rmsNorm(
  x: Tensor,
  {
    axis = -1,
    gamma,
    epsilon = 1e-6,
  }: { readonly axis?: number; readonly gamma?: TensorLike; readonly epsilon?: number } = {},
): Tensor {
  const y = createNode('rmsNormalize', [x], { axis: normalizeAxis(axis, x.rank), epsilon });
  return gamma === undefined ? y : y.mul(toTensor(gamma));
}

/**
 * Scaled dot-product attention, `softmax(q · kᵀ · scale) · v` (Vaswani et al. 2017).
 * q: [..., L, E], k: [..., S, E], v: [..., S, V] → [..., L, V]; scale defaults to `1 / sqrt(E)`.
 * With `channelsFirst`, the last two axes of all four are the other way round: [..., E, L] and so on.
 */
export function attention(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  {
    channelsFirst = false,
    scale = 1 / Math.sqrt(q.shape.at(channelsFirst ? -2 : -1) ?? 1),
  }: { readonly scale?: number; readonly channelsFirst?: boolean } = {},
): Tensor {
  return createNode('attention', [q, k, v], { scale, channelsFirst });
}

/** The same value, treated as a constant by derivatives. */
export function detach(x: Tensor): Tensor {
  return createNode('detach', [x], {});
}
