/** @file Lowering of the gradient of a convolution in its kernel: the form is chosen by target and shape. */
import { kernelPositions, type NodeOf } from '../graph/index.ts';
import { sizeOf } from '../tensor/index.ts';
import {
  fromBlocks,
  hasBlockedForm,
  hasBlockedView,
  lowerBlockedWeightGrad,
  type PictureView,
  viewInBlocks,
} from './blocked-convolution.ts';
import type { Emitter, ValueName } from './emitter.ts';
import { matmulTransposed } from './matmul.ts';
import type { OnnxTarget } from './target.ts';
import { type ConvExtents, hasWinogradGradient, winogradKernelGradient } from './winograd.ts';

/** The adjoint in the kernel: `dW[o, c, k] = Σ_b Σ_p dY[b, o, p] · X[b, c, p · stride + k · dilation - padding]`. */
export function lowerConvWeightGrad(
  node: NodeOf<'convWeightGrad'>,
  inputs: readonly ValueName[],
  emitter: Emitter,
  target: OnnxTarget,
): ValueName {
  const { attrs } = node;
  const [x, dy] = node.inputs;
  const batch = x!.shape[0]!;
  const outputs = dy!.shape[1]!;
  const area = sizeOf(dy!.shape.slice(2));
  const padding = readPadding(node);
  const crops = padding.some(([, after]) => after < 0);
  if (!isPoint(attrs) && !crops && area <= 16 && hasBlockedForm(target.block, attrs, batch, outputs)) {
    return lowerBlockedWeightGrad({ ...node, attrs: { ...attrs, padding } }, inputs, target.block, emitter);
  }
  const extents = {
    batch,
    channels: x!.shape[1]!,
    outputs,
    kernel: attrs.kernel,
    spatial: dy!.shape.slice(2),
  };
  if (!crops && hasWinogradGradient(target.block, attrs, extents)) {
    const [picture, gradient] = inputs as [ValueName, ValueName];
    return winogradKernelGradient(picture, gradient, attrs, extents, x!.shape[3]!, target.block, emitter);
  }
  if (isSameSizePlane(node)) {
    const narrow = Math.min(x!.shape[1]!, outputs) * sizeOf(attrs.kernel) <= MOST_STACKED;
    return (narrow ? stackedProduct : shiftedProducts)(node, inputs, emitter, target);
  }
  return slicedProducts(node, inputs, padding, emitter, target);
}

/**
 * Products of all channels of two batches of pictures, summed over pixels and batch, as [1, A · B] with [A, B] = `pairs`. The
 * longer operand goes first, which is a tenth faster, and products that keep the batch apart beat one with the batch in the sum.
 */
function channelProducts(
  { batch, channels, outputs }: Omit<ConvExtents, 'kernel' | 'spatial'>,
  emitter: Emitter,
  target: OnnxTarget,
) {
  const swap = outputs >= channels;
  return {
    pairs: swap ? [outputs, channels] : [channels, outputs],
    product(picture: ValueName, gradient: ValueName, area: number): ValueName {
      const operands = [
        emitter.reshape(picture, [batch, channels, area]),
        emitter.reshape(gradient, [batch, outputs, area]),
      ];
      const [first, second] = (swap ? operands.reverse() : operands) as [ValueName, ValueName];
      return emitter.sumRows(matmulTransposed(first, second, 3, emitter, target), batch, channels * outputs);
    },
  };
}

/** A kernel of the `pairs` of `channelProducts`, as [O, C, kh, kw]. */
function outputsFirst(
  kernel: ValueName,
  { channels, outputs }: Pick<ConvExtents, 'channels' | 'outputs'>,
  emitter: Emitter,
): ValueName {
  return outputs >= channels ? kernel : emitter.transpose(kernel, [1, 0, 2, 3]);
}

/** A 1×1 kernel at stride 1: a product of channels. */
function isPoint({ kernel, stride }: NodeOf<'convWeightGrad'>['attrs']): boolean {
  return kernel.every((extent) => extent === 1) && stride.every((step) => step === 1);
}

type Padding = readonly (readonly [before: number, after: number])[];

/** The padding that windows read: where strides leave pixels over at the end it is less than the convolution's, even negative. */
function readPadding({ inputs: [x, dy], attrs }: NodeOf<'convWeightGrad'>): Padding {
  return attrs.kernel.map((extent, axis) => {
    const reach = (dy!.shape[axis + 2]! - 1) * attrs.stride[axis]! + attrs.dilation[axis]! * (extent - 1) + 1;
    const before = attrs.padding[axis]![0];
    return [before, reach - x!.shape[axis + 2]! - before] as const;
  });
}

