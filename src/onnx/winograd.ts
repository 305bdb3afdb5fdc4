/**
 * @file Winograd's minimal filtering for 3×k convolutions at stride 1, F(4, 3) along the rows (Lavin & Gray 2016): four rows
 * of output take six products per channel pair and column instead of twelve. Both transforms and the products are operators
 * of ONNX Runtime's blocked layout; columns are convolved as they are. Rounding errors are three times those of the sum.
 */
import type { ConvAttrs, NodeOf } from '../graph/index.ts';
import { type NdArray, sizeOf } from '../tensor/index.ts';
import {
  BLOCKED,
  blocksAgain,
  constantInBlocks,
  convPlus,
  depthwise,
  fromBlocks,
  hasBlockedForm,
  interleaveInputs,
  interleaveOutputs,
  scaleBlocks,
  toBlocks,
} from './blocked-convolution.ts';
import type { Emitter, ValueName } from './emitter.ts';

/** Rows of output per tile, which six products give. */
const ROWS = 4;

/** Of a column of kernel taps: values at the points 0, 1, -1, 2, -2 and ∞, normalised; those at -1 and -2 twice. */
const KERNEL_TRANSFORM: readonly (readonly number[])[] = [
  [1 / 4, 0, 0],
  [-1 / 6, -1 / 6, -1 / 6],
  [-1 / 3, 1 / 3, -1 / 3],
  [1 / 24, 1 / 12, 1 / 6],
  [1 / 12, -1 / 6, 1 / 3],
  [0, 0, 1],
];

/** Of six rows of input. */
const ROW_TRANSFORM: readonly (readonly number[])[] = [
  [4, 0, -5, 0, 1, 0],
  [0, -4, -4, 1, 1, 0],
  [0, 4, -4, -1, 1, 0],
  [0, -2, -1, 2, 1, 0],
  [0, 2, -1, -2, 1, 0],
  [0, 4, 0, -5, 0, 1],
];

/** Of six products to four rows of output. */
const OUTPUT_TRANSFORM: readonly (readonly number[])[] = [
  [1, 1, 1 / 2, 1, 1 / 2, 0],
  [0, 1, -1 / 2, 2, -1, 0],
  [0, 1, 1 / 2, 4, 2, 0],
  [0, 1, -1 / 2, 8, -4, 1],
];

/** Multiplications and additions of the plain sum from which on the transforms pay, and those of the gradient in the kernel. */
const LEAST_WORK = 2e8;
const LEAST_GRADIENT_WORK = 1.2e8;
const LEAST_CHANNELS = 32;

/** A convolution's extents. */
export interface ConvExtents {
  readonly batch: number;
  readonly channels: number;
  readonly outputs: number;
  readonly kernel: readonly number[];
  /** Of the output. */
  readonly spatial: readonly number[];
}

/** Of a convolution. */
export function extentsOf({ inputs, outputs: [y] }: NodeOf<'conv'>): ConvExtents {
  const [outputs, channels, ...kernel] = inputs[1]!.shape as [number, number, ...number[]];
  return { batch: y!.shape[0]!, channels, outputs, kernel, spatial: y!.shape.slice(2) };
}

/** Whether a convolution has this form and is large enough to gain by it. */
export function hasWinogradForm(
  block: number | undefined,
  attrs: ConvAttrs,
  { batch, channels, outputs, kernel, spatial }: ConvExtents,
  leastWork = LEAST_WORK,
): block is number {
  return (
    hasBlockedForm(block, attrs, channels, outputs) &&
    kernel[0] === 3 &&
    spatial[0]! % ROWS === 0 &&
    [...attrs.stride, ...attrs.dilation].every((step) => step === 1) &&
    Math.min(channels, outputs) >= LEAST_CHANNELS &&
    2 * batch * channels * outputs * sizeOf(kernel) * sizeOf(spatial) >= leastWork
  );
}

