/** @file The shape rule of every op: from input types and attributes to output types, with the errors a user can cause. */
import {
  broadcastShapes,
  type Dtype,
  DtypeError,
  formatShape,
  isFloat,
  reducedShape,
  type Shape,
  ShapeError,
  sameShape,
  sizeOf,
} from '../tensor/index.ts';
import type { BinaryOp, ConvAttrs, OpAttrs, OpName, PoolAttrs, ReduceOp, UnaryOp } from './node.ts';

/** Shape and element type of a tensor. */
export interface TensorType {
  readonly shape: Shape;
  readonly dtype: Dtype;
}

type ShapeRule<K extends OpName> = (inputs: readonly TensorType[], attrs: OpAttrs[K], op: K) => readonly TensorType[];

/** `float32[2, 3]`. */
export function formatType(type: TensorType): string {
  return `${type.dtype}${formatShape(type.shape)}`;
}

function one(shape: Shape, dtype: Dtype): readonly TensorType[] {
  return [{ shape, dtype }];
}

function requireFloat(op: string, type: TensorType): void {
  if (!isFloat(type.dtype)) {
    throw new DtypeError(
      `${op} needs a floating-point tensor, got ${formatType(type)}`,
      "convert it with .cast('float32')",
    );
  }
}

function requireRank(op: string, type: TensorType, rank: number, what: string): void {
  if (type.shape.length !== rank) {
    throw new ShapeError(
      `${op}: ${what} must have rank ${rank}, got ${formatType(type)}`,
      'the batch and channel axes count too',
    );
  }
}

const INTEGER_FRIENDLY = new Set<UnaryOp>(['neg', 'abs', 'sign', 'relu', 'not']);

const unary = (inputs: readonly TensorType[], _: unknown, op: UnaryOp): readonly TensorType[] => {
  const [x] = inputs as [TensorType];
  if (op === 'not' ? x.dtype !== 'bool' : !INTEGER_FRIENDLY.has(op) && !isFloat(x.dtype)) {
    throw new DtypeError(`${op} does not take ${formatType(x)}`, "convert it with .cast('float32') or .cast('bool')");
  }
  return one(x.shape, x.dtype);
};

const COMPARISONS = new Set<BinaryOp>(['equal', 'less', 'lessEqual', 'greater', 'greaterEqual']);

const binary = (inputs: readonly TensorType[], _: unknown, op: BinaryOp): readonly TensorType[] => {
  const [a, b] = inputs as [TensorType, TensorType];
  if (a.dtype !== b.dtype) {
    throw new DtypeError(
      `${op} needs operands of one dtype, got ${formatType(a)} and ${formatType(b)}`,
      `convert one of them with .cast('${a.dtype}')`,
    );
  }
  if ((op === 'and' || op === 'or') !== (a.dtype === 'bool') && op !== 'equal') {
    throw new DtypeError(`${op} does not take ${formatType(a)}`);
  }
  return one(broadcastShapes(a.shape, b.shape), COMPARISONS.has(op) ? 'bool' : a.dtype);
};

const reduce = (inputs: readonly TensorType[], attrs: OpAttrs[ReduceOp], op: ReduceOp): readonly TensorType[] => {
  const [x] = inputs as [TensorType];
  if (x.dtype === 'bool')
    throw new DtypeError(`${op} does not take ${formatType(x)}`, "convert it with .cast('int32')");
  if (op === 'mean') requireFloat(op, x);
  return one(reducedShape(x.shape, attrs.axes, attrs.keepDims), x.dtype);
};

const argReduce = (inputs: readonly TensorType[], attrs: OpAttrs['argMax']): readonly TensorType[] =>
  one(reducedShape(inputs[0]!.shape, [attrs.axis], attrs.keepDims), 'int64');

const sameAsInput = (inputs: readonly TensorType[], _: unknown, op: string): readonly TensorType[] => {
  requireFloat(op, inputs[0]!);
  return one(inputs[0]!.shape, inputs[0]!.dtype);
};

