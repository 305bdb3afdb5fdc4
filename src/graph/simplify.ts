/** @file Simplification: dead code, common subexpressions, constant folding and algebraic identities. */
import { isFloat, sameShape, sizeOf, withShape } from '../tensor/index.ts';
import { evaluateNode, toHostValue, toNdArray } from './evaluate/index.ts';
import type { Node, NodeOf } from './node.ts';
import { rewriteGraph, withInputs } from './rewrite.ts';
import { constant, createNode, scalar, type Tensor } from './tensor.ts';
import type { Graph } from './trace.ts';

/** Folding never makes a constant larger than this many elements: graphs stay small. */
const FOLD_LIMIT = 65_536;

const LEAVES = new Set<Node['op']>(['input', 'variable', 'random', 'constant']);

/**
 * An equivalent graph without what no result needs, with equal expressions merged, constants folded and identities removed.
 * Values are unchanged, but for the rounding of folded constants (float64, rounded once).
 */
export function simplify(graph: Graph): Graph {
  const known = new Map<string, readonly Tensor[]>();
  return rewriteGraph(graph, (node, inputs) => {
    if (LEAVES.has(node.op) && node.op !== 'constant') return undefined;
    const folded = fold(node, inputs);
    const rebuilt = folded ?? identity(node, inputs) ?? undefined;
    const candidate = rebuilt ? rebuilt[0]!.node : node;
    if (rebuilt && rebuilt.length > 1) return rebuilt;
    // an identity may return a tensor that already stands in the graph
    if (rebuilt && candidate.op !== 'constant' && !isFresh(candidate, inputs)) return rebuilt;
    const finalInputs = rebuilt ? candidate.inputs : inputs;
    const key = keyOf(candidate, finalInputs);
    const earlier = known.get(key);
    if (earlier) return earlier;
    const outputs = rebuilt ? candidate.outputs : withInputs(node, inputs);
    known.set(key, outputs);
    return outputs;
  });
}

/** Whether `node` was just made from `inputs` rather than standing in the graph before. */
function isFresh(node: Node, inputs: readonly Tensor[]): boolean {
  return inputs.every((tensor) => tensor.node.id < node.id);
}

function keyOf(node: Node, inputs: readonly Tensor[]): string {
  if (node.op === 'constant') {
    const { value } = node.attrs;
    // large constants are compared by identity
    return sizeOf(value.shape) > 64
      ? `constant#${identityOf(value)}`
      : `constant ${value.dtype} [${value.shape}] ${bits(value.data)}`;
  }
  const operands = inputs.map((tensor) => `${tensor.node.id}.${tensor.index}`).join(',');
  // JSON knows no infinities
  const attrs = JSON.stringify(node.attrs, (_, value) =>
    typeof value === 'number' && !Number.isFinite(value) ? `${value}` : value,
  );
  return `${node.op}(${operands})${attrs}`;
}

function bits(data: ArrayBufferView): string {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength).join(',');
}

const identities = new WeakMap<object, number>();
let identitiesGiven = 0;
function identityOf(value: object): number {
  let id = identities.get(value);
  if (id === undefined) {
    id = identitiesGiven++;
    identities.set(value, id);
  }
  return id;
}

/** Evaluates a node whose inputs are all small constants. Expansions stay lazy: `expand(scalar)` is not materialised. */
function fold(node: Node, inputs: readonly Tensor[]): readonly Tensor[] | undefined {
  if (inputs.length === 0 || node.op === 'expand') return undefined;
  const values = [];
  for (const { node: source } of inputs) {
    if (source.op !== 'constant') return undefined;
    values.push(source.attrs.value);
  }
  if (node.outputs.some(({ size }) => size > FOLD_LIMIT)) return undefined;
  return evaluateNode({ ...node, inputs } as Node, values.map(toHostValue)).map((value) => constant(toNdArray(value)));
}

/** The number a tensor is filled with, when it is a constant of one repeated value. */
function fillValue(tensor: Tensor): number | undefined {
  let { node } = tensor;
  while (node.op === 'expand' || node.op === 'reshape') node = node.inputs[0]!.node;
  if (node.op !== 'constant' || node.outputs[0]!.size !== 1) return undefined;
  return Number(toHostValue(node.attrs.value).data[0]);
}

