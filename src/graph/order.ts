/** @file Walking a graph: topological order and users. */
import type { Node } from './node.ts';
import type { Tensor } from './tensor.ts';
import type { Graph } from './trace.ts';

/** Everything a run must produce: outputs first, then new values of variables. */
export function resultsOf(graph: Graph): Tensor[] {
  return [...graph.outputs.values(), ...graph.assignments.values()];
}

/** Nodes that `results` need, inputs before readers, in creation order (which is a topological order). */
export function topologicalOrder(results: Iterable<Tensor>): Node[] {
  const seen = new Set<Node>();
  const stack: Node[] = [];
  for (const tensor of results) stack.push(tensor.node);
  while (stack.length > 0) {
    const node = stack.pop()!;
    if (seen.has(node)) continue;
    seen.add(node);
    for (const input of node.inputs) stack.push(input.node);
  }
  return [...seen].sort((a, b) => a.id - b.id);
}
