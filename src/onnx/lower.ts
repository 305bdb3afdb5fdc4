/** @file Lowering: a graph becomes an ONNX model for a target. */
import {
  constant,
  decompose,
  type Graph,
  isComposite,
  type Node,
  resultsOf,
  rewriteGraph,
  rewriteTensors,
  simplify,
  type Tensor,
  topologicalOrder,
  type Variable,
} from '../graph/index.ts';
import type { NdArray } from '../tensor/index.ts';
import { isLongAttention } from './attention.ts';
import { canBeInBlocks } from './blocked-pictures.ts';
import { Emitter, type ValueName } from './emitter.ts';
import { plainConvolutions } from './kernel-growth.ts';
import { type Lowering, lowerings } from './lowerings.ts';
import { domainsOf, type OnnxModel, type OnnxValue, readsOf } from './model.ts';
import { scheduleNodes } from './schedule.ts';
import { type OnnxTarget, OPSETS } from './target.ts';

/** A model, and which of its values feed and receive what. */
export interface LoweredGraph {
  readonly model: OnnxModel;
  /** The graph as it was written down, after simplification and decomposition. */
  readonly graph: Graph;
  readonly inputs: ReadonlyMap<string, ValueName>;
  readonly variables: ReadonlyMap<Variable, ValueName>;
  readonly randoms: readonly { readonly tensor: Tensor; readonly name: ValueName }[];
  readonly outputs: ReadonlyMap<string, ValueName>;
  readonly assignments: ReadonlyMap<Variable, ValueName>;
}

export interface LowerOptions {
  /** Values to bake in as constants instead of reading the variable: what lets the engine lay them out for speed. */
  readonly frozen?: (variable: Variable) => NdArray | undefined;
  /** Bytes by which kernels may grow in all, for forms of convolutions that compute less. Default 512 MiB. */
  readonly kernelGrowth?: number;
}

/** Composites that stay whole for this target; the others are written in primitives, so that their parts can be shared. */
function staysWhole(node: Node, target: OnnxTarget): boolean {
  if (node.op === 'attention' || node.op === 'attentionGrad') return isLongAttention(node, target);
  if (node.op === 'groupNormGrad') return canBeInBlocks(target.block, node.inputs[0]!.shape);
  return lowerings[node.op as keyof typeof lowerings] !== undefined;
}

/** Replaces composites that have no lowering by their decomposition, as deep as needed. */
function expandComposites(graph: Graph, target: OnnxTarget): Graph {
  const expand = (node: Node, inputs: readonly Tensor[]): readonly Tensor[] | undefined => {
    if (!isComposite(node.op) || staysWhole(node, target)) return undefined;
    const outputs = decompose({ ...node, inputs } as Parameters<typeof decompose>[0]);
    const known = new Set(inputs.map((tensor) => tensor.node));
    const find = rewriteTensors(outputs, (inner, innerInputs) =>
      known.has(inner) ? inner.outputs : expand(inner, innerInputs),
    );
    return outputs.map(find);
  };
  return rewriteGraph(graph, expand);
}

/** The graph with the values of frozen variables in their place, so that what they alone decide is computed now. */
function bakeIn(graph: Graph, frozen: Required<LowerOptions>['frozen']): Graph {
  return rewriteGraph(graph, (node) => {
    const value = node.op === 'variable' ? frozen(node.attrs.variable) : undefined;
    return value && [constant(value)];
  });
}

