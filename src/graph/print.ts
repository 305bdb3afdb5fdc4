/** @file Prints graphs as typed, stable, diffable text. */
import { type NdArray, sizeOf } from '../tensor/index.ts';
import type { Node } from './node.ts';
import { resultsOf, topologicalOrder } from './order.ts';
import { formatType } from './shape-rules/index.ts';
import type { Tensor } from './tensor.ts';
import type { Graph } from './trace.ts';

function formatConstant({ data, shape, dtype }: NdArray): string {
  if (sizeOf(shape) <= 6) {
    const values = Array.from(data as ArrayLike<number | bigint>, (value) => `${value}`);
    return shape.length === 0 ? values[0]! : `[${values.join(', ')}]`;
  }
  return `constant ${formatType({ shape, dtype })}`;
}

function formatAttr(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(formatAttr).join(', ')}]`;
  return typeof value === 'string' ? `'${value}'` : `${value}`;
}

function formatAttrs(node: Node): string[] {
  return Object.entries(node.attrs).map(([key, value]) => `${key}=${formatAttr(value)}`);
}

/** Names every tensor of a graph: inputs by name, variables as `$name`, draws as `normal#0`, the rest numbered. */
class Names {
  readonly #numbers = new Map<Node, number>();

  of(tensor: Tensor): string {
    const { node } = tensor;
    switch (node.op) {
      case 'input':
        return node.attrs.name;
      case 'variable':
        return `$${node.attrs.variable.name || 'unnamed'}`;
      case 'random':
        return `${node.attrs.distribution}#${node.attrs.draw}`;
      case 'constant':
        return formatConstant(node.attrs.value);
      default: {
        let number = this.#numbers.get(node);
        if (number === undefined) {
          number = this.#numbers.size;
          this.#numbers.set(node, number);
        }
        return node.outputs.length > 1 ? `%${number}.${tensor.index}` : `%${number}`;
      }
    }
  }
}

const LEAVES = new Set(['input', 'variable', 'random', 'constant']);

function formatNode(node: Node, names: Names): string {
  const operands = [...node.inputs.map((tensor) => names.of(tensor)), ...formatAttrs(node)];
  const types = node.outputs.map(formatType).join(', ');
  const scope = node.scope ? `  # ${node.scope}` : '';
  return `  ${names.of(node.outputs[0]!).replace(/\.0$/, '')} = ${node.op}(${operands.join(', ')}) : ${types}${scope}`;
}

/** The whole graph: parameters of the run, one line per op, what it returns and assigns. */
export function printGraph(graph: Graph): string {
  const names = new Names();
  const order = topologicalOrder(resultsOf(graph));
  const leaves = order.filter((node) => LEAVES.has(node.op) && node.op !== 'constant');
  const head = leaves.map((node) => `${names.of(node.outputs[0]!)}: ${formatType(node.outputs[0]!)}`);
  const lines = order.filter((node) => !LEAVES.has(node.op)).map((node) => formatNode(node, names));
  for (const [name, tensor] of graph.outputs) lines.push(`  return ${name} = ${names.of(tensor)}`);
  for (const [variable, tensor] of graph.assignments) lines.push(`  $${variable.name} := ${names.of(tensor)}`);
  return `graph(${head.join(', ')}) {\n${lines.join('\n')}\n}`;
}

/** The ops just before `node`, for error messages. */
export function printNeighbourhood(node: Node, count = 6): string {
  const names = new Names();
  const near = topologicalOrder(node.outputs).filter((other) => !LEAVES.has(other.op));
  return near
    .slice(-count)
    .map((other) => formatNode(other, names))
    .join('\n');
}
