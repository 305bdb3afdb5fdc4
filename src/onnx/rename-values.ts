/** @file Gives the inputs and outputs of an ONNX model the names that its users expect. */
import { domainsOf, type OnnxModel, type OnnxNode } from './model.ts';

/** `model` with values renamed; only domains that its nodes use are kept. */
export function renameValues(model: OnnxModel, names: ReadonlyMap<string, string>): OnnxModel {
  const renamed = (name: string): string => names.get(name) ?? name;
  const renamedNode = (node: OnnxNode): OnnxNode => ({
    ...node,
    inputs: node.inputs.map(renamed),
    outputs: node.outputs.map(renamed),
    ...(node.captures && { captures: node.captures.map(renamed) }),
    attributes: Object.fromEntries(
      Object.entries(node.attributes).map(([name, value]) => [
        name,
        typeof value === 'object' && 'graph' in value
          ? { graph: { ...value.graph, nodes: value.graph.nodes.map(renamedNode) } }
          : value,
      ]),
    ),
  });
  const domains = domainsOf(model.nodes).add('');
  return {
    ...model,
    nodes: model.nodes.map(renamedNode),
    initializers: new Map([...model.initializers].map(([name, value]) => [renamed(name), value])),
    inputs: model.inputs.map((value) => ({ ...value, name: renamed(value.name) })),
    outputs: model.outputs.map((value) => ({ ...value, name: renamed(value.name) })),
    opsets: Object.fromEntries(Object.entries(model.opsets).filter(([domain]) => domains.has(domain))),
  };
}
