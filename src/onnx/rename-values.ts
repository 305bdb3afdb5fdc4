/** @file Gives the inputs and outputs of an ONNX model the names that its users expect. */
import type { OnnxModel } from './model.ts';

/** `model` with values renamed; only domains that its nodes use are kept. */
export function renameValues(model: OnnxModel, names: ReadonlyMap<string, string>): OnnxModel {
  const renamed = (name: string): string => names.get(name) ?? name;
  const domains = new Set(['', ...model.nodes.map(({ domain }) => domain)]);
  return {
    ...model,
    nodes: model.nodes.map((node) => ({
      ...node,
      inputs: node.inputs.map(renamed),
      outputs: node.outputs.map(renamed),
    })),
    initializers: new Map([...model.initializers].map(([name, value]) => [renamed(name), value])),
    inputs: model.inputs.map((value) => ({ ...value, name: renamed(value.name) })),
    outputs: model.outputs.map((value) => ({ ...value, name: renamed(value.name) })),
    opsets: Object.fromEntries(Object.entries(model.opsets).filter(([domain]) => domains.has(domain))),
  };
}
