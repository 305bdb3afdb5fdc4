/**
 * @file Convolutions in ONNX Runtime's blocked layout, [B, C/k, H, W, k] with k the processor's vector width. The runtime
 * uses it by itself only for constant kernels; written out, kernels that are being trained have it too: 1.1 to 5 times as fast.
 */
import type { ConvAttrs, NodeOf } from '../graph/index.ts';
import { type NdArray, sizeOf } from '../tensor/index.ts';
import type { Blocks, Emitter, ValueName } from './emitter.ts';
import type { OnnxNode } from './model.ts';
import { windowAttributes } from './window-attributes.ts';

export const BLOCKED = { domain: 'com.microsoft.nchwc' } as const;

/** Pictures to blocks. x: [N, C, ...], C a multiple of the block. */
export function toBlocks(x: ValueName, emitter: Emitter): ValueName {
  return emitter.blocksOf(x)?.values ?? emitter.emit('ReorderInput', [x], {}, BLOCKED);
}

/** The same for a backward pass: pictures that were laid out plainly are moved again, not kept in blocks from the forward pass on. */
export function blocksAgain(x: ValueName, emitter: Emitter): ValueName {
  const blocks = emitter.blocksOf(x)?.values;
  if (blocks !== undefined) return blocks;
  // spelled out, the default makes it another node
  return emitter.emit('ReorderInput', [x], { channels_last: 0 }, BLOCKED);
}

/** Blocks to the pictures of their first channels. */
function cropped(x: ValueName, channels: number, emitter: Emitter): ValueName {
  return emitter.emit('ReorderOutput', [x], { channels }, BLOCKED);
}

/** Blocks to pictures of as many channels. */
export function fromBlocks(
  x: ValueName,
  channels: number,
  emitter: Emitter,
  origin: Omit<Blocks, 'values'> = {},
): ValueName {
  const pictures = cropped(x, channels, emitter);
  emitter.recordBlocks(pictures, { values: x, ...origin });
  return pictures;
}

/** Whether a convolution of these channels has a blocked form: two spatial axes, one group, whole blocks. */
export function hasBlockedForm(
  block: number | undefined,
  { groups, stride }: ConvAttrs,
  channels: number,
  outputs: number,
): block is number {
  return block !== undefined && groups === 1 && stride.length === 2 && channels % block === 0 && outputs % block === 0;
}

/** Kernel [O, I, ...] as [O/k, I, taps, k (out)], by the layout's own kernel. */
export function interleaveOutputs(w: ValueName, shape: readonly number[], block: number, emitter: Emitter): ValueName {
  const [outputs, channels, ...kernel] = shape as [number, number, ...number[]];
  return toBlocks(emitter.reshape(w, [outputs / block, block, channels, sizeOf(kernel)]), emitter);
}

/** Kernel [O, I, ...] as [O, I/k, taps, k (in)]. */
export function interleaveInputs(w: ValueName, shape: readonly number[], block: number, emitter: Emitter): ValueName {
  const [outputs, channels, ...kernel] = shape as [number, number, ...number[]];
  return toBlocks(emitter.reshape(w, [outputs * (channels / block), block, 1, sizeOf(kernel)]), emitter);
}

/**
 * Kernel [O, I, kh, kw] as [O/k, I/k, kh·kw, k (in), k (out)]. Interleaving through the layout kernel and then moving
 * whole blocks is five times as fast as one general transposition.
 */
function blockedKernel(w: ValueName, shape: readonly number[], block: number, emitter: Emitter): ValueName {
  const [outputs, channels, ...kernel] = shape as [number, number, ...number[]];
  const taps = sizeOf(kernel);
  const interleaved = interleaveOutputs(w, shape, block, emitter);
  const apart = [(outputs / block) * (channels / block), block, taps, block];
  return emitter.reshape(emitter.moveRows(interleaved, apart, [0, 2, 1, 3]), shape);
}