/** The transformed kernel in parts, each [O, I, 1, kw] in blocks, of a constant [O, I, 3, kw]. */
export function constantKernels(
  { shape, data }: NdArray,
  block: number,
  emitter: Emitter,
  transform = KERNEL_TRANSFORM,
): readonly ValueName[] {
  const [outputs, channels, , columns] = shape as [number, number, number, number];
  const taps = data as Float32Array;
  return transform.map((weights) => {
    const [first, second, third] = weights as [number, number, number];
    const part = new Float32Array(outputs * channels * columns);
    for (let to = 0, from = 0; to < part.length; from += 2 * columns) {
      for (const end = to + columns; to < end; to++, from++) {
        part[to] = first * taps[from]! + second * taps[from + columns]! + third * taps[from + 2 * columns]!;
      }
    }
    return constantInBlocks({ dtype: 'float32', shape: [outputs, channels, 1, columns], data: part }, block, emitter);
  });
}

/** The same of a kernel that changes. w: [O, I, 3, kw]. */
export function changingKernels(
  w: ValueName,
  shape: readonly number[],
  block: number,
  emitter: Emitter,
  transform = KERNEL_TRANSFORM,
): readonly ValueName[] {
  const [outputs, channels, rows, columns] = shape as [number, number, number, number];
  const pairs = (outputs / block) * (channels / block);
  const interleaved = interleaveOutputs(w, shape, block, emitter);
  const taps = emitter.moveRows(interleaved, [pairs, block, rows, columns, block], [2, 0, 3, 1, 4]);
  return transformKernel(taps, transform, [outputs, channels, 1, columns], emitter);
}

/** Those of the adjoint, each [I, O, 1, kw] in blocks, its taps reversed. w: [O, I, 3, kw]. */
export function adjointKernels(
  w: ValueName,
  shape: readonly number[],
  block: number,
  emitter: Emitter,
): readonly ValueName[] {
  const [outputs, channels, rows, columns] = shape as [number, number, number, number];
  const interleaved = interleaveInputs(w, shape, block, emitter);
  const apart = [outputs / block, block, channels / block, rows, columns, block];
  const taps = emitter.moveRows(interleaved, apart, [3, 2, 0, 4, 1, 5], [4]);
  const transform = KERNEL_TRANSFORM.map((weights) => [...weights].reverse());
  return transformKernel(taps, transform, [channels, outputs, 1, columns], emitter);
}

/** Rows of taps, the first axis of `taps`, to parts of `shape`. */
function transformKernel(
  taps: ValueName,
  transform: readonly (readonly number[])[],
  shape: readonly number[],
  emitter: Emitter,
): readonly ValueName[] {
  const flat = emitter.reshape(taps, [3, sizeOf(shape)]);
  return transform.map((weights) => {
    return emitter.reshape(emitter.emit('MatMul', [emitter.matrix([weights]), flat]), shape);
  });
}

interface RowWindow {
  readonly top: number;
  readonly bottom: number;
  readonly before?: number;
  readonly after?: number;
}

/** Every fourth sum of rows with these weights, the same in all channels; columns are padded on the way. */
function weighRows(
  blocks: ValueName,
  channels: number,
  weights: readonly number[],
  { top, bottom, before = 0, after = 0 }: RowWindow,
  block: number,
  emitter: Emitter,
): ValueName {
  // rows of weight zero are not read where padding lets the window shrink
  const last = weights.length - 1;
  const first = Math.min(
    weights.findIndex((weight) => weight !== 0),
    top,
  );
  const end = Math.max(
    weights.findLastIndex((weight) => weight !== 0),
    last - bottom,
  );
  const window = weights.slice(first, end + 1);
  const step = window.every((weight, i) => i % 2 === 0 || weight === 0) ? 2 : 1;
  const taps = window.filter((_, i) => i % step === 0);
  const attributes = {
    kernel_shape: [taps.length, 1],
    strides: [ROWS, 1],
    dilations: [step, 1],
    pads: [top - first, before, bottom - (last - end), after],
  };
  return depthwise(blocks, channels, taps, attributes, block, emitter);
}

/** Some of the channels of pictures in blocks, and the transformed kernel for them. */
export interface WinogradOperand {
  readonly picture: ValueName;
  readonly channels: number;
  readonly kernels: readonly ValueName[];
}

