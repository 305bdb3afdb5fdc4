/**
 * @file Which convolutions may keep a transformed kernel. One is larger than the kernel that it stands for: in small networks
 * nobody minds, in large ones only those are transformed that save the most multiplications for their bytes.
 */
import type { Node, NodeOf } from '../graph/index.ts';
import { byteLength, sizeOf } from '../tensor/index.ts';
import type { OnnxTarget } from './target.ts';
import { extentsOf, hasWinogradForm } from './winograd.ts';

/** Bytes by which transformed kernels may be larger in all, unless told otherwise. */
export const KERNEL_GROWTH = 2 ** 29;

interface Growth {
  readonly node: Node;
  readonly bytes: number;
  /** Multiplications saved per element by which the kernel grows. */
  readonly gain: number;
}

/** The growth of a convolution's kernel in the form that it would take; undefined when it does not grow. */
function growthOf(node: NodeOf<'conv'>, { block }: OnnxTarget): Growth | undefined {
  const [x, w] = node.inputs;
  if (w!.node.op !== 'constant') return undefined;
  const bytes = byteLength(w!);
  const pixels = node.outputs[0]!.shape[0]! * sizeOf(node.outputs[0]!.shape.slice(2));
  // 12 taps of two thirds fewer multiplications instead of 9; see `enlarged-convolution.ts`
  if (x!.node.op === 'resize' && block !== undefined) return { node, bytes: bytes / 3, gain: 2 * pixels };
  return hasWinogradForm(block, node.attrs, extentsOf(node)) ? { node, bytes, gain: pixels / 2 } : undefined;
}

/** The convolutions of `nodes` whose kernels must stay as they are for all others to grow by at most `budget` bytes. */
export function plainConvolutions(
  nodes: readonly Node[],
  target: OnnxTarget,
  budget = KERNEL_GROWTH,
): ReadonlySet<Node> {
  const growing = nodes.flatMap((node) => (node.op === 'conv' ? (growthOf(node, target) ?? []) : []));
  const plain = new Set<Node>();
  let left = budget;
  for (const { node, bytes } of growing.sort((a, b) => b.gain - a.gain)) {
    if (bytes <= left) left -= bytes;
    else plain.add(node);
  }
  return plain;
}
