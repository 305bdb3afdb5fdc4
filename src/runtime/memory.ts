/** @file Plans memory: what a program's values need when every buffer is freed after its last reader. */
import { type Graph, type Node, resultsOf, topologicalOrder } from '../graph/index.ts';
import { byteLength, elementsOf, type NdArray } from '../tensor/index.ts';
import type { MemoryPlan } from './engine.ts';

/** Ops whose result shares its input's memory. */
const ALIASES = new Set<Node['op']>(['reshape', 'detach']);
const LEAVES = new Set<Node['op']>(['input', 'variable', 'random', 'constant']);

/**
 * Estimates a graph's memory by liveness over its order; `whole` is the program it was taken from, when it is a part. Values of
 * `frozen` variables are those of variables, not constants besides.
 */
export function planMemory(graph: Graph, whole: Graph = graph, frozen: Iterable<NdArray> = []): MemoryPlan {
  const baked = new Set([...frozen].map(elementsOf));
  const results = resultsOf(graph);
  const order = topologicalOrder(results);
  const owner = new Map<Node, Node>();
  const ownerOf = (node: Node): Node => owner.get(node) ?? node;
  const lastUse = new Map<Node, number>();
  order.forEach((node, at) => {
    if (ALIASES.has(node.op)) owner.set(node, ownerOf(node.inputs[0]!.node));
    for (const input of node.inputs) lastUse.set(ownerOf(input.node), at);
  });
  for (const tensor of results) lastUse.set(ownerOf(tensor.node), order.length);

  const freed = new Map<number, number>();
  let [live, peak, constants] = [0, 0, 0];
  order.forEach((node, at) => {
    if (node.op === 'constant' && !baked.has(elementsOf(node.attrs.value))) constants += byteLength(node.outputs[0]!);
    if (!LEAVES.has(node.op) && !ALIASES.has(node.op)) {
      const bytes = node.outputs.reduce((total, output) => total + byteLength(output), 0);
      live += bytes;
      peak = Math.max(peak, live);
      const end = lastUse.get(node) ?? at;
      freed.set(end, (freed.get(end) ?? 0) + bytes);
    }
    live -= freed.get(at) ?? 0;
  });
  return { variables: variableBytes(whole), constants, activations: peak };
}

/** Bytes of all variables a graph reads or assigns. */
export function variableBytes({ variables, assignments }: Graph): number {
  const all = new Set([...variables.keys(), ...assignments.keys()]);
  return [...all].reduce((total, variable) => total + byteLength(variable), 0);
}