/** Output extent of a window of `kernel` over `input`. */
function windowExtent(
  input: number,
  kernel: number,
  stride: number,
  padding: readonly [number, number],
  dilation: number,
) {
  return Math.floor((input + padding[0] + padding[1] - dilation * (kernel - 1) - 1) / stride) + 1;
}

function windowShape(
  op: string,
  x: TensorType,
  kernel: readonly number[],
  attrs: Omit<PoolAttrs, 'kernel'>,
  dilation: readonly number[],
) {
  return kernel.map((extent, axis) => {
    const output = windowExtent(x.shape[axis + 2]!, extent, attrs.stride[axis]!, attrs.padding[axis]!, dilation[axis]!);
    if (output < 1) {
      throw new ShapeError(
        `${op}: a kernel of ${extent} does not fit ${x.shape[axis + 2]} pixels of ${formatType(x)} at spatial axis ${axis}`,
        'use a larger picture, a smaller kernel, or padding',
      );
    }
    return output;
  });
}

function checkConv(
  op: string,
  x: TensorType,
  w: TensorType,
  attrs: ConvAttrs,
  channelAxis: number,
  channels: number,
): void {
  requireFloat(op, x);
  requireRank(op, w, x.shape.length, 'the kernel');
  if (x.dtype !== w.dtype) throw new DtypeError(`${op} needs one dtype, got ${formatType(x)} and ${formatType(w)}`);
  const spatial = x.shape.length - 2;
  if (
    spatial < 1 ||
    attrs.stride.length !== spatial ||
    attrs.padding.length !== spatial ||
    attrs.dilation.length !== spatial
  ) {
    throw new ShapeError(
      `${op}: stride [${attrs.stride}], padding and dilation [${attrs.dilation}] need ${spatial} entries for ${formatType(x)}`,
      'give one number for all spatial axes, or one per axis',
    );
  }
  if (x.shape[1] !== channels) {
    throw new ShapeError(
      `${op}: the input ${formatType(x)} has ${x.shape[1]} channels, the kernel ${formatType(w)} with ${attrs.groups} group(s) takes ${channels}`,
      `axis 1 of the input is the channel axis, axis ${channelAxis} of the kernel its channels per group`,
    );
  }
  if (w.shape[0]! % attrs.groups !== 0) {
    throw new ShapeError(
      `${op}: the ${w.shape[0]} kernels of ${formatType(w)} cannot be split into ${attrs.groups} groups`,
      'choose a number of groups that divides them',
    );
  }
}

