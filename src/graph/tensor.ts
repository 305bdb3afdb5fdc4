/** @file Symbolic tensors: immutable values of a graph, with chainable methods. */
import {
  type Dtype,
  formatShape,
  fromFloat64,
  type NdArray,
  normalizeAxes,
  normalizeAxis,
  type Shape,
  ShapeError,
  sameShape,
  sizeOf,
} from '../tensor/index.ts';
import type { BinaryOp, Node, OpAttrs, OpName, ReduceOp } from './node.ts';
import { currentScope } from './scope.ts';
import { formatType, shapeRules, type TensorType } from './shape-rules/index.ts';
import type { Variable } from './variable.ts';

/** What ops accept as an operand: a tensor, a variable (its current value), or a number (of the other operand's dtype). */
export type TensorLike = Tensor | Variable | number;

let created = 0;

/** Applies `op`; returns all of its outputs. Throws `ShapeError` or `DtypeError` when the inputs do not fit. */
export function createOutputs<K extends OpName>(
  op: K,
  inputs: readonly Tensor[],
  attrs: OpAttrs[K],
  scope: string = currentScope(),
): readonly Tensor[] {
  const outputs: Tensor[] = [];
  const node = { op, inputs: [...inputs], attrs, outputs, id: created++, scope } as unknown as Node;
  for (const type of shapeRules[op](inputs, attrs, op)) {
    if (!type.shape.every((extent) => Number.isInteger(extent) && extent > 0)) {
      throw new ShapeError(`${op}: ${formatType(type)} is not a shape`, 'extents are whole numbers of at least 1');
    }
    outputs.push(new Tensor(node, outputs.length, type));
  }
  return outputs;
}

/** Applies an op of one output. */
export function createNode<K extends OpName>(op: K, inputs: readonly Tensor[], attrs: OpAttrs[K]): Tensor {
  return createOutputs(op, inputs, attrs)[0]!;
}

/** A constant from a host array. */
export function constant(value: NdArray): Tensor {
  return createNode('constant', [], { value });
}

/** A rank-0 constant. */
export function scalar(value: number, dtype: Dtype = 'float32'): Tensor {
  return constant({ dtype, shape: [], data: fromFloat64([value], dtype) });
}

/** The tensor behind any operand. */
export function toTensor(value: TensorLike, dtype: Dtype = 'float32'): Tensor {
  if (typeof value === 'number') return scalar(value, dtype);
  return value instanceof Tensor ? value : value.value;
}

/** Options of a reduction. `axes`: all by default, negative counts from the end. */
export interface ReduceOptions {
  readonly axes?: number | readonly number[];
  readonly keepDims?: boolean;
}

/**
 * A value of the graph being traced: a shape, a dtype and the node that makes it. Shapes are static;
 * every method checks them at once and throws `ShapeError` or `DtypeError` naming both.
 */
export class Tensor implements TensorType {
  readonly node: Node;
  /** Which output of the node. */
  readonly index: number;
  readonly shape: Shape;
  readonly dtype: Dtype;

  constructor(node: Node, index: number, type: TensorType) {
    this.node = node;
    this.index = index;
    this.shape = type.shape;
    this.dtype = type.dtype;
  }

  get rank(): number {
    return this.shape.length;
  }

  get size(): number {
    return sizeOf(this.shape);
  }

  toString(): string {
    return `${this.node.op} : ${formatType(this)}`;
  }

  // arithmetic, broadcasting as NumPy does
  add(other: TensorLike): Tensor {
    return this.#binary('add', other);
  }
  sub(other: TensorLike): Tensor {
    return this.#binary('sub', other);
  }
  mul(other: TensorLike): Tensor {
    return this.#binary('mul', other);
  }
  div(other: TensorLike): Tensor {
    return this.#binary('div', other);
  }
  /** `this ** other`. */
  pow(other: TensorLike): Tensor {
    return this.#binary('pow', other);
  }
  /** Remainder with the sign of the divisor, as Python's `%`. */
  mod(other: TensorLike): Tensor {
    return this.#binary('mod', other);
  }
  maximum(other: TensorLike): Tensor {
    return this.#binary('maximum', other);
  }
  minimum(other: TensorLike): Tensor {
    return this.#binary('minimum', other);
  }
  /** Limits values to `[low, high]`. */
  clamp(low: number, high: number): Tensor {
    return this.maximum(low).minimum(high);
  }

  // comparison and logic, bool results
  equal(other: TensorLike): Tensor {
    return this.#binary('equal', other);
  }
  notEqual(other: TensorLike): Tensor {
    return this.equal(other).not();
  }
  less(other: TensorLike): Tensor {
    return this.#binary('less', other);
  }
  lessEqual(other: TensorLike): Tensor {
    return this.#binary('lessEqual', other);
  }
  greater(other: TensorLike): Tensor {
    return this.#binary('greater', other);
  }
  greaterEqual(other: TensorLike): Tensor {
    return this.#binary('greaterEqual', other);
  }
  and(other: TensorLike): Tensor {
    return this.#binary('and', other);
  }
  or(other: TensorLike): Tensor {
    return this.#binary('or', other);
  }
  not(): Tensor {
    return createNode('not', [this], {});
  }