/** Two spatial axes, stride 1, one group, as many output as input pixels. */
function isSameSizePlane({ inputs: [x, dy], attrs }: NodeOf<'convWeightGrad'>): boolean {
  return (
    attrs.groups === 1 &&
    attrs.kernel.length === 2 &&
    attrs.kernel.some((extent) => extent > 1) &&
    attrs.stride.every((step) => step === 1) &&
    x!.shape.slice(2).every((extent, axis) => extent === dy!.shape[axis + 2])
  );
}

/** Where a tap reads, relative to the pixel it contributes to. */
function tapOffset({ dilation, padding }: NodeOf<'convWeightGrad'>['attrs'], tap: number, axis: 0 | 1): number {
  return tap * dilation[axis]! - padding[axis]![0];
}

/** Shifted channels that one product takes. */
const MOST_STACKED = 64;

/** All shifts of the operand of few channels, such as the colours of a picture, side by side in one product. */
function stackedProduct(
  { inputs: [x, dyTensor], attrs }: NodeOf<'convWeightGrad'>,
  [name, dy]: readonly ValueName[],
  emitter: Emitter,
  target: OnnxTarget,
): ValueName {
  const [batch, channels, ...plane] = x!.shape as [number, number, number, number];
  const outputs = dyTensor!.shape[1]!;
  const shiftsPicture = channels <= outputs;
  const [narrow, few, wide, many] = shiftsPicture ? [name!, channels, dy!, outputs] : [dy!, outputs, name!, channels];
  const taps = sizeOf(attrs.kernel);
  const area = sizeOf(plane);
  const shifts = kernelPositions(attrs.kernel).map((tap) => {
    const sign = shiftsPicture ? 1 : -1;
    const [down, right] = [sign * tapOffset(attrs, tap[0]!, 0), sign * tapOffset(attrs, tap[1]!, 1)];
    return emitter.reshape(shiftPlanes(narrow, batch * few, plane, [down, right], emitter), [batch, few, area]);
  });
  const stacked = shifts.length === 1 ? shifts[0]! : emitter.emit('Concat', shifts, { axis: 1 });
  const product = matmulTransposed(emitter.reshape(wide, [batch, many, area]), stacked, 3, emitter, target);
  const sum = emitter.reshape(emitter.sumRows(product, batch, many * taps * few), [many, taps, few]);
  const kernel = emitter.transpose(sum, shiftsPicture ? [0, 2, 1] : [2, 0, 1]);
  return emitter.reshape(kernel, [outputs, channels, ...attrs.kernel]);
}

/** Column shifts are applied to copies of x and row shifts to copies of dY: a 3×3 kernel costs four copies, not nine slices. */
function shiftedProducts(
  { inputs: [x, dyTensor], attrs }: NodeOf<'convWeightGrad'>,
  [name, dy]: readonly ValueName[],
  emitter: Emitter,
  target: OnnxTarget,
): ValueName {
  const [batch, channels, ...plane] = x!.shape as [number, number, number, number];
  const outputs = dyTensor!.shape[1]!;
  const [rows, columns] = attrs.kernel as [number, number];
  const { block } = target;
  const shift = (planes: ValueName, count: number, by: readonly [number, number], shared: boolean): ValueName => {
    if (by.every((step) => step === 0)) return planes;
    const view = { offset: by, stride: [1, 1], from: plane, to: plane };
    return hasBlockedView(block, count, view)
      ? viewInBlocks(planes, count, view, { block, shared }, emitter)
      : shiftPlanes(planes, batch * count, plane, by, emitter);
  };
  const extents = { batch, channels, outputs };
  const { pairs, product } = channelProducts(extents, emitter, target);
  const pictures = Array.from({ length: columns }, (_, j) =>
    shift(name!, channels, [0, tapOffset(attrs, j, 1)], false),
  );
  const products = Array.from({ length: rows }, (_, i) => {
    const gradient = shift(dy!, outputs, [-tapOffset(attrs, i, 0), 0], true);
    return pictures.map((picture) => product(picture, gradient, sizeOf(plane)));
  }).flat();
  return outputsFirst(joinTaps(products, [...pairs, rows, columns], target, emitter), extents, emitter);
}