/** The convolution, summed over `operands`; `padding` per spatial axis, before and after. */
export function lowerWinograd(
  operands: readonly WinogradOperand[],
  bias: ValueName | undefined,
  { padding }: ConvAttrs,
  { batch, outputs, kernel, spatial }: ConvExtents,
  block: number,
  emitter: Emitter,
): ValueName {
  const [[top, bottom], [left, right]] = padding as unknown as [[number, number], [number, number]];
  const [height, width] = spatial as [number, number];
  const window = { kernel_shape: [1, kernel[1]!], pads: [0, left, 0, right] };
  const rowsOf = operands.map(({ picture, channels }) =>
    ROW_TRANSFORM.map((weights) => weighRows(picture, channels, weights, { top, bottom }, block, emitter)),
  );
  /** One of the six products; what follows is added to it: a bias, a value of its shape ('' is none). */
  const product = (i: number, shift = '', addend = ''): ValueName =>
    operands.reduce(
      (sum, { kernels }, part) =>
        convPlus([rowsOf[part]![i]!, kernels[i]!, part === 0 ? shift : '', sum], window, emitter),
      addend,
    );
  const add = (a: ValueName, b: ValueName): ValueName => emitter.emit('Add', [a, b]);
  const sub = (a: ValueName, b: ValueName): ValueName => emitter.emit('Sub', [a, b]);
  const tile = [batch, outputs, height / ROWS, width];
  const times = (a: ValueName, factor: number, sum = ''): ValueName =>
    scaleBlocks(a, factor, sum, tile, block, emitter);
  // the product at 1 counts once in every row, so it carries the bias
  const [at1, atMinus1, at2, atMinus2] = [product(1, bias), product(2), product(3), product(4)];
  // a product at -1 or -2 counts half, so that its sum with its counterpart and their difference take the place of both
  const [even1, even2] = [times(atMinus1, 1 / 2, at1), times(atMinus2, 1 / 2, at2)];
  const [odd1, odd2] = [sub(even1, atMinus1), sub(even2, atMinus2)];
  const first = product(0, '', add(even1, even2));
  const [second, third] = [times(odd2, 2, odd1), times(even2, 4, even1)];
  const fourth = times(second, 1, product(5, '', times(odd2, 6)));
  const rows = [first, second, third, fourth];
  return interleaveRows(rows, [batch, outputs, height, width], block, emitter);
}

/** Pictures of `shape` whose rows are taken from `parts` in turn, all in blocks. */
export function interleaveRows(
  parts: readonly ValueName[],
  shape: readonly [batch: number, channels: number, height: number, width: number],
  block: number,
  emitter: Emitter,
): ValueName {
  const joined = interleave(parts, sizeOf(shape) / parts.length, shape[3] * block, emitter);
  return fromBlocks(emitter.reshape(joined, shape), shape[1], emitter);
}

/** Runs of `length` elements taken from `parts`, of `size` elements each, in turn. */
export function interleave(parts: readonly ValueName[], size: number, length: number, emitter: Emitter): ValueName {
  const runs = parts.map((part) => emitter.reshape(part, [size / length, 1, length]));
  return emitter.emit('Concat', runs, { axis: 1 });
}

/** Rows of tiles of a batch in groups of a block: `images · rows` of them, of as many images as possible. */
interface RowGroups {
  readonly images: number;
  readonly rows: number;
}

function rowGroups(batch: number, tileRows: number, block: number): RowGroups | undefined {
  let images = 1;
  while (2 * images <= block && batch % (2 * images) === 0) images *= 2;
  const rows = block / images;
  return tileRows % rows === 0 ? { images, rows } : undefined;
}

/** Whether the gradient in the kernel has this form. */
export function hasWinogradGradient(
  block: number | undefined,
  attrs: ConvAttrs,
  extents: ConvExtents,
): block is number {
  return (
    hasWinogradForm(block, attrs, extents, LEAST_GRADIENT_WORK) &&
    rowGroups(extents.batch, extents.spatial[0]! / ROWS, block) !== undefined
  );
}