/** The same of a constant kernel, laid out now; fewer input channels than a block are not in blocks. */
export function constantInBlocks({ shape, data: kernel }: NdArray, block: number, emitter: Emitter): ValueName {
  const [outputs, channels, ...window] = shape as [number, number, ...number[]];
  const taps = sizeOf(window);
  const source = kernel as Float32Array;
  const data = new Float32Array(source.length);
  const inner = channels < block ? 1 : block;
  const length = channels * taps;
  // one tap of one input channel for a block of outputs at a time, in the order [O/k, I/k, taps, k (in)]
  for (let first = 0; first < outputs; first += block) {
    for (let c = 0; c < channels; c++) {
      const within = c % inner;
      let to = first * length + ((c - within) * taps + within) * block;
      for (let tap = 0; tap < taps; tap++, to += inner * block) {
        const from = first * length + c * taps + tap;
        for (let o = 0; o < block; o++) data[to + o] = source[from + o * length]!;
      }
    }
  }
  return emitter.constant({ dtype: 'float32', shape, data });
}

/** The kernel of the adjoint, [I, O, kh, kw] with all taps reversed, in blocks: [I/k, O/k, taps, k (out), k (in)]. */
function blockedAdjointKernel(w: ValueName, shape: readonly number[], block: number, emitter: Emitter): ValueName {
  const [outputs, channels, ...kernel] = shape as [number, number, ...number[]];
  const taps = sizeOf(kernel);
  const interleaved = interleaveInputs(w, shape, block, emitter);
  const apart = [outputs / block, block, channels / block, taps, block];
  return emitter.reshape(emitter.moveRows(interleaved, apart, [2, 0, 3, 1, 4], [3]), [channels, outputs, ...kernel]);
}

/** `conv` in blocks. Pictures of fewer channels than a block are read as they are; fewer outputs are filled up to a block. */
export function lowerBlockedConv(
  node: NodeOf<'conv'>,
  [x, w, bias]: readonly ValueName[],
  block: number,
  emitter: Emitter,
): ValueName {
  const [outputs, channels, ...window] = node.inputs[1]!.shape as [number, number, ...number[]];
  const filled = Math.max(outputs, block);
  const fill = (values: ValueName, axes: number): ValueName =>
    filled === outputs
      ? values
      : emitter.pad(
          values,
          Array.from({ length: axes }, (_, axis) => [0, axis === 0 ? filled - outputs : 0] as const),
        );
  const shape = [filled, channels, ...window];
  const kernel = fill(w!, shape.length);
  const operands =
    channels < block
      ? ([x!, emitter.reshape(interleaveOutputs(kernel, shape, block, emitter), shape)] as const)
      : ([toBlocks(x!, emitter), blockedKernel(kernel, shape, block, emitter)] as const);
  const shift = bias === undefined ? '' : fill(bias, 1);
  const attributes = { ...windowAttributes(node.attrs), kernel_shape: window };
  return sumOfConvs([operands], shift, attributes, { outputs, filled }, emitter);
}

/**
 * The sum of convolutions of parts of the channels, each adding to the one before, cropped to `outputs` channels of the whole
 * blocks that they give. '' is no bias.
 */
function sumOfConvs(
  operands: readonly (readonly [picture: ValueName, kernel: ValueName])[],
  bias: ValueName,
  attributes: OnnxNode['attributes'],
  { outputs, filled }: { readonly outputs: number; readonly filled: number },
  emitter: Emitter,
): ValueName {
  const plus = (other: ValueName): ValueName =>
    operands.reduce(
      (sum, [picture, kernel], i) => convPlus([picture, kernel, i === 0 ? bias : '', sum], attributes, emitter),
      other,
    );
  const result = plus('');
  return filled === outputs ? fromBlocks(result, outputs, emitter, { plus }) : cropped(result, outputs, emitter);
}

/** A convolution in blocks of x, kernel, bias and a sum that it adds to; '' where there is none. */
export function convPlus(
  inputs: readonly ValueName[],
  attributes: OnnxNode['attributes'],
  emitter: Emitter,
): ValueName {
  const given = inputs.slice(0, inputs.findLastIndex((name) => name !== '') + 1);
  return emitter.emit('Conv', given, attributes, BLOCKED);
}

/** Some input channels of a kernel [O, I, ...]. */
function sliceChannels({ dtype, shape, data }: NdArray, from: number, count: number): NdArray {
  const [outputs, channels, ...window] = shape as [number, number, ...number[]];
  const taps = sizeOf(window);
  const part = new Float32Array(outputs * count * taps);
  for (let o = 0; o < outputs; o++) {
    const start = (o * channels + from) * taps;
    part.set((data as Float32Array).subarray(start, start + count * taps), o * count * taps);
  }
  return { dtype, shape: [outputs, count, ...window], data: part };
}

