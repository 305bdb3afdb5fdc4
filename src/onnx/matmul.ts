/** @file Lowering of matrix products. */
import type { NodeOf } from '../graph/index.ts';
import { type Shape, sameShape } from '../tensor/index.ts';
import type { Emitter, ValueName } from './emitter.ts';
import { hasContribOps, type OnnxTarget } from './target.ts';

/** Swaps the last two of `rank` axes. */
function swapped(x: ValueName, rank: number, emitter: Emitter): ValueName {
  const perm = Array.from({ length: rank }, (_, axis) => axis);
  [perm[rank - 1], perm[rank - 2]] = [rank - 2, rank - 1];
  return emitter.transpose(x, perm);
}

/** The product over the last two axes, of operands turned as it reads them: ONNX Runtime's own operator. */
export function fusedProduct(
  a: ValueName,
  b: ValueName,
  turned: { readonly a?: boolean; readonly b?: boolean },
  emitter: Emitter,
): ValueName {
  const attributes = { transA: turned.a ? 1 : 0, transB: turned.b ? 1 : 0 };
  return emitter.emit('FusedMatMul', [a, b], attributes, { domain: 'com.microsoft' });
}

/** `A · Bᵀ` over the last two axes; `rank` is that of B. */
export function matmulTransposed(
  a: ValueName,
  b: ValueName,
  rank: number,
  emitter: Emitter,
  target: OnnxTarget,
): ValueName {
  if (hasContribOps(target)) return fusedProduct(a, b, { b: true }, emitter);
  return emitter.emit('MatMul', [a, swapped(b, rank, emitter)]);
}

/** Scalar products of many short rows: ONNX Runtime makes a matrix product of each, four times as slow as their sum below this. */
const SHORT_ROW = 512;

function isShortRows({ inputs, attrs: { transposeA, transposeB } }: NodeOf<'matmul'>): boolean {
  const [a, b] = inputs.map(({ shape }) => shape) as [Shape, Shape];
  return !transposeA && transposeB && sameShape(a, b) && a.length > 2 && a.at(-2) === 1 && a.at(-1)! < SHORT_ROW;
}

export function lowerMatmul(
  node: NodeOf<'matmul'>,
  inputs: readonly ValueName[],
  emitter: Emitter,
  target: OnnxTarget,
): ValueName {
  const { transposeA, transposeB } = node.attrs;
  if (isShortRows(node)) return emitter.reduceSum(emitter.emit('Mul', inputs), [node.inputs[0]!.rank - 1], true);
  if (!transposeA && !transposeB) return emitter.emit('MatMul', inputs);
  if (hasContribOps(target)) {
    return fusedProduct(inputs[0]!, inputs[1]!, { a: transposeA, b: transposeB }, emitter);
  }
  const turned = inputs.map((name, i) =>
    (i === 0 ? transposeA : transposeB) ? swapped(name, node.inputs[i]!.rank, emitter) : name,
  );
  return emitter.emit('MatMul', turned);
}