  // elementwise functions
  neg(): Tensor {
    return createNode('neg', [this], {});
  }
  abs(): Tensor {
    return createNode('abs', [this], {});
  }
  /** -1, 0 or 1. */
  sign(): Tensor {
    return createNode('sign', [this], {});
  }
  exp(): Tensor {
    return createNode('exp', [this], {});
  }
  log(): Tensor {
    return createNode('log', [this], {});
  }
  sqrt(): Tensor {
    return createNode('sqrt', [this], {});
  }
  square(): Tensor {
    return this.mul(this);
  }
  reciprocal(): Tensor {
    return createNode('reciprocal', [this], {});
  }
  sin(): Tensor {
    return createNode('sin', [this], {});
  }
  cos(): Tensor {
    return createNode('cos', [this], {});
  }
  tanh(): Tensor {
    return createNode('tanh', [this], {});
  }
  sigmoid(): Tensor {
    return createNode('sigmoid', [this], {});
  }
  erf(): Tensor {
    return createNode('erf', [this], {});
  }
  relu(): Tensor {
    return createNode('relu', [this], {});
  }
  floor(): Tensor {
    return createNode('floor', [this], {});
  }
  ceil(): Tensor {
    return createNode('ceil', [this], {});
  }
  /** Nearest integer, halves to even. */
  round(): Tensor {
    return createNode('round', [this], {});
  }
  /** `x · sigmoid(x)`, also called swish. */
  silu(): Tensor {
    return createNode('silu', [this], {});
  }
  /** `x · Φ(x)`, exact or by the tanh formula (Hendrycks & Gimpel 2016). */
  gelu({ approximate = 'none' }: { readonly approximate?: 'none' | 'tanh' } = {}): Tensor {
    return createNode('gelu', [this], { approximate });
  }
  /** `log(1 + exp(x))`. */
  softplus(): Tensor {
    return createNode('softplus', [this], {});
  }
  cast(dtype: Dtype): Tensor {
    return dtype === this.dtype ? this : createNode('cast', [this], { dtype });
  }

  // reductions
  sum(options?: ReduceOptions): Tensor {
    return this.#reduce('sum', options);
  }
  mean(options?: ReduceOptions): Tensor {
    return this.#reduce('mean', options);
  }
  max(options?: ReduceOptions): Tensor {
    return this.#reduce('max', options);
  }
  min(options?: ReduceOptions): Tensor {
    return this.#reduce('min', options);
  }
  prod(options?: ReduceOptions): Tensor {
    return this.#reduce('prod', options);
  }
  /** Index of the first maximum along `axis`, int64. */
  argMax({ axis = -1, keepDims = false }: { readonly axis?: number; readonly keepDims?: boolean } = {}): Tensor {
    return createNode('argMax', [this], { axis: normalizeAxis(axis, this.rank), keepDims });
  }
  argMin({ axis = -1, keepDims = false }: { readonly axis?: number; readonly keepDims?: boolean } = {}): Tensor {
    return createNode('argMin', [this], { axis: normalizeAxis(axis, this.rank), keepDims });
  }
  cumSum({
    axis = -1,
    exclusive = false,
    reverse = false,
  }: {
    readonly axis?: number;
    readonly exclusive?: boolean;
    readonly reverse?: boolean;
  } = {}): Tensor {
    return createNode('cumSum', [this], { axis: normalizeAxis(axis, this.rank), exclusive, reverse });
  }
  /** The `k` largest (or smallest) elements along `axis`, sorted, and their int64 indices. */
  topK(
    k: number,
    { axis = -1, largest = true }: { readonly axis?: number; readonly largest?: boolean } = {},
  ): { values: Tensor; indices: Tensor } {
    const [values, indices] = createOutputs('topK', [this], { k, axis: normalizeAxis(axis, this.rank), largest });
    return { values: values!, indices: indices! };
  }
  softmax(axis = -1): Tensor {
    return createNode('softmax', [this], { axis: normalizeAxis(axis, this.rank) });
  }
  logSoftmax(axis = -1): Tensor {
    return createNode('logSoftmax', [this], { axis: normalizeAxis(axis, this.rank) });
  }

  // linear algebra
  /** `A · B` over the last two axes, the others broadcast. */
  matmul(
    other: TensorLike,
    { transposeA = false, transposeB = false }: { readonly transposeA?: boolean; readonly transposeB?: boolean } = {},
  ): Tensor {
    return createNode('matmul', [this, toTensor(other, this.dtype)], { transposeA, transposeB });
  }