/** Simplifies `graph` and writes it in ONNX operators for `target`. Only what results need is written. */
export function lower(graph: Graph, target: OnnxTarget, { frozen, kernelGrowth }: LowerOptions = {}): LoweredGraph {
  const simplified = simplify(expandComposites(simplify(frozen ? bakeIn(graph, frozen) : graph), target));
  const order = topologicalOrder(resultsOf(simplified));
  const plain = plainConvolutions(order, target, kernelGrowth);
  const emitter = new Emitter({ channelsApart: simplified.variables.size === 0, plain });
  const names = new Map<Tensor, ValueName>();
  const inputs = new Map<string, ValueName>();
  const variables = new Map<Variable, ValueName>();
  const randoms: { tensor: Tensor; name: ValueName }[] = [];
  const modelInputs: OnnxValue[] = [];
  const declare = (tensor: Tensor, name: ValueName): ValueName => {
    modelInputs.push({ name, dtype: tensor.dtype, shape: tensor.shape });
    emitter.declareShape(name, tensor.shape);
    return name;
  };

  const readers = new Map<Tensor, number>();
  for (const tensor of [...order.flatMap((node) => node.inputs), ...resultsOf(simplified)]) {
    readers.set(tensor, (readers.get(tensor) ?? 0) + 1);
  }
  for (const node of order) {
    const [output] = node.outputs as [Tensor];
    switch (node.op) {
      case 'input':
        inputs.set(node.attrs.name, declare(output, `input:${node.attrs.name}`));
        names.set(output, `input:${node.attrs.name}`);
        break;
      case 'random': {
        const name = declare(output, `random:${node.attrs.draw}`);
        randoms.push({ tensor: output, name });
        names.set(output, name);
        break;
      }
      case 'variable': {
        const { variable } = node.attrs;
        const name = declare(output, `variable:${variables.size}:${variable.name}`);
        variables.set(variable, name);
        names.set(output, name);
        break;
      }
      default: {
        const lowering = lowerings[node.op as keyof typeof lowerings] as Lowering<never>;
        const operands = node.inputs.map((tensor) => names.get(tensor)!);
        const written = lowering(node as never, operands, emitter, target);
        node.outputs.forEach((tensor, i) => {
          const name = written[i];
          if (name === undefined) return;
          names.set(tensor, name);
          emitter.declareShape(name, tensor.shape);
          emitter.declareReaders(name, readers.get(tensor) ?? 0);
        });
      }
    }
  }

  // a model's output must be a value of its own: neither an input nor shared by two results
  const taken = new Set<ValueName>([...modelInputs.map(({ name }) => name), ...emitter.initializers.keys()]);
  const modelOutputs: OnnxValue[] = [];
  const result = (tensor: Tensor): ValueName => {
    let name = names.get(tensor)!;
    if (taken.has(name)) {
      const copy = emitter.fresh('out');
      emitter.nodes.push({ opType: 'Identity', domain: '', inputs: [name], outputs: [copy], attributes: {} });
      name = copy;
    }
    taken.add(name);
    modelOutputs.push({ name, dtype: tensor.dtype, shape: tensor.shape });
    return name;
  };
  const outputs = new Map([...simplified.outputs].map(([key, tensor]) => [key, result(tensor)]));
  const assignments = new Map([...simplified.assignments].map(([variable, tensor]) => [variable, result(tensor)]));
  const nodes = scheduleNodes(
    liveNodes(emitter, modelOutputs),
    new Set([...variables.values(), ...emitter.initializers.keys()]),
  );
  const domains = domainsOf(nodes).add('');
  const model: OnnxModel = {
    nodes,
    initializers: emitter.initializers,
    inputs: modelInputs,
    outputs: modelOutputs,
    opsets: Object.fromEntries(Object.entries(OPSETS).filter(([domain]) => domains.has(domain))),
  };
  return { model, graph: simplified, inputs, variables, randoms, outputs, assignments };
}

/** ONNX Runtime runs dead nodes: a lowering may have written outputs nobody reads. */
function liveNodes(emitter: Emitter, outputs: readonly OnnxValue[]) {
  const needed = new Set(outputs.map(({ name }) => name));
  const live = [];
  for (let i = emitter.nodes.length - 1; i >= 0; i--) {
    const node = emitter.nodes[i]!;
    if (!node.outputs.some((name) => needed.has(name))) continue;
    for (const name of readsOf(node)) needed.add(name);
    live.push(node);
  }
  for (const name of [...emitter.initializers.keys()]) if (!needed.has(name)) emitter.initializers.delete(name);
  return live.reverse();
}