/** Algebraic identities; returns undefined when none applies. */
function identity(node: Node, inputs: readonly Tensor[]): readonly Tensor[] | undefined {
  const { shape, dtype } = node.outputs[0]!;
  const [a, b] = inputs as [Tensor, Tensor];
  const asResult = (x: Tensor): readonly Tensor[] => [
    sameShape(x.shape, shape) ? x : createNode('expand', [x], { shape }),
  ];
  switch (node.op) {
    case 'add':
      if (fillValue(b) === 0) return asResult(a);
      if (fillValue(a) === 0) return asResult(b);
      if (b.node.op === 'neg') return [createNode('sub', [a, b.node.inputs[0]!], {})];
      return shrinkFills(node, a, b);
    case 'sub':
      if (fillValue(b) === 0) return asResult(a);
      if (b.node.op === 'neg') return [createNode('add', [a, b.node.inputs[0]!], {})];
      return shrinkFills(node, a, b);
    case 'mul':
      if (fillValue(b) === 1) return asResult(a);
      if (fillValue(a) === 1) return asResult(b);
      if (fillValue(b) === -1) return asResult(createNode('neg', [a], {}));
      if (fillValue(a) === -1) return asResult(createNode('neg', [b], {}));
      return mergeScales(a, b, shape) ?? shrinkFills(node, a, b);
    case 'div': {
      if (fillValue(b) === 1) return asResult(a);
      const divisor = fillValue(b);
      // exact only for powers of two; others keep the division
      if (divisor !== undefined && dtype === 'float32' && Number.isInteger(Math.log2(Math.abs(divisor)))) {
        return asResult(createNode('mul', [a, scalar(1 / divisor, dtype)], {}));
      }
      return shrinkFills(node, a, b);
    }
    case 'pow':
      if (fillValue(b) === 1) return asResult(a);
      if (fillValue(b) === 2 && sameShape(a.shape, shape)) return [createNode('mul', [a, a], {})];
      return undefined;
    case 'neg':
      return a.node.op === 'neg' ? [a.node.inputs[0]!] : undefined;
    case 'cast':
      return a.dtype === node.attrs.dtype ? [a] : undefined;
    case 'reshape':
      return simplifyReshape(node, a);
    case 'transpose':
      return simplifyTranspose(node, a);
    case 'expand':
      if (sameShape(a.shape, shape)) return [a];
      return a.node.op === 'expand' ? [createNode('expand', [a.node.inputs[0]!], { shape })] : undefined;
    case 'sum':
    case 'mean':
    case 'max':
    case 'min':
    case 'prod':
      // reducing axes of extent 1 is a reshape
      return node.attrs.axes.every((axis) => a.shape[axis] === 1) ? [a.reshape(shape)] : undefined;
    case 'concat':
      return inputs.length === 1 ? [a] : undefined;
    case 'where':
      return fillValue(a) === undefined ? undefined : asResult(fillValue(a) ? b : inputs[2]!);
    default:
      return undefined;
  }
}

/** `(x · p) · q` becomes `x · (p q)` for numbers p and q, unless their product leaves float32. */
function mergeScales(a: Tensor, b: Tensor, shape: readonly number[]): readonly Tensor[] | undefined {
  const outer = fillValue(b) ?? fillValue(a);
  const inner = fillValue(b) !== undefined ? a : b;
  if (outer === undefined || inner.node.op !== 'mul' || !sameShape(inner.shape, shape)) return undefined;
  const [x, y] = inner.node.inputs as [Tensor, Tensor];
  const scale = fillValue(y) ?? fillValue(x);
  const rest = fillValue(y) !== undefined ? x : y;
  if (scale === undefined || !sameShape(rest.shape, shape)) return undefined;
  const product = Math.fround(scale * outer);
  if (!isFloat(rest.dtype) || product === 0 || !Number.isFinite(product)) return undefined;
  return [createNode('mul', [rest, scalar(scale * outer, rest.dtype)], {})];
}

/** An operand that is an expanded value broadcasts by itself: drop the expansion where the result keeps its shape. */
function shrinkFills(node: NodeOf<'add' | 'sub' | 'mul' | 'div'>, a: Tensor, b: Tensor): readonly Tensor[] | undefined {
  if (b.node.op === 'expand' && sameShape(a.shape, node.outputs[0]!.shape)) {
    return [createNode(node.op, [a, b.node.inputs[0]!], {})];
  }
  if (a.node.op === 'expand' && sameShape(b.shape, node.outputs[0]!.shape)) {
    return [createNode(node.op, [a.node.inputs[0]!, b], {})];
  }
  return undefined;
}

function simplifyReshape(node: NodeOf<'reshape'>, x: Tensor): readonly Tensor[] | undefined {
  const { shape } = node.attrs;
  if (sameShape(x.shape, shape)) return [x];
  if (x.node.op === 'reshape') return [x.node.inputs[0]!.reshape(shape)];
  if (x.node.op === 'constant') return [constant(withShape(x.node.attrs.value, shape))];
  return undefined;
}

function simplifyTranspose(node: NodeOf<'transpose'>, x: Tensor): readonly Tensor[] | undefined {
  const { perm } = node.attrs;
  if (perm.every((axis, i) => axis === i)) return [x];
  // moving only axes of extent 1 leaves the elements where they are
  const moved = perm.filter((axis) => x.shape[axis] !== 1);
  if (moved.every((axis, i) => i === 0 || axis > moved[i - 1]!)) return [x.reshape(node.outputs[0]!.shape)];
  if (x.node.op === 'transpose') {
    const [source] = x.node.inputs as [Tensor];
    const inner = x.node.attrs.perm;
    const merged = perm.map((axis) => inner[axis]!);
    return [merged.every((axis, i) => axis === i) ? source : source.transpose(merged)];
  }
  return undefined;
}