/**
 * The gradient in the kernel, `Gᵀ · Σ (A · dY) ⊗ (Bᵀ · x)` with the transforms of the convolution. The six sums over batch,
 * rows of tiles and columns are convolutions themselves: the transformed gradient is their kernel, the batch their channels
 * (with rows of tiles where it is less than a block), and the channels of x lie along the columns, a block apart, which is
 * how the blocked layout has them, and their blocks along the rows.
 * x: [B, C, H, W], dy: [B, O, ...]; gives [O, C, 3, kw].
 */
export function winogradKernelGradient(
  x: ValueName,
  dy: ValueName,
  { padding }: Pick<ConvAttrs, 'padding'>,
  { batch, channels, outputs, kernel, spatial }: ConvExtents,
  width: number,
  block: number,
  emitter: Emitter,
): ValueName {
  const [[top, bottom], [left, right]] = padding as unknown as [[number, number], [number, number]];
  const tileRows = spatial[0]! / ROWS;
  const { images, rows } = rowGroups(batch, tileRows, block)!;
  const apart = [batch / images, tileRows / rows] as const;
  const [blocksIn, blocksOut] = [channels / block, outputs / block];
  const summed = batch * rows;
  const columns = kernel[1]!;
  const line = (width + left + right) * block;

  /** [B, C/k, H/4, W, k] → [1, batch and rows, C/k and the other rows, W · k] in blocks. */
  const asPictures = (transformed: ValueName): ValueName => {
    const split = [apart[0], images, blocksIn, apart[1], rows, line];
    const turned = rows === 1 ? transformed : emitter.moveRows(transformed, split, [0, 1, 4, 2, 3, 5]);
    return toBlocks(emitter.reshape(turned, [1, summed, blocksIn * apart[1], line]), emitter);
  };
  const pictures = blocksAgain(x, emitter);
  // [B, O/k, H, W, k] → [O/k, batch and rows / k, the other rows, 4, W, k (batch and rows), k (out)], which is what rows of
  // the kernel are made from
  const split = [apart[0], images, blocksOut, apart[1], rows, ROWS, spatial[1]!, block];
  const turned = emitter.moveRows(toBlocks(dy, emitter), split, [2, 0, 3, 5, 6, 1, 4, 7]);
  const gradients = emitter.reshape(turned, [blocksOut * apart[0], block, apart[1] * ROWS, spatial[1]! * block]);
  const window = { kernel_shape: [apart[1], spatial[1]!], strides: [apart[1], 1], dilations: [1, block] };
  const sums = ROW_TRANSFORM.map((weights, i) => {
    const spread = OUTPUT_TRANSFORM.map((row) => row[i]!);
    const gradient = weighRows(gradients, block, spread, { top: 0, bottom: 0 }, block, emitter);
    const padded = { top, bottom, before: left, after: right };
    const picture = weighRows(pictures, channels, weights, padded, block, emitter);
    const kernelRows = emitter.reshape(gradient, [outputs, summed, apart[1], spatial[1]!]);
    const sum = emitter.emit('Conv', [asPictures(picture), kernelRows], window, BLOCKED);
    return emitter.reshape(sum, [1, channels * outputs * columns]);
  });
  const transposed = Array.from({ length: 3 }, (_, row) => KERNEL_TRANSFORM.map((weights) => weights[row]!));
  const taps = emitter.emit('MatMul', [emitter.matrix(transposed), emitter.emit('Concat', sums, { axis: 0 })]);
  // [3, O/k, C/k, kw, k (in), k (out)] → outputs first, the last step by the layout's own kernel
  const outputsFirst = emitter.moveRows(taps, [3, blocksOut, blocksIn, columns, block, block], [1, 2, 4, 0, 3, 5]);
  const interleaved = emitter.reshape(outputsFirst, [blocksOut, block, channels, 3 * columns]);
  return emitter.reshape(fromBlocks(interleaved, block, emitter), [outputs, channels, 3, columns]);
}
