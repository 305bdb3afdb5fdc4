/** @file Lowering of matrix products. */
import type { NodeOf } from '../graph/index.ts';
import type { Emitter, ValueName } from './emitter.ts';
import { hasContribOps, type OnnxTarget } from './target.ts';

/** Swaps the last two of `rank` axes. */
function swapped(x: ValueName, rank: number, emitter: Emitter): ValueName {
  const perm = Array.from({ length: rank }, (_, axis) => axis);
  [perm[rank - 1], perm[rank - 2]] = [rank - 2, rank - 1];
  return emitter.transpose(x, perm);
}

/** `A · Bᵀ` over the last two axes; `rank` is that of B. */
export function matmulTransposed(
  a: ValueName,
  b: ValueName,
  rank: number,
  emitter: Emitter,
  target: OnnxTarget,
): ValueName {
  if (hasContribOps(target)) return emitter.emit('FusedMatMul', [a, b], { transB: 1 }, { domain: 'com.microsoft' });
  return emitter.emit('MatMul', [a, swapped(b, rank, emitter)]);
}

export function lowerMatmul(
  node: NodeOf<'matmul'>,
  inputs: readonly ValueName[],
  emitter: Emitter,
  target: OnnxTarget,
): ValueName {
  const { transposeA, transposeB } = node.attrs;
  if (!transposeA && !transposeB) return emitter.emit('MatMul', inputs);
  if (hasContribOps(target)) {
    const attributes = { transA: transposeA ? 1 : 0, transB: transposeB ? 1 : 0 };
    return emitter.emit('FusedMatMul', inputs, attributes, { domain: 'com.microsoft' });
  }
  const turned = inputs.map((name, i) =>
    (i === 0 ? transposeA : transposeB) ? swapped(name, node.inputs[i]!.rank, emitter) : name,
  );
  return emitter.emit('MatMul', turned);
}
