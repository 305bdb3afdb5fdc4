/** @file Rebuilding a graph node by node: the base of every graph-to-graph pass. */
import type { Node } from './node.ts';
import { resultsOf, topologicalOrder } from './order.ts';
import { createOutputs, type Tensor } from './tensor.ts';
import type { Graph } from './trace.ts';

/** Gives the replacement of a node whose inputs were already replaced, or undefined to keep the op as it is. */
export type Visitor = (node: Node, inputs: readonly Tensor[]) => readonly Tensor[] | undefined;

/** The same op over other inputs; the node itself when nothing changed. */
export function withInputs(node: Node, inputs: readonly Tensor[]): readonly Tensor[] {
  if (inputs.every((tensor, i) => tensor === node.inputs[i])) return node.outputs;
  return createOutputs(node.op, inputs, node.attrs, node.scope);
}

/** Rebuilds what `results` need; returns the replacement of every tensor reached. */
export function rewriteTensors(results: Iterable<Tensor>, visit: Visitor): (tensor: Tensor) => Tensor {
  const replaced = new Map<Node, readonly Tensor[]>();
  const find = (tensor: Tensor): Tensor => replaced.get(tensor.node)?.[tensor.index] ?? tensor;
  for (const node of topologicalOrder(results)) {
    const inputs = node.inputs.map(find);
    replaced.set(node, visit(node, inputs) ?? withInputs(node, inputs));
  }
  return find;
}

/** Rebuilds a whole graph. Inputs, variables and draws that no result needs any more are dropped (inputs are kept). */
export function rewriteGraph(graph: Graph, visit: Visitor): Graph {
  const find = rewriteTensors(resultsOf(graph), visit);
  const outputs = new Map([...graph.outputs].map(([name, tensor]) => [name, find(tensor)]));
  const assignments = new Map([...graph.assignments].map(([variable, tensor]) => [variable, find(tensor)]));
  const live = new Set(topologicalOrder([...outputs.values(), ...assignments.values()]));
  return {
    inputs: graph.inputs,
    variables: new Map([...graph.variables].filter(([, tensor]) => live.has(tensor.node))),
    randoms: graph.randoms.filter((tensor) => live.has(tensor.node)),
    outputs,
    assignments,
  };
}
