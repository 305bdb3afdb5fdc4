/** @file Counts the arithmetic of a graph's convolutions. */
import { type Graph, type Node, resultsOf, topologicalOrder } from '../src/graph/index.ts';

/** Multiplications and additions of one node that is a convolution or a gradient of one; 0 for others. */
function flopsOf({ op, inputs, outputs }: Node): number {
  const [a, b] = inputs;
  const out = outputs[0]!;
  const perElement = (kernel: { readonly size: number; readonly shape: readonly number[] }): number =>
    (2 * kernel.size) / kernel.shape[0]!;
  switch (op) {
    case 'conv':
      return out.size * perElement(b!);
    case 'convTranspose':
      return a!.size * perElement(b!);
    case 'convWeightGrad':
      return b!.size * perElement(out);
    default:
      return 0;
  }
}

/** Floating-point operations of all convolutions of a graph, gradients included; padding counts as if it were picture. */
export function convolutionFlops(graph: Graph): number {
  return topologicalOrder(resultsOf(graph)).reduce((total, node) => total + flopsOf(node), 0);
}
