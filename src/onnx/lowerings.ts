/** @file One lowering per op: from a graph node to ONNX nodes. */
import type { BinaryOp, CompositeOp, NodeOf, OpName, ReduceOp, UnaryOp } from '../graph/index.ts';
import { type Dtype, isFloat, sizeOf } from '../tensor/index.ts';
import { lowerAttention, lowerAttentionGrad } from './attention.ts';
import {
  addInConvolution,
  concatInBlocks,
  groupNormGradInBlocks,
  groupNormInBlocks,
  halveInBlocks,
  lowerElementwise,
  resizeInBlocks,
  shiftInBlocks,
  sliceInBlocks,
  sumPixelsInBlocks,
} from './blocked-pictures.ts';
import { lowerConv, lowerConvTranspose } from './convolution.ts';
import type { Emitter, ValueName } from './emitter.ts';
import { lowerConvWeightGrad } from './kernel-gradient.ts';
import { lowerMatmul } from './matmul.ts';
import { onnxDataType } from './model.ts';
import { hasContribOps, type OnnxTarget } from './target.ts';
import { onnxPadding } from './window-attributes.ts';

/** Names of the outputs a node becomes. */
export type Lowering<K extends OpName> = (
  node: NodeOf<K>,
  inputs: readonly ValueName[],
  emitter: Emitter,
  target: OnnxTarget,
) => readonly ValueName[];

/** Leaves are named by the caller; composites without an entry are decomposed first. */
export type LoweredOp = Exclude<OpName, 'input' | 'variable' | 'random' | CompositeOp>;

const unary =
  (opType: string): Lowering<UnaryOp> =>
  (node, inputs, emitter) => [lowerElementwise(node, inputs, emitter, (names) => emitter.emit(opType, names))];
const binary =
  (opType: string): Lowering<BinaryOp> =>
  (node, inputs, emitter) => [lowerElementwise(node, inputs, emitter, (names) => emitter.emit(opType, names))];

const reduce =
  (opType: string): Lowering<ReduceOp> =>
  ({ attrs: { axes, keepDims } }, [x], emitter) => [
    emitter.emit(opType, [x!, emitter.ints(axes)], { keepdims: keepDims ? 1 : 0 }),
  ];

/**
 * Sums. Two forms are slow on the CPU and mended: a leading axis becomes a product with a row of ones, and
 * batch-and-pixels of [B, C, ...] reduces the contiguous pixels first.
 */
const lowerSum: Lowering<'sum'> = (node, [name], emitter) => {
  const {
    inputs: [x],
    outputs: [y],
    attrs: { axes, keepDims },
  } = node;
  const inBlocks = sumPixelsInBlocks(node, name!, emitter);
  if (inBlocks !== undefined) return [inBlocks];
  const shape = x!.shape;
  if (x!.dtype !== 'float32') return [emitter.reduceSum(name!, axes, keepDims)];
  const leading = axes.every((axis, i) => axis === i) ? axes.length : 0;
  if (leading > 0 && leading < shape.length && sizeOf(y!.shape) > 1) {
    const rows = sizeOf(shape.slice(0, leading));
    return [emitter.reshape(emitter.sumRows(name!, rows, sizeOf(shape.slice(leading))), y!.shape)];
  }
  const channelSum = axes[0] === 0 && shape.length > 2 && axes.length === shape.length - 1 && !axes.includes(1);
  if (channelSum) {
    const [batch, channels] = shape as [number, number];
    const pixels = emitter.reduceSum(emitter.reshape(name!, [batch, channels, sizeOf(shape.slice(2))]), [2], false);
    return [emitter.reshape(emitter.sumRows(pixels, batch, channels), y!.shape)];
  }
  return [emitter.reduceSum(name!, axes, keepDims)];
};

/** Elements up to which a product with ones expands an array, in a tenth of the time that `Expand` takes to begin. */
const SMALL_EXPANSION = 16_384;

