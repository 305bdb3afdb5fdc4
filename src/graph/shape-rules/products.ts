/** @file Shape rules of matrix products and attention. */
import { broadcastShapes, DtypeError, ShapeError, sameShape } from '../../tensor/index.ts';
import { formatType, one, requireFloat, type ShapeRules } from './rule.ts';

/** Over the last two axes; those before are batches. */
export const productShapes = {
  matmul: ([a, b], { transposeA, transposeB }) => {
    requireFloat('matmul', a!);
    if (a!.dtype !== b!.dtype)
      throw new DtypeError(`matmul needs one dtype, got ${formatType(a!)} and ${formatType(b!)}`);
    if (a!.shape.length < 2 || b!.shape.length < 2) {
      throw new ShapeError(
        `matmul needs matrices (rank 2 or more), got ${formatType(a!)} and ${formatType(b!)}`,
        'add an axis with unsqueeze',
      );
    }
    const [rowA, colA] = (transposeA ? [...a!.shape.slice(-2)].reverse() : a!.shape.slice(-2)) as [number, number];
    const [rowB, colB] = (transposeB ? [...b!.shape.slice(-2)].reverse() : b!.shape.slice(-2)) as [number, number];
    if (colA !== rowB) {
      throw new ShapeError(
        `matmul: the inner extents differ, ${colA} against ${rowB}, for ${formatType(a!)}${transposeA ? 'ᵀ' : ''} and ${formatType(b!)}${transposeB ? 'ᵀ' : ''}`,
        'the last axis of the left operand must equal the second to last of the right one',
      );
    }
    return one([...broadcastShapes(a!.shape.slice(0, -2), b!.shape.slice(0, -2)), rowA, colB], a!.dtype);
  },
  // q: [..., L, E], k: [..., S, E], v: [..., S, V], or their last two axes the other way round
  attention: ([q, k, v], { channelsFirst }) => {
    const [a, b, c] = [q!.shape, k!.shape, v!.shape];
    const [channel, token] = channelsFirst ? [-2, -1] : [-1, -2];
    const fits =
      a.length >= 2 &&
      a.at(channel) === b.at(channel) &&
      b.at(token) === c.at(token) &&
      sameShape(a.slice(0, -2), b.slice(0, -2)) &&
      sameShape(a.slice(0, -2), c.slice(0, -2));
    if (!fits) {
      throw new ShapeError(
        `attention: q ${formatType(q!)}, k ${formatType(k!)} and v ${formatType(v!)} do not fit`,
        channelsFirst
          ? 'q: [..., E, L], k: [..., E, S], v: [..., V, S]'
          : 'q: [..., L, E], k: [..., S, E], v: [..., S, V]',
      );
    }
    requireFloat('attention', q!);
    const [length, features] = [a.at(token)!, c.at(channel)!];
    return one([...a.slice(0, -2), ...(channelsFirst ? [features, length] : [length, features])], q!.dtype);
  },
  // made by the gradient rule alone, from operands that fit
  attentionGrad: ([q, k, v]) => [q!, k!, v!],
} satisfies Partial<ShapeRules>;
