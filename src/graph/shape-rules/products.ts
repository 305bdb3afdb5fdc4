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
  // q: [..., L, E], k: [..., S, E], v: [..., S, V]
  attention: ([q, k, v]) => {
    const [a, b, c] = [q!.shape, k!.shape, v!.shape];
    const fits =
      a.at(-1) === b.at(-1) &&
      b.at(-2) === c.at(-2) &&
      sameShape(a.slice(0, -2), b.slice(0, -2)) &&
      sameShape(a.slice(0, -2), c.slice(0, -2));
    if (!fits) {
      throw new ShapeError(
        `attention: q ${formatType(q!)}, k ${formatType(k!)} and v ${formatType(v!)} do not fit`,
        'q: [..., L, E], k: [..., S, E], v: [..., S, V]',
      );
    }
    return one([...a.slice(0, -1), c.at(-1)!], q!.dtype);
  },
} satisfies Partial<ShapeRules>;