/** The channels of x in blocks, apart where they are so, each with what a constant kernel has for them. */
export function channelsWithKernels(
  x: ValueName,
  kernel: NdArray,
  emitter: Emitter,
): readonly { readonly picture: ValueName; readonly kernel: NdArray }[] {
  const parts = emitter.blocksOf(x)?.parts;
  if (parts === undefined) return [{ picture: toBlocks(x, emitter), kernel }];
  let from = 0;
  return parts.map(({ values, channels }) => {
    const part = { picture: values, kernel: sliceChannels(kernel, from, channels) };
    from += channels;
    return part;
  });
}

/**
 * `conv` with constants: laid out now, outputs filled up to whole blocks. Pictures of fewer channels than a block are read
 * as they are. Undefined when the channels are otherwise, or the bias is not constant.
 */
export function lowerConstantConv(
  node: NodeOf<'conv'>,
  [x, w, bias]: readonly ValueName[],
  block: number | undefined,
  emitter: Emitter,
): ValueName | undefined {
  const kernel = emitter.initializers.get(w!);
  const shift = bias === undefined ? undefined : emitter.initializers.get(bias);
  const [outputs, channels, ...window] = node.inputs[1]!.shape as [number, number, ...number[]];
  const few = block !== undefined && channels < block;
  const filled = block === undefined ? outputs : Math.ceil(outputs / block) * block;
  if (kernel === undefined || (bias !== undefined && shift === undefined)) return undefined;
  if (!hasBlockedForm(block, node.attrs, few ? block : channels, filled)) return undefined;
  const full = (data: NdArray['data'], length: number): Float32Array => {
    const whole = new Float32Array(length);
    whole.set(data as Float32Array);
    return whole;
  };
  const shape = [filled, channels, ...window];
  const taps: NdArray = {
    dtype: 'float32',
    shape,
    data: filled === outputs ? kernel.data : full(kernel.data, sizeOf(shape)),
  };
  const parts = few ? [{ picture: x!, kernel: taps }] : channelsWithKernels(x!, taps, emitter);
  const operands = parts.map((part) => [part.picture, constantInBlocks(part.kernel, block, emitter)] as const);
  const biases = shift ? emitter.constant({ dtype: 'float32', shape: [filled], data: full(shift.data, filled) }) : '';
  const attributes = { ...windowAttributes(node.attrs), kernel_shape: window };
  return sumOfConvs(operands, biases, attributes, { outputs, filled }, emitter);
}

/** An adjoint in x as a convolution of dY, with `attrs` already those of that convolution. */
export function lowerBlockedAdjoint(
  [dy, w]: readonly ValueName[],
  kernelShape: readonly number[],
  attrs: ConvAttrs,
  block: number,
  emitter: Emitter,
): ValueName {
  const inputs = [toBlocks(dy!, emitter), blockedAdjointKernel(w!, kernelShape, block, emitter)];
  const attributes = { ...windowAttributes(attrs), kernel_shape: kernelShape.slice(2) };
  return fromBlocks(emitter.emit('Conv', inputs, attributes, BLOCKED), kernelShape[1]!, emitter);
}

/** A view of pictures: pixel `[i · stride[0] + offset[0], j · stride[1] + offset[1]]` for every pixel [i, j] of `to`. */
export interface PictureView {
  readonly offset: readonly number[];
  readonly stride: readonly number[];
  /** Extents of the pictures and of the view. */
  readonly from: readonly number[];
  readonly to: readonly number[];
}

/** The depthwise convolution that a view is; undefined when it would have to crop. */
function viewWindow({ offset, stride, from, to }: PictureView) {
  const kernel = offset.map((by) => Math.abs(by) + 1);
  const before = offset.map((by) => Math.max(-by, 0));
  const after = to.map((m, axis) => {
    const reach = (m - 1) * stride[axis]! + kernel[axis]!;
    return Math.max(0, reach - from[axis]! - before[axis]!);
  });
  const fits = to.every((m, axis) => {
    const room = from[axis]! + before[axis]! + after[axis]! - kernel[axis]!;
    return Math.floor(room / stride[axis]!) + 1 === m;
  });
  return fits ? { kernel_shape: kernel, pads: [...before, ...after], strides: stride } : undefined;
}

/** Whether pictures of two axes and whole blocks of channels can be viewed through `viewInBlocks`. */
export function hasBlockedView(block: number | undefined, channels: number, view: PictureView): block is number {
  return block !== undefined && channels % block === 0 && view.to.length === 2 && viewWindow(view) !== undefined;
}