/** One rule per op. */
export const shapeRules: { readonly [K in OpName]: ShapeRule<K> } = {
  input: (_, { shape, dtype }) => one(shape, dtype),
  constant: (_, { value }) => one(value.shape, value.dtype),
  variable: (_, { variable }) => one(variable.shape, variable.dtype),
  random: (_, { shape }) => one(shape, 'float32'),

  neg: unary,
  abs: unary,
  sign: unary,
  exp: unary,
  log: unary,
  sqrt: unary,
  reciprocal: unary,
  sin: unary,
  cos: unary,
  tanh: unary,
  sigmoid: unary,
  erf: unary,
  relu: unary,
  floor: unary,
  ceil: unary,
  round: unary,
  not: unary,
  add: binary,
  sub: binary,
  mul: binary,
  div: binary,
  pow: binary,
  mod: binary,
  maximum: binary,
  minimum: binary,
  and: binary,
  or: binary,
  equal: binary,
  less: binary,
  lessEqual: binary,
  greater: binary,
  greaterEqual: binary,
  sum: reduce,
  mean: reduce,
  max: reduce,
  min: reduce,
  prod: reduce,

  where: ([condition, a, b]) => {
    if (condition!.dtype !== 'bool') {
      throw new DtypeError(
        `where needs a bool condition, got ${formatType(condition!)}`,
        'compare first, e.g. x.greater(0)',
      );
    }
    if (a!.dtype !== b!.dtype)
      throw new DtypeError(`where needs one dtype, got ${formatType(a!)} and ${formatType(b!)}`);
    return one(broadcastShapes(condition!.shape, broadcastShapes(a!.shape, b!.shape)), a!.dtype);
  },
  cast: ([x], { dtype }) => one(x!.shape, dtype),
  argMax: argReduce,
  argMin: argReduce,
  cumSum: ([x]) => one(x!.shape, x!.dtype),
  topK: ([x], { k, axis }) => {
    if (k < 1 || k > x!.shape[axis]!) {
      throw new ShapeError(
        `topK: k = ${k} does not fit ${x!.shape[axis]} elements of ${formatType(x!)} at axis ${axis}`,
        `choose k from 1 to ${x!.shape[axis]}`,
      );
    }
    const shape = x!.shape.map((extent, i) => (i === axis ? k : extent));
    return [
      { shape, dtype: x!.dtype },
      { shape, dtype: 'int64' },
    ];
  },
  oneHot: ([indices], { depth, dtype }) => {
    if (indices!.dtype !== 'int32' && indices!.dtype !== 'int64') {
      throw new DtypeError(
        `oneHot needs integer indices, got ${formatType(indices!)}`,
        "convert them with .cast('int64')",
      );
    }
    return one([...indices!.shape, depth], dtype);
  },

  matmul: ([a, b], { transposeA, transposeB }) => {
    requireFloat('matmul', a!);
    if (a!.dtype !== b!.dtype)
      throw new DtypeError(`matmul needs one dtype, got ${formatType(a!)} and ${formatType(b!)}`);
    if (a!.shape.length < 2 || b!.shape.length < 2) {
      throw new ShapeError(
        `matmul needs matrices (rank 2 or more), got ${formatType(a!)} and ${formatType(b!)}`,
        'add an axis with unsqueeze',
      );
    }
    const [rowA, colA] = (transposeA ? [...a!.shape.slice(-2)].reverse() : a!.shape.slice(-2)) as [number, number];
    const [rowB, colB] = (transposeB ? [...b!.shape.slice(-2)].reverse() : b!.shape.slice(-2)) as [number, number];
    if (colA !== rowB) {
      throw new ShapeError(
        `matmul: the inner extents differ, ${colA} against ${rowB}, for ${formatType(a!)}${transposeA ? 'ᵀ' : ''} and ${formatType(b!)}${transposeB ? 'ᵀ' : ''}`,
        'the last axis of the left operand must equal the second to last of the right one',
      );
    }
    return one([...broadcastShapes(a!.shape.slice(0, -2), b!.shape.slice(0, -2)), rowA, colB], a!.dtype);
  },
  conv: ([x, w, bias], attrs) => {
    checkConv('conv', x!, w!, attrs, 1, w!.shape[1]! * attrs.groups);
    if (bias && !sameShape(bias.shape, [w!.shape[0]!])) {
      throw new ShapeError(
        `conv: the bias must have shape [${w!.shape[0]}], got ${formatShape(bias.shape)}`,
        `one number for each of the kernels of ${formatType(w!)}`,
      );
    }
    return one(
      [x!.shape[0]!, w!.shape[0]!, ...windowShape('conv', x!, w!.shape.slice(2), attrs, attrs.dilation)],
      x!.dtype,
    );
  },
  // w: [C_in, C_out / groups, ...kernel], as in PyTorch and ONNX
  convTranspose: ([x, w], attrs) => {
    checkConv('convTranspose', x!, w!, attrs, 0, w!.shape[0]!);
    w!.shape.slice(2).forEach((kernel, axis) => {
      const output = attrs.outputSpatial[axis]!;
      const back = windowExtent(output, kernel, attrs.stride[axis]!, attrs.padding[axis]!, attrs.dilation[axis]!);
      if (back !== x!.shape[axis + 2]) {
        throw new ShapeError(
          `convTranspose: ${output} output pixels do not correspond to ${x!.shape[axis + 2]} pixels of ${formatType(x!)} under the kernel ${formatType(w!)}`,
          'outputPadding must be smaller than the stride',
        );
      }
    });
    return one([x!.shape[0]!, w!.shape[1]! * attrs.groups, ...attrs.outputSpatial], x!.dtype);
  },
  // inputs: x [B, C, ...], dy [B, O, ...]; result [O, C / groups, ...kernel]
  convWeightGrad: ([x, dy], attrs) => one([dy!.shape[1]!, x!.shape[1]! / attrs.groups, ...attrs.kernel], x!.dtype),
  maxPool: ([x], attrs) => {
    requireFloat('maxPool', x!);
    const ones = attrs.kernel.map(() => 1);
    return one([...x!.shape.slice(0, 2), ...windowShape('maxPool', x!, attrs.kernel, attrs, ones)], x!.dtype);
  },
  avgPool: ([x], attrs) => {
    requireFloat('avgPool', x!);
    const ones = attrs.kernel.map(() => 1);
    return one([...x!.shape.slice(0, 2), ...windowShape('avgPool', x!, attrs.kernel, attrs, ones)], x!.dtype);
  },

  reshape: ([x], { shape }) => {
    if (sizeOf(shape) !== sizeOf(x!.shape)) {
      throw new ShapeError(
        `reshape: ${formatType(x!)} has ${sizeOf(x!.shape)} elements, ${formatShape(shape)} has ${sizeOf(shape)}`,
        'one extent may be -1, and becomes what is left',
      );
    }
    return one(shape, x!.dtype);
  },
  transpose: ([x], { perm }) => {
    if (perm.length !== x!.shape.length || [...perm].sort((a, b) => a - b).some((axis, i) => axis !== i)) {
      throw new ShapeError(
        `transpose: [${perm.join(', ')}] is not a permutation of the axes of ${formatType(x!)}`,
        'name every axis once',
      );
    }
    return one(
      perm.map((axis) => x!.shape[axis]!),
      x!.dtype,
    );
  },
  expand: ([x], { shape }) => {
    if (!sameShape(broadcastShapes(x!.shape, shape), shape)) {
      throw new ShapeError(
        `expand: ${formatType(x!)} does not broadcast to ${formatShape(shape)}`,
        'only axes of extent 1, and new leading axes, can be repeated',
      );
    }
    return one(shape, x!.dtype);
  },
  slice: ([x], { starts, stops, steps }) =>
    one(
      x!.shape.map((extent, axis) => {
        const start = starts[axis]!;
        const stop = stops[axis]!;
        if (start < 0 || stop > extent || start >= stop || steps[axis]! < 1) {
          throw new ShapeError(
            `slice: ${start}:${stop}:${steps[axis]} selects nothing or leaves ${formatType(x!)} at axis ${axis}`,
            `choose 0 ≤ start < stop ≤ ${extent} and a step of at least 1`,
          );
        }
        return Math.ceil((stop - start) / steps[axis]!);
      }),
      x!.dtype,
    ),
  flip: ([x]) => one(x!.shape, x!.dtype),
  pad: ([x], { padding }) =>
    one(
      x!.shape.map((extent, axis) => extent + padding[axis]![0] + padding[axis]![1]),
      x!.dtype,
    ),
  concat: (inputs, { axis }) => {
    const [first] = inputs as [TensorType];
    let total = 0;
    for (const type of inputs) {
      const fits =
        type.shape.length === first.shape.length && type.shape.every((n, i) => i === axis || n === first.shape[i]);
      if (!fits || type.dtype !== first.dtype) {
        throw new ShapeError(
          `concat at axis ${axis}: ${formatType(type)} does not fit ${formatType(first)}`,
          `dtypes and all extents but that of axis ${axis} must be equal`,
        );
      }
      total += type.shape[axis]!;
    }
    return one(
      first.shape.map((extent, i) => (i === axis ? total : extent)),
      first.dtype,
    );
  },
  gather: ([x, indices], { axis }) => {
    if (indices!.dtype !== 'int32' && indices!.dtype !== 'int64') {
      throw new DtypeError(
        `gather needs integer indices, got ${formatType(indices!)}`,
        "convert them with .cast('int64')",
      );
    }
    return one([...x!.shape.slice(0, axis), ...indices!.shape, ...x!.shape.slice(axis + 1)], x!.dtype);
  },
  // inputs: indices [...I], updates [...I, ...rest]; result [size, ...rest]
  scatterAdd: ([indices, updates], { size }) => {
    const rank = indices!.shape.length;
    if (!sameShape(indices!.shape, updates!.shape.slice(0, rank))) {
      throw new ShapeError(
        `scatterAdd: updates ${formatType(updates!)} do not start with the shape of ${formatType(indices!)}`,
      );
    }
    return one([size, ...updates!.shape.slice(rank)], updates!.dtype);
  },

  silu: sameAsInput,
  // inputs: x, silu(x), dy
  siluGrad: sameAsInput,
  gelu: sameAsInput,
  softplus: sameAsInput,
  softmax: sameAsInput,
  logSoftmax: sameAsInput,
  // outputs: normalised x, mean and 1 / standard deviation over the axes from `axis` on (kept with extent 1)
  normalize: ([x], { axis }) => {
    requireFloat('normalize', x!);
    const stats = x!.shape.map((extent, i) => (i >= axis ? 1 : extent));
    return [x!, { shape: stats, dtype: x!.dtype }, { shape: stats, dtype: x!.dtype }];
  },
  // inputs: x [B, C, ...], gamma [C], beta [C]; outputs: y, mean and 1 / standard deviation per group, [B, G]
  groupNorm: ([x, gamma, beta], { groups }) => {
    requireFloat('groupNorm', x!);
    const channels = x!.shape[1] ?? 0;
    if (channels === 0 || channels % groups !== 0) {
      throw new ShapeError(
        `groupNorm: the ${channels} channels of ${formatType(x!)} do not divide into ${groups} groups`,
        'choose a number of groups that divides the channels (norm_num_groups in diffusers configs)',
      );
    }
    if (!sameShape(gamma!.shape, [channels]) || !sameShape(beta!.shape, [channels])) {
      throw new ShapeError(
        `groupNorm: gamma and beta must have shape [${channels}], got ${formatType(gamma!)} and ${formatType(beta!)}`,
        `one number for each channel of ${formatType(x!)}`,
      );
    }
    const stats = { shape: [x!.shape[0]!, groups], dtype: x!.dtype };
    return [x!, stats, stats];
  },
  // inputs: x [R, L], scale [R], shift [R], and optionally an addend [R, L]; result x * scale + shift + addend
  rowAffine: ([x, scale, shift, addend]) => {
    const rows = [x!.shape[0]!];
    if (
      x!.shape.length !== 2 ||
      !sameShape(scale!.shape, rows) ||
      !sameShape(shift!.shape, rows) ||
      (addend && !sameShape(addend.shape, x!.shape))
    ) {
      throw new ShapeError(
        `rowAffine: ${formatType(scale!)} and ${formatType(shift!)} do not fit the rows of ${formatType(x!)}`,
      );
    }
    return one(x!.shape, x!.dtype);
  },
  detach: ([x]) => one(x!.shape, x!.dtype),
  rmsNormalize: sameAsInput,
  // q: [..., L, E], k: [..., S, E], v: [..., S, V]
  attention: ([q, k, v]) => {
    const [a, b, c] = [q!.shape, k!.shape, v!.shape];
    const fits =
      a.at(-1) === b.at(-1) &&
      b.at(-2) === c.at(-2) &&
      sameShape(a.slice(0, -2), b.slice(0, -2)) &&
      sameShape(a.slice(0, -2), c.slice(0, -2));
    if (!fits) {
      throw new ShapeError(
        `attention: q ${formatType(q!)}, k ${formatType(k!)} and v ${formatType(v!)} do not fit`,
        'q: [..., L, E], k: [..., S, E], v: [..., S, V]',
      );
    }
    return one([...a.slice(0, -1), c.at(-1)!], q!.dtype);
  },
  resize: ([x], { size }) => {
    requireFloat('resize', x!);
    if (x!.shape.length !== size.length + 2) {
      throw new ShapeError(
        `resize: ${formatShape(size)} does not fit the spatial axes of ${formatType(x!)}`,
        'x is [B, C, ...spatial]; give one extent per spatial axis',
      );
    }
    return one([...x!.shape.slice(0, 2), ...size], x!.dtype);
  },
};