const argReduce =
  (opType: string): Lowering<'argMax' | 'argMin'> =>
  ({ attrs: { axis, keepDims } }, inputs, emitter) => [
    emitter.emit(opType, inputs, { axis, keepdims: keepDims ? 1 : 0 }),
  ];

function lowestOf(dtype: Dtype): number {
  return dtype === 'float16' ? -65504 : dtype === 'float64' ? -Number.MAX_VALUE : -3.4028234663852886e38;
}

export const lowerings: { readonly [K in LoweredOp]: Lowering<K> } & { readonly [K in CompositeOp]?: Lowering<K> } = {
  constant: ({ attrs: { value } }, _, emitter) => [emitter.constant(value)],
  neg: unary('Neg'),
  abs: unary('Abs'),
  sign: unary('Sign'),
  exp: unary('Exp'),
  log: unary('Log'),
  sqrt: unary('Sqrt'),
  reciprocal: unary('Reciprocal'),
  sin: unary('Sin'),
  cos: unary('Cos'),
  tanh: unary('Tanh'),
  sigmoid: unary('Sigmoid'),
  erf: unary('Erf'),
  relu: unary('Relu'),
  floor: unary('Floor'),
  ceil: unary('Ceil'),
  round: unary('Round'),
  not: unary('Not'),
  add: (node, inputs, emitter, target) => {
    const shifted = addInConvolution(node, inputs, emitter) ?? shiftInBlocks(node, inputs, emitter);
    return shifted === undefined ? binary('Add')(node, inputs, emitter, target) : [shifted];
  },
  sub: binary('Sub'),
  mul: binary('Mul'),
  div: binary('Div'),
  pow: binary('Pow'),
  // ONNX's integer Mod follows the divisor's sign; for floats it only offers C's fmod
  mod: ({ inputs: [a] }, inputs, emitter) => {
    if (!isFloat(a!.dtype)) return [emitter.emit('Mod', inputs)];
    const quotient = emitter.emit('Floor', [emitter.emit('Div', inputs)]);
    return [emitter.emit('Sub', [inputs[0]!, emitter.emit('Mul', [quotient, inputs[1]!])])];
  },
  maximum: binary('Max'),
  minimum: binary('Min'),
  and: binary('And'),
  or: binary('Or'),
  equal: binary('Equal'),
  less: binary('Less'),
  lessEqual: binary('LessOrEqual'),
  greater: binary('Greater'),
  greaterEqual: binary('GreaterOrEqual'),
  sum: lowerSum,
  mean: reduce('ReduceMean'),
  max: reduce('ReduceMax'),
  min: reduce('ReduceMin'),
  prod: reduce('ReduceProd'),
  where: (_, inputs, emitter) => [emitter.emit('Where', inputs)],
  cast: ({ attrs: { dtype } }, inputs, emitter) => [emitter.emit('Cast', inputs, { to: onnxDataType(dtype) })],
  argMax: argReduce('ArgMax'),
  argMin: argReduce('ArgMin'),
  cumSum: ({ attrs: { axis, exclusive, reverse } }, [x], emitter) => [
    emitter.emit('CumSum', [x!, emitter.scalar(axis, 'int64')], {
      exclusive: exclusive ? 1 : 0,
      reverse: reverse ? 1 : 0,
    }),
  ],
  topK: ({ attrs: { k, axis, largest } }, [x], emitter) =>
    emitter.emitAll('TopK', [x!, emitter.ints([k])], { axis, largest: largest ? 1 : 0, sorted: 1 }, { outputs: 2 }),
  oneHot: ({ inputs: [indices], attrs: { depth, dtype } }, [name], emitter) => {
    // an equality with 0 … depth-1: one-hot rows of zeros for indices out of range, and no OneHot kernel needed
    const range = emitter.constant({
      dtype: 'int64',
      shape: [depth],
      data: BigInt64Array.from({ length: depth }, (_, i) => BigInt(i)),
    });
    const column = emitter.reshape(emitter.emit('Cast', [name!], { to: onnxDataType('int64') }), [
      ...indices!.shape,
      1,
    ]);
    return [emitter.emit('Cast', [emitter.emit('Equal', [column, range])], { to: onnxDataType(dtype) })];
  },
  matmul: (node, inputs, emitter, target) => [lowerMatmul(node, inputs, emitter, target)],
  conv: (node, inputs, emitter, target) => [lowerConv(node, inputs, emitter, target)],
  convTranspose: (node, inputs, emitter, target) => [lowerConvTranspose(node, inputs, emitter, target)],
  convWeightGrad: (node, inputs, emitter, target) => [lowerConvWeightGrad(node, inputs, emitter, target)],
  maxPool: ({ attrs: { kernel, stride, padding } }, inputs, emitter) => [
    emitter.emit('MaxPool', inputs, {
      kernel_shape: kernel,
      strides: stride,
      pads: onnxPadding(padding),
    }),
  ],
  reshape: ({ attrs: { shape } }, [x], emitter) => [emitter.reshape(x!, shape)],
  transpose: ({ attrs: { perm } }, [x], emitter) => [emitter.transpose(x!, perm)],
  expand: ({ inputs: [x], attrs: { shape } }, [name], emitter) => {
    if (x!.dtype !== 'float32' || x!.rank !== shape.length || sizeOf(shape) > SMALL_EXPANSION) {
      return [emitter.emit('Expand', [name!, emitter.ints(shape)])];
    }
    const ones = shape.map((extent, axis) => (extent === x!.shape[axis] ? 1 : extent));
    return [emitter.emit('Mul', [name!, emitter.filled(1, ones)])];
  },
  slice: (node, [name], emitter, { block }) => {
    const inBlocks = sliceInBlocks(node, name!, block, emitter);
    if (inBlocks !== undefined) return [inBlocks];
    const {
      inputs: [x],
      attrs: { starts, stops, steps },
    } = node;
    const axes = x!.shape
      .map((_, axis) => axis)
      .filter((axis) => starts[axis] !== 0 || stops[axis] !== x!.shape[axis] || steps[axis] !== 1);
    const pick = (values: readonly number[]): number[] => axes.map((axis) => values[axis]!);
    return [emitter.slice(name!, axes, pick(starts), pick(stops), pick(steps))];
  },
  flip: ({ attrs: { axes } }, [x], emitter) => {
    const all = (value: number): number[] => axes.map(() => value);
    return [emitter.slice(x!, axes, all(-1), all(-(2 ** 31)), all(-1))];
  },
  pad: ({ inputs: [x], attrs: { padding, value } }, [name], emitter) => {
    const pads = emitter.ints(onnxPadding(padding));
    if (value === 0) return [emitter.emit('Pad', [name!, pads])];
    const fill = value === Number.NEGATIVE_INFINITY ? lowestOf(x!.dtype) : value;
    return [emitter.emit('Pad', [name!, pads, emitter.scalar(fill, x!.dtype)])];
  },
  concat: (node, inputs, emitter) => [
    concatInBlocks(node, inputs, emitter) ?? emitter.emit('Concat', inputs, { axis: node.attrs.axis }),
  ],
  gather: ({ attrs: { axis } }, inputs, emitter) => [emitter.emit('Gather', inputs, { axis })],
  scatterAdd: ({ inputs: [indices], outputs: [y] }, [name, updates], emitter) => {
    const zeros = emitter.emit('Expand', [emitter.scalar(0, y!.dtype), emitter.ints(y!.shape)]);
    const column = emitter.reshape(emitter.emit('Cast', [name!], { to: onnxDataType('int64') }), [
      ...indices!.shape,
      1,
    ]);
    return [emitter.emit('ScatterND', [zeros, column, updates!], { reduction: 'add' })];
  },

  silu: (node, inputs, emitter, target) => [
    lowerElementwise(node, inputs, emitter, ([x]) =>
      hasContribOps(target)
        ? emitter.emit('QuickGelu', [x!], { alpha: { float: 1 } }, { domain: 'com.microsoft' })
        : emitter.emit('Mul', [x!, emitter.emit('Sigmoid', [x!])]),
    ),
  ],
  gelu: ({ attrs: { approximate } }, inputs, emitter) => [emitter.emit('Gelu', inputs, { approximate })],
  softmax: ({ attrs: { axis } }, inputs, emitter) => [emitter.emit('Softmax', inputs, { axis })],
  logSoftmax: ({ attrs: { axis } }, inputs, emitter) => [emitter.emit('LogSoftmax', inputs, { axis })],
  normalize: ({ inputs: [x], attrs: { axis, epsilon } }, [name], emitter) => {
    const ones = emitter.filled(1, x!.shape.slice(axis));
    return emitter.emitAll('LayerNormalization', [name!, ones], { axis, epsilon: { float: epsilon } }, { outputs: 3 });
  },
  groupNorm: (node, [name, gamma, beta], emitter) => {
    const blocks = emitter.blocksOf(name!);
    if (blocks !== undefined) return groupNormInBlocks(node, blocks, gamma!, beta!, emitter);
    const {
      inputs: [x],
      outputs: [, stats],
      attrs: { groups, epsilon },
    } = node;
    const [batch, channels] = x!.shape as [number, number];
    const pixels = sizeOf(x!.shape.slice(2));
    const length = (channels / groups) * pixels;
    const ones = emitter.filled(1, [length]);
    const rows = emitter.reshape(name!, [batch * groups, length]);
    const [xHat, mean, invStd] = emitter.emitAll(
      'LayerNormalization',
      [rows, ones],
      { axis: 1, epsilon: { float: epsilon } },
      { outputs: 3 },
    );
    const planes = emitter.reshape(xHat!, [batch, channels, pixels]);
    const scaled = emitter.emit('Mul', [planes, emitter.reshape(gamma!, [1, channels, 1])]);
    const shifted = emitter.emit('Add', [scaled, emitter.reshape(beta!, [1, channels, 1])]);
    return [
      emitter.reshape(shifted, x!.shape),
      emitter.reshape(mean!, stats!.shape),
      emitter.reshape(invStd!, stats!.shape),
    ];
  },
  groupNormGrad: (node, inputs, emitter) => groupNormGradInBlocks(node, inputs, emitter),
  avgPool: (node, [name], emitter) => {
    const halved = halveInBlocks(node, name!, emitter);
    if (halved !== undefined) return [halved];
    const { kernel, stride, padding, countPadding } = node.attrs;
    return [
      emitter.emit('AveragePool', [name!], {
        kernel_shape: kernel,
        strides: stride,
        pads: onnxPadding(padding),
        count_include_pad: countPadding ? 1 : 0,
      }),
    ];
  },
  resize: (node, [name], emitter) => {
    const inBlocks = resizeInBlocks(node, name!, emitter);
    if (inBlocks !== undefined) return [inBlocks];
    const {
      inputs: [x],
      attrs: { mode, size, alignCorners },
    } = node;
    return [
      emitter.emit('Resize', [name!, '', '', emitter.ints([...x!.shape.slice(0, 2), ...size])], {
        mode: mode === 'nearest' ? 'nearest' : 'linear',
        coordinate_transformation_mode:
          mode === 'nearest' ? 'asymmetric' : alignCorners ? 'align_corners' : 'half_pixel',
        ...(mode === 'nearest' && { nearest_mode: 'floor' }),
      }),
    ];
  },
  attention: (node, inputs, emitter) => [lowerAttention(node, inputs, emitter)],
  attentionGrad: lowerAttentionGrad,
  detach: (_, inputs) => [inputs[0]!],
};
