/**
 * @file 3×k convolutions of pictures whose rows were just repeated, at half the multiplications: with d the difference to the
 * row before or after, rows 2i and 2i + 1 of the result are `w₀ · d₋ + (w₀ + w₁ + w₂) · x` and `w₂ · d₊ + (w₀ + w₁ + w₂) · x`
 * of row i. Columns are repeated and convolved as they are.
 */
import type { NodeOf } from '../graph/index.ts';
import { BLOCKED, convPlus, depthwise, hasBlockedForm, scaleBlocks } from './blocked-convolution.ts';
import type { Blocks, Emitter, ValueName } from './emitter.ts';
import { changingKernels, constantKernels, interleaveRows } from './winograd.ts';

type Repeats = Required<Blocks>['repeats'];

/** Of a column of three taps: the first, the sum, the last. */
const KERNEL_TRANSFORM = [
  [1, 0, 0],
  [1, 1, 1],
  [0, 0, 1],
];

/** Whether a convolution has this form: three rows centred on each pixel of pictures of which every row is there twice. */
export function hasEnlargedForm(
  block: number | undefined,
  { attrs, inputs }: NodeOf<'conv'>,
  repeats: Repeats,
): block is number {
  const [outputs, channels, ...kernel] = inputs[1]!.shape as [number, number, ...number[]];
  return (
    hasBlockedForm(block, attrs, channels, outputs) &&
    repeats.factors[0] === 2 &&
    kernel[0] === 3 &&
    attrs.padding[0]!.every((pixels) => pixels === 1) &&
    [...attrs.stride, ...attrs.dilation].every((step) => step === 1)
  );
}

/** The convolution of what `repeats` becomes, in blocks. */
export function lowerEnlarged(
  { attrs, inputs, outputs: [y] }: NodeOf<'conv'>,
  [w, bias]: readonly [ValueName, ValueName | undefined],
  { blocks, factors }: Repeats,
  block: number,
  emitter: Emitter,
): ValueName {
  const kernelShape = inputs[1]!.shape;
  const [batch, outputs, height, width] = y!.shape as [number, number, number, number];
  const channels = kernelShape[1]!;
  const constant = emitter.initializers.get(w);
  const [first, sum, last] = constant
    ? constantKernels(constant, block, emitter, KERNEL_TRANSFORM)
    : changingKernels(w, kernelShape, block, emitter, KERNEL_TRANSFORM);
  const columns = factors[1]!;
  const scales = { scales: [1, 1, 1, columns], mode: 'nearest' };
  const rows = columns === 1 ? blocks : emitter.emit('Upsample', [blocks], scales, BLOCKED);
  const difference = (taps: readonly number[], [above, below]: readonly [number, number]): ValueName => {
    const window = { kernel_shape: [2, 1], strides: [1, 1], pads: [above, 0, below, 0] };
    return depthwise(rows, channels, taps, window, block, emitter);
  };
  const [left, right] = attrs.padding[1]!;
  const window = { kernel_shape: [1, kernelShape[3]!], pads: [0, left, 0, right] };
  const product = (...operands: ValueName[]): ValueName => convPlus(operands, window, emitter);
  const both = product(rows, sum!, bias ?? '');
  const half = [batch, outputs, height / 2, width];
  const add = (part: ValueName): ValueName => scaleBlocks(both, 1, part, half, block, emitter);
  const even = add(product(difference([1, -1], [1, 0]), first!));
  const odd = add(product(difference([-1, 1], [0, 1]), last!));
  return interleaveRows([even, odd], [batch, outputs, height, width], block, emitter);
}