/** A depthwise convolution of pictures in blocks, `taps` (row by row) the kernel of every channel. */
export function depthwise(
  blocks: ValueName,
  channels: number,
  taps: readonly number[],
  window: {
    readonly kernel_shape: readonly number[];
    readonly pads: readonly number[];
    readonly strides: readonly number[];
    readonly dilations?: readonly number[];
  },
  block: number,
  emitter: Emitter,
): ValueName {
  const data = Float32Array.from(
    { length: channels * taps.length },
    (_, i) => taps[Math.floor(i / block) % taps.length]!,
  );
  const w = emitter.constant({ dtype: 'float32', shape: [channels, 1, ...window.kernel_shape], data });
  return emitter.emit('Conv', [blocks, w], { group: channels, ...window }, BLOCKED);
}

/**
 * `factor · blocks + sum` ('' is none), by a depthwise convolution over lines of all that there is: one pass, half the time of a
 * product and a sum. What the sum was is overwritten where nothing else reads it, and copied first otherwise.
 */
export function scaleBlocks(
  blocks: ValueName,
  factor: number,
  sum: ValueName,
  shape: readonly number[],
  block: number,
  emitter: Emitter,
): ValueName {
  const line = sizeOf(shape.slice(2));
  const lines = [1, block, sizeOf(shape) / (block * line), line];
  const w = emitter.filled(factor, [block, 1, 1, 1]);
  const inputs = [emitter.reshape(blocks, lines), w, '', sum === '' ? '' : emitter.reshape(sum, lines)];
  return emitter.reshape(convPlus(inputs, { group: block, kernel_shape: [1, 1] }, emitter), shape);
}

/**
 * A view of x [B, C, H, W], zero outside the pictures, by a depthwise convolution in blocks: twice as fast as moving rows.
 * `shared`: x is in blocks at this time anyway; otherwise sharing them would keep them in memory since the forward pass.
 */
export function viewInBlocks(
  x: ValueName,
  channels: number,
  view: PictureView,
  { block, shared }: { readonly block: number; readonly shared: boolean },
  emitter: Emitter,
): ValueName {
  const window = viewWindow(view)!;
  const [rows, columns] = window.kernel_shape as [number, number];
  const at = Math.max(view.offset[0]!, 0) * columns + Math.max(view.offset[1]!, 0);
  const taps = Array.from({ length: rows * columns }, (_, i) => (i === at ? 1 : 0));
  const blocks = shared ? toBlocks(x, emitter) : blocksAgain(x, emitter);
  return fromBlocks(depthwise(blocks, channels, taps, window, block, emitter), channels, emitter);
}

/**
 * The adjoint in the kernel for small pictures: a convolution in which the batch plays the channels and dY the kernel,
 * `dW[c, o, k] = Σ_b Σ_pixels X[c, b, pixel + k] · dY[o, b, pixel]`.
 */
export function lowerBlockedWeightGrad(
  { inputs, attrs }: NodeOf<'convWeightGrad'>,
  [x, dy]: readonly ValueName[],
  block: number,
  emitter: Emitter,
): ValueName {
  const [batch, channels] = inputs[0]!.shape as [number, number];
  const [, outputs, ...ySpatial] = inputs[1]!.shape as [number, number, ...number[]];
  const area = sizeOf(ySpatial);
  const pictures = toBlocks(emitter.transpose(x!, [1, 0, 2, 3]), emitter);
  // [B, O/k, P, k (out)] → [O/k, B/k, P, k (batch), k (out)]
  const gradients = toBlocks(emitter.reshape(dy!, [batch, outputs, area, 1]), emitter);
  const turned = emitter.moveRows(gradients, [batch / block, block, outputs / block, area, block], [2, 0, 3, 1, 4]);
  const kernel = emitter.reshape(turned, [outputs, batch, ...ySpatial]);
  const product = emitter.emit(
    'Conv',
    [pictures, kernel],
    { ...windowAttributes({ ...attrs, stride: attrs.dilation, dilation: attrs.stride }), kernel_shape: ySpatial },
    BLOCKED,
  );
  return emitter.reshape(emitter.transpose(fromBlocks(product, outputs, emitter), [1, 0, 2, 3]), [
    outputs,
    channels,
    ...attrs.kernel,
  ]);
}
