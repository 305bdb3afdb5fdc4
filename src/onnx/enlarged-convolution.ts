/**
 * @file 3×3 convolutions of pictures of which every pixel was just repeated 2×2, at a third of the multiplications. Columns 2j
 * and 2j + 1 of the result are convolutions of two columns of the small picture each, with the sums of taps that meet the same
 * column. With d the difference to the row before or after, rows 2i and 2i + 1 are `w₀ · d₋ + (w₀ + w₁ + w₂) · x` and
 * `w₂ · d₊ + (w₀ + w₁ + w₂) · x` of row i. The adjoint is one convolution at stride 2, at less than half.
 */
import type { ConvAttrs, NodeOf } from '../graph/index.ts';
import { type NdArray, sizeOf } from '../tensor/index.ts';
import { convPlus, depthwise, hasBlockedForm, lowerBlockedAdjoint, scaleBlocks } from './blocked-convolution.ts';
import type { Blocks, Emitter, ValueName } from './emitter.ts';
import { changingKernels, constantKernels, interleave, interleaveRows } from './winograd.ts';

/** Of a column of three taps: the first, the sum, the last. */
const ROW_SUMS = [
  [1, 0, 0],
  [1, 1, 1],
  [0, 0, 1],
];

/** Of a row of three taps, for the column before and the same column, and for the same column and the one after. */
const COLUMN_SUMS = [
  [
    [1, 0, 0],
    [0, 1, 1],
  ],
  [
    [1, 1, 0],
    [0, 0, 1],
  ],
];

/** Along one axis, what each of three taps adds to the four of a kernel averaged over two pixels. */
const AVERAGES = [
  [1 / 2, 1 / 2, 0, 0],
  [0, 1 / 2, 1 / 2, 0],
  [0, 0, 1 / 2, 1 / 2],
];

/** Whether a convolution has this form: 3×3 centred on each pixel, of pictures enlarged by two. */
export function hasEnlargedForm(
  block: number | undefined,
  { attrs, inputs }: NodeOf<'conv'>,
  { factors }: Required<Blocks>['repeats'],
): block is number {
  const [outputs, channels, ...kernel] = inputs[1]!.shape as [number, number, ...number[]];
  return (
    hasBlockedForm(block, attrs, channels, outputs) &&
    factors.every((factor) => factor === 2) &&
    isCentred(kernel, attrs)
  );
}

/** Whether a kernel is 3×3, centred on each pixel. */
function isCentred(kernel: readonly number[], { stride, padding, dilation }: ConvAttrs): boolean {
  return (
    kernel.every((taps) => taps === 3) &&
    padding.flat().every((pixels) => pixels === 1) &&
    [...stride, ...dilation].every((step) => step === 1)
  );
}

/** The convolution of `blocks` enlarged. w: [O, C, 3, 3], bias: [O]. */
export function lowerEnlarged(
  { inputs, outputs: [y] }: NodeOf<'conv'>,
  [w, bias = '']: readonly [ValueName, ValueName | undefined],
  blocks: ValueName,
  block: number,
  emitter: Emitter,
): ValueName {
  const [outputs, channels] = inputs[1]!.shape as [number, number];
  const [batch, , height, width] = y!.shape as [number, number, number, number];
  const difference = (taps: readonly number[], [above, below]: readonly [number, number]): ValueName => {
    const window = { kernel_shape: [2, 1], strides: [1, 1], pads: [above, 0, below, 0] };
    return depthwise(blocks, channels, taps, window, block, emitter);
  };
  const before = difference([1, -1], [1, 0]);
  const after = difference([-1, 1], [0, 1]);
  const small = [batch, outputs, height / 2, width / 2];
  const columns = COLUMN_SUMS.map((sums, phase) => {
    const [first, sum, last] = kernelsOf(w, [outputs, channels, 3, 3], sums, block, emitter);
    const window = { kernel_shape: [1, 2], pads: phase === 0 ? [0, 1, 0, 0] : [0, 0, 0, 1] };
    const product = (...operands: ValueName[]): ValueName => convPlus(operands, window, emitter);
    const both = product(blocks, sum!, bias);
    const rows = [product(before, first!), product(after, last!)];
    return rows.map((part) => scaleBlocks(both, 1, part, small, block, emitter));
  });
  const rows = [0, 1].map((row) => {
    const parts = columns.map((phase) => phase[row]!);
    return interleave(parts, sizeOf(small), block, emitter);
  });
  return interleaveRows(rows, [batch, outputs, height, width], block, emitter);
}

/** Whether the adjoint of a convolution, itself the convolution `direct`, can be averaged over 2×2 pixels on the way. */
export function canBeHalved(direct: ConvAttrs, kernel: readonly number[], spatial: readonly number[]): boolean {
  return isCentred(kernel, direct) && spatial.every((extent) => extent % 2 === 0);
}

/** The adjoint, averaged over 2×2 pixels: the kernel is that of the convolution, averaged the same way. w: [O, C, 3, 3]. */
export function lowerHalvedAdjoint(
  [dy, w]: readonly [ValueName, ValueName],
  [outputs, channels]: readonly [number, number],
  direct: ConvAttrs,
  block: number,
  emitter: Emitter,
): ValueName {
  const averages = AVERAGES.flatMap((down) => AVERAGES.map((right) => down.flatMap((a) => right.map((b) => a * b))));
  const taps = emitter.emit('MatMul', [emitter.reshape(w, [outputs * channels, 9]), emitter.matrix(averages)]);
  const shape = [outputs, channels, 4, 4];
  return lowerBlockedAdjoint([dy, emitter.reshape(taps, shape)], shape, { ...direct, stride: [2, 2] }, block, emitter);
}

/** The kernels of one of every two columns, each [O, C, 1, 2] in blocks, one for every sum of rows. */
function kernelsOf(
  w: ValueName,
  shape: readonly number[],
  columnSums: readonly (readonly number[])[],
  block: number,
  emitter: Emitter,
): readonly ValueName[] {
  const summed = [...shape.slice(0, -1), columnSums.length];
  const constant = emitter.initializers.get(w);
  if (constant) return constantKernels(sumColumns(constant, columnSums), block, emitter, ROW_SUMS);
  const weights = emitter.matrix([0, 1, 2].map((tap) => columnSums.map((sums) => sums[tap]!)));
  const product = emitter.emit('MatMul', [emitter.reshape(w, [sizeOf(shape) / 3, 3]), weights]);
  return changingKernels(emitter.reshape(product, summed), summed, block, emitter, ROW_SUMS);
}

/** Sums of the taps of every row of a kernel. */
function sumColumns({ dtype, shape, data }: NdArray, columnSums: readonly (readonly number[])[]): NdArray {
  const taps = data as Float32Array;
  const width = columnSums.length;
  const sums = new Float32Array((taps.length / 3) * width);
  for (let i = 0; i < sums.length; i++) {
    const from = Math.floor(i / width) * 3;
    const [first, second, third] = columnSums[i % width] as [number, number, number];
    sums[i] = first * taps[from]! + second * taps[from + 1]! + third * taps[from + 2]!;
  }
  return { dtype, shape: [...shape.slice(0, -1), width], data: sums };
}