/**
 * `y[row, column] = x[row + down, column + right]` in each of `count` planes, zero outside. The whole buffer is shifted as
 * one row, contiguous, and a mask clears the pixels that came from a neighbouring row or plane.
 */
function shiftPlanes(
  x: ValueName,
  count: number,
  [height, width]: readonly [number, number],
  [down, right]: readonly [number, number],
  emitter: Emitter,
): ValueName {
  const by = down * width + right;
  const mask = new Float32Array(height * width);
  for (let i = 0; i < mask.length; i++) {
    const row = Math.floor(i / width) + down;
    const column = (i % width) + right;
    mask[i] = row >= 0 && row < height && column >= 0 && column < width ? 1 : 0;
  }
  const shifted = emitter.pad(emitter.reshape(x, [count * mask.length]), [[-by, by]]);
  const planes = emitter.reshape(shifted, [count, mask.length]);
  return emitter.emit('Mul', [planes, emitter.constant({ dtype: 'float32', shape: [1, mask.length], data: mask })]);
}

/**
 * Taps, each [1, A · B], to [A, B, ...kernel]. Taken as pixels of the blocked layout, they are turned by its kernels: twice as
 * fast as by a transposition.
 */
function joinTaps(
  taps: readonly ValueName[],
  shape: readonly number[],
  { block }: OnnxTarget,
  emitter: Emitter,
): ValueName {
  const [a, b, ...kernel] = shape as [number, number, ...number[]];
  if (taps.length === 1) return emitter.reshape(taps[0]!, shape);
  if (block === undefined || kernel.length !== 2 || (a * b) % block !== 0) {
    const last = emitter.reshape(emitter.emit('Concat', taps, { axis: 0 }), [...kernel, a, b]);
    return emitter.transpose(last, [kernel.length, kernel.length + 1, ...kernel.map((_, axis) => axis)]);
  }
  const pixels = taps.map((tap) => emitter.reshape(tap, [(a * b) / block, 1, block]));
  return kernelFromPixels(emitter.emit('Concat', pixels, { axis: 1 }), [a, b], kernel, block, emitter);
}

/** Taps as pixels in blocks, [A · B / k, taps, k], to [A, B, ...kernel]. */
function kernelFromPixels(
  pixels: ValueName,
  pairs: readonly number[],
  kernel: readonly number[],
  block: number,
  emitter: Emitter,
): ValueName {
  const blocked = emitter.reshape(pixels, [sizeOf(pairs) / block, block, ...kernel]);
  return emitter.reshape(fromBlocks(blocked, block, emitter), [...pairs, ...kernel]);
}

/** The general form: one product per tap over a strided view of padded x. */
function slicedProducts(
  { inputs: [x, dyTensor], attrs }: NodeOf<'convWeightGrad'>,
  [name, dy]: readonly ValueName[],
  padding: Padding,
  emitter: Emitter,
  target: OnnxTarget,
): ValueName {
  const { groups, kernel, stride, dilation } = attrs;
  const [batch, channels, ...from] = x!.shape as [number, number, ...number[]];
  const [, outputs, ...to] = dyTensor!.shape as [number, number, ...number[]];
  const padded = (): ValueName => {
    const needed = padding.some(([before, after]) => before !== 0 || after !== 0);
    return needed ? emitter.pad(name!, [[0, 0], [0, 0], ...padding]) : name!;
  };
  const viewOf = (position: readonly number[]): ValueName => {
    if (isPoint(attrs)) return padded();
    const starts = position.map((tap, axis) => tap * dilation[axis]!);
    const view: PictureView = { offset: starts.map((start, axis) => start - padding[axis]![0]), stride, from, to };
    const { block } = target;
    if (hasBlockedView(block, channels, view))
      return viewInBlocks(name!, channels, view, { block, shared: false }, emitter);
    const stops = starts.map((start, axis) => start + (to[axis]! - 1) * stride[axis]! + 1);
    const axes = kernel.map((_, axis) => axis + 2);
    return emitter.slice(padded(), axes, starts, stops, stride);
  };
  const area = sizeOf(to);
  const rows = emitter.reshape(dy!, [batch * groups, outputs / groups, area]);
  const products = kernelPositions(kernel).map((position) => {
    const columns = emitter.reshape(viewOf(position), [batch * groups, channels / groups, area]);
    const size = outputs * (channels / groups);
    return emitter.sumRows(matmulTransposed(rows, columns, 3, emitter, target), batch, size);
  });
  return joinTaps(products, [outputs, channels / groups, ...kernel], target, emitter);
}
