/**
 * @file Takes elementwise updates of variables (optimizers, averages, sums of gradients) out of a graph, to be done in one
 * pass over memory after the run. ONNX Runtime would make a pass per op, and copy every new value out besides.
 */
import { type Graph, type Node, Tensor, type Variable } from '../../graph/index.ts';
import { type Shape, sameShape, sizeOf, toFloat64 } from '../../tensor/index.ts';
import { KERNEL_OPS, type Kernel, type KernelOp } from './kernel.ts';

/** An update with its arrays still as graph objects. */
export interface SplitUpdate {
  readonly kernel: Kernel;
  readonly length: number;
  readonly loads: readonly (Variable | Tensor)[];
  readonly scalars: readonly Tensor[];
  readonly stores: readonly Variable[];
}

export interface SplitGraph {
  /** Without the assignments that became updates; their operands are outputs named `update:…`. */
  readonly graph: Graph;
  readonly updates: readonly SplitUpdate[];
  /** Names of the added outputs. */
  readonly operandNames: ReadonlyMap<Tensor, string>;
}

/** Splits all assignments that are elementwise in variables and results of their own shape. */
export function splitUpdates(graph: Graph): SplitGraph {
  const candidates = [...graph.assignments].filter(([variable, value]) => isElementwise(value, variable));
  const updates = group(candidates, graph).map((members) => buildUpdate(members, graph));
  const moved = new Set(updates.flatMap(({ stores }) => stores));
  const operandNames = new Map<Tensor, string>();
  for (const { loads, scalars } of updates) {
    for (const operand of [...loads, ...scalars]) {
      if (operand instanceof Tensor && !operandNames.has(operand))
        operandNames.set(operand, `update:${operandNames.size}`);
    }
  }
  const added = [...operandNames].map(([tensor, name]) => [name, tensor] as const);
  return {
    graph: {
      ...graph,
      outputs: new Map([...graph.outputs, ...added]),
      assignments: new Map([...graph.assignments].filter(([variable]) => !moved.has(variable))),
    },
    updates,
    operandNames,
  };
}

/** An op whose every operand has the shape of the result or one element. */
function isKernelNode({ op, inputs, outputs }: Node, shape: Shape): boolean {
  return (
    KERNEL_OPS.has(op) &&
    sameShape(outputs[0]!.shape, shape) &&
    inputs.every((input) => input.dtype === 'float32' && (sameShape(input.shape, shape) || input.size === 1))
  );
}

function isElementwise(value: Tensor, { shape, dtype }: Variable): boolean {
  return dtype === 'float32' && sizeOf(shape) > 1 && isKernelNode(value.node, shape);
}

/**
 * Whether a kernel should compute `node` rather than receive it: it reads state, or scales something by a scalar, or is a
 * function of one array, such as a square, which the kernel may need besides.
 */
function belongs(node: Node, shape: Shape, state: ReadonlyMap<Variable, Tensor>, known: Map<Node, boolean>): boolean {
  const before = known.get(node);
  if (before !== undefined) return before;
  known.set(node, false);
  const result =
    isKernelNode(node, shape) &&
    (new Set(node.inputs).size === 1 ||
      node.inputs.some(
        (input) =>
          (input.size === 1 && sizeOf(shape) > 1) ||
          (input.node.op === 'variable' && state.has(input.node.attrs.variable)) ||
          belongs(input.node, shape, state, known),
      ));
  known.set(node, result);
  return result;
}

/** Nodes inside the kernel that computes `value`, and the variables it reads. */
function regionOf(value: Tensor, shape: Shape, graph: Graph): { nodes: Set<Node>; reads: Set<Variable> } {
  const nodes = new Set<Node>([value.node]);
  const reads = new Set<Variable>();
  const known = new Map<Node, boolean>();
  for (const node of nodes) {
    for (const { node: source } of node.inputs) {
      if (source.op === 'variable') reads.add(source.attrs.variable);
      else if (belongs(source, shape, graph.assignments, known)) nodes.add(source);
    }
  }
  return { nodes, reads };
}

type Member = readonly [Variable, Tensor];

/** Assignments that share work, or read what another one stores, go into one kernel. */
function group(candidates: readonly Member[], graph: Graph): Member[][] {
  const parent = new Map<object, object>();
  const find = (item: object): object => {
    let root = item;
    while (parent.has(root) && parent.get(root) !== root) root = parent.get(root)!;
    parent.set(item, root);
    return root;
  };
  const stored = new Set(candidates.map(([variable]) => variable));
  for (const [variable, value] of candidates) {
    const { nodes, reads } = regionOf(value, variable.shape, graph);
    for (const item of [...nodes, ...[...reads].filter((read) => stored.has(read))]) {
      const root = find(item);
      parent.set(root, find(variable));
    }
  }
  const groups = new Map<object, Member[]>();
  for (const member of candidates) {
    const root = find(member[0]);
    groups.set(root, [...(groups.get(root) ?? []), member]);
  }
  return [...groups.values()];
}

function buildUpdate(members: readonly Member[], graph: Graph): SplitUpdate {
  const { shape } = members[0]![0];
  const inside = new Set(members.flatMap(([, value]) => [...regionOf(value, shape, graph).nodes]));
  const loads: (Variable | Tensor)[] = [];
  const scalars: Tensor[] = [];
  const constants: number[] = [];
  const order = [...inside].sort((a, b) => a.id - b.id);
  type Value = { kind: 'load' | 'scalar' | 'constant' | 'op'; at: number };
  const values = new Map<Tensor, Value>();
  const place = <T>(list: T[], item: T): number => {
    const at = list.indexOf(item);
    return at >= 0 ? at : list.push(item) - 1;
  };
  const slotOf = (tensor: Tensor): Value => {
    let value = values.get(tensor);
    if (value) return value;
    const { node } = tensor;
    if (node.op === 'variable' && tensor.size > 1)
      value = { kind: 'load', at: place<Variable | Tensor>(loads, node.attrs.variable) };
    else if (tensor.size > 1) value = { kind: 'load', at: place<Variable | Tensor>(loads, tensor) };
    else if (node.op === 'constant')
      value = { kind: 'constant', at: place(constants, toFloat64(node.attrs.value)[0]!) };
    else value = { kind: 'scalar', at: place(scalars, tensor) };
    values.set(tensor, value);
    return value;
  };
  const ops: { op: KernelOp; args: Value[] }[] = [];
  for (const node of order) {
    ops.push({ op: node.op as KernelOp, args: node.inputs.map(slotOf) });
    values.set(node.outputs[0]!, { kind: 'op', at: ops.length - 1 });
  }
  const base = {
    load: 0,
    scalar: loads.length,
    constant: loads.length + scalars.length,
    op: loads.length + scalars.length + constants.length,
  };
  const number = ({ kind, at }: Value): number => base[kind] + at;
  const kernel: Kernel = {
    loads: loads.length,
    scalars: scalars.length,
    constants,
    ops: ops.map(({ op, args }) => ({ op, args: args.map(number) })),
    stores: members.map(([, value]) => number(slotOf(value))),
  };
  return { kernel, length: sizeOf(shape), loads, scalars, stores: members.map(([variable]) => variable) };
}