  // movement
  /** Same elements, new shape; one extent may be -1. */
  reshape(shape: Shape): Tensor {
    const resolved = resolveShape(shape, this);
    return sameShape(resolved, this.shape) ? this : createNode('reshape', [this], { shape: resolved });
  }
  /** Merges the axes from `start` to `end` (inclusive); a scalar becomes [1]. */
  flatten(start = 0, end = -1): Tensor {
    if (this.rank === 0) return this.reshape([1]);
    const from = normalizeAxis(start, this.rank);
    const to = normalizeAxis(end, this.rank);
    return this.reshape([
      ...this.shape.slice(0, from),
      sizeOf(this.shape.slice(from, to + 1)),
      ...this.shape.slice(to + 1),
    ]);
  }
  /** Inserts an axis of extent 1 at `axis` of the result. */
  unsqueeze(axis: number): Tensor {
    const at = normalizeAxis(axis, this.rank + 1);
    return this.reshape([...this.shape.slice(0, at), 1, ...this.shape.slice(at)]);
  }
  /** Drops `axes`, which must have extent 1. */
  squeeze(axes: number | readonly number[]): Tensor {
    const dropped = normalizeAxes(axes, this.rank);
    return this.reshape(this.shape.filter((_, axis) => !dropped.includes(axis)));
  }
  /** Reorders axes; reverses them by default. */
  transpose(perm: readonly number[] = this.shape.map((_, axis) => this.rank - 1 - axis)): Tensor {
    return createNode('transpose', [this], { perm: perm.map((axis) => normalizeAxis(axis, this.rank)) });
  }
  /** Repeats axes of extent 1 (and new leading axes) to reach `shape`. */
  expand(shape: Shape): Tensor {
    return sameShape(shape, this.shape) ? this : createNode('expand', [this], { shape: [...shape] });
  }
  /** `start … stop` (exclusive) of one axis; negative positions count from the end. */
  slice(axis: number, start: number, stop = this.shape[normalizeAxis(axis, this.rank)]!, step = 1): Tensor {
    const at = normalizeAxis(axis, this.rank);
    const extent = this.shape[at]!;
    const from = start < 0 ? start + extent : start;
    const to = stop < 0 ? stop + extent : stop;
    if (from === 0 && to === extent && step === 1) return this;
    return createNode('slice', [this], {
      starts: this.shape.map((_, i) => (i === at ? from : 0)),
      stops: this.shape.map((n, i) => (i === at ? to : n)),
      steps: this.shape.map((_, i) => (i === at ? step : 1)),
    });
  }
  /** Consecutive pieces along `axis`: a number of equal parts, or their extents. */
  split(parts: number | readonly number[], axis = 0): Tensor[] {
    const at = normalizeAxis(axis, this.rank);
    const extent = this.shape[at]!;
    const sizes = typeof parts === 'number' ? new Array<number>(parts).fill(extent / parts) : parts;
    if (sizes.reduce((a, b) => a + b, 0) !== extent || sizes.some((size) => !Number.isInteger(size))) {
      throw new ShapeError(
        `split: axis ${at} of ${formatType(this)} does not divide into [${sizes.join(', ')}]`,
        `give a number that divides ${extent}, or extents that add up to it`,
      );
    }
    let stop = 0;
    return sizes.map((size) => {
      stop += size;
      return this.slice(at, stop - size, stop);
    });
  }
  /** Reverses `axes`. */
  flip(axes: number | readonly number[]): Tensor {
    return createNode('flip', [this], { axes: normalizeAxes(axes, this.rank) });
  }
  /** Adds `[before, after]` elements of `value` around each axis. */
  pad(padding: readonly (readonly [number, number])[], value = 0): Tensor {
    if (padding.length !== this.rank) {
      throw new ShapeError(
        `pad: ${padding.length} entries for ${formatType(this)}`,
        'give [before, after] for every axis',
      );
    }
    return padding.every(([before, after]) => before === 0 && after === 0)
      ? this
      : createNode('pad', [this], { padding, value });
  }
  /** Picks slices along `axis` by integer indices of any shape. */
  gather(indices: Tensor, axis = 0): Tensor {
    return createNode('gather', [this, indices], { axis: normalizeAxis(axis, this.rank) });
  }
  /** Integers to rows of 0 with a single 1, of `depth` elements. */
  oneHot(depth: number, dtype: Dtype = 'float32'): Tensor {
    return createNode('oneHot', [this], { depth, dtype });
  }

  #binary(op: BinaryOp, other: TensorLike): Tensor {
    return createNode(op, [this, toTensor(other, this.dtype)], {});
  }

  #reduce(op: ReduceOp, { axes, keepDims = false }: ReduceOptions = {}): Tensor {
    return createNode(op, [this], { axes: normalizeAxes(axes, this.rank), keepDims });
  }
}

function resolveShape(shape: Shape, tensor: Tensor): Shape {
  const unknown = shape.indexOf(-1);
  if (unknown < 0) return [...shape];
  const known = sizeOf(shape.filter((_, axis) => axis !== unknown));
  const extent = tensor.size / known;
  if (!Number.isInteger(extent)) {
    throw new ShapeError(
      `reshape: ${formatType(tensor)} does not divide into ${formatShape(shape)}`,
      'the extents beside -1 must divide the number of elements',
    );
  }
  return shape.map((n, axis) => (axis === unknown ? extent : n));
}
