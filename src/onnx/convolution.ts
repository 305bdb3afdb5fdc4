/** @file Lowering of convolutions and their two adjoints: the form is chosen by target and shape. */
import type { ConvAttrs, NodeOf } from '../graph/index.ts';
import { sizeOf } from '../tensor/index.ts';
import type { Emitter, ValueName } from './emitter.ts';

function windowAttributes({ stride, padding, dilation, groups }: ConvAttrs) {
  return {
    strides: stride,
    pads: [...padding.map(([before]) => before), ...padding.map(([, after]) => after)],
    dilations: dilation,
    group: groups,
  };
}

export function lowerConv(node: NodeOf<'conv'>, inputs: readonly ValueName[], emitter: Emitter): ValueName {
  const kernel = node.inputs[1]!.shape.slice(2);
  return emitter.emit('Conv', inputs, { ...windowAttributes(node.attrs), kernel_shape: kernel });
}

/** The kernel [O, I, ...] as [I, O, ...], every spatial axis reversed. */
function flippedKernel(w: ValueName, spatial: number, emitter: Emitter): ValueName {
  const axes = Array.from({ length: spatial }, (_, i) => i + 2);
  const all = (value: number): number[] => axes.map(() => value);
  const turned = emitter.transpose(w, [1, 0, ...axes]);
  return emitter.slice(turned, axes, all(-1), all(-(2 ** 31)), all(-1));
}

/**
 * The adjoint in x. At stride 1 a plain convolution with the flipped kernel, about 1.6 times as fast as
 * `ConvTranspose` on the CPU; otherwise `ConvTranspose`.
 */
export function lowerConvTranspose(
  node: NodeOf<'convTranspose'>,
  [x, w]: readonly ValueName[],
  emitter: Emitter,
): ValueName {
  const { attrs } = node;
  const kernel = node.inputs[1]!.shape.slice(2);
  const spatial = kernel.length;
  if (attrs.groups === 1 && attrs.stride.every((step) => step === 1)) {
    const isPoint = kernel.every((extent) => extent === 1);
    const flipped = isPoint
      ? emitter.transpose(w!, [1, 0, ...kernel.map((_, i) => i + 2)])
      : flippedKernel(w!, spatial, emitter);
    const padding = kernel.map((extent, axis) => {
      const reach = attrs.dilation[axis]! * (extent - 1);
      const before = reach - attrs.padding[axis]![0];
      return [before, attrs.outputSpatial[axis]! - node.inputs[0]!.shape[axis + 2]! + reach - before] as const;
    });
    if (padding.every(([before, after]) => before >= 0 && after >= 0)) {
      return emitter.emit('Conv', [x!, flipped], { ...windowAttributes({ ...attrs, padding }), kernel_shape: kernel });
    }
  }
  const outputPadding = kernel.map((extent, axis) => {
    const [before, after] = attrs.padding[axis]!;
    const least =
      (node.inputs[0]!.shape[axis + 2]! - 1) * attrs.stride[axis]! -
      before -
      after +
      attrs.dilation[axis]! * (extent - 1) +
      1;
    return attrs.outputSpatial[axis]! - least;
  });
  return emitter.emit('ConvTranspose', [x!, w!], {
    ...windowAttributes(attrs),
    kernel_shape: kernel,
    output_padding: outputPadding,
  });
}

/**
 * The adjoint in the kernel: `dW[o, c, k] = Σ_b Σ_pixels dY[b, o, pixel] · X[b, c, pixel · stride + k · dilation - padding]`,
 * one matrix product per kernel position over shifted views of x.
 */
export function lowerConvWeightGrad(
  node: NodeOf<'convWeightGrad'>,
  [x, dy]: readonly ValueName[],
  emitter: Emitter,
): ValueName {
  const { attrs } = node;
  const [batch, channels] = node.inputs[0]!.shape as [number, number];
  const outputs = node.inputs[1]!.shape[1]!;
  const ySpatial = node.inputs[1]!.shape.slice(2);
  const xSpatial = node.inputs[0]!.shape.slice(2);
  const area = sizeOf(ySpatial);
  const { groups, kernel } = attrs;
  const axes = kernel.map((_, i) => i + 2);

  const padded = kernel.map((extent, axis) => {
    const reach = (ySpatial[axis]! - 1) * attrs.stride[axis]! + attrs.dilation[axis]! * (extent - 1) + 1;
    const before = attrs.padding[axis]![0];
    return [before, reach - xSpatial[axis]! - before] as const;
  });
  const needsPad = padded.some(([before, after]) => before !== 0 || after !== 0);
  const source = needsPad ? emitter.pad(x!, [[0, 0], [0, 0], ...padded]) : x!;
  const isWhole = kernel.every((extent) => extent === 1) && attrs.stride.every((step) => step === 1);

  // dY: [B, G, O / G, P]
  const rows = emitter.reshape(dy!, [batch * groups, outputs / groups, area]);
  const products = positions(kernel).map((position) => {
    const starts = position.map((k, axis) => k * attrs.dilation[axis]!);
    const stops = starts.map((start, axis) => start + (ySpatial[axis]! - 1) * attrs.stride[axis]! + 1);
    const view = isWhole ? source : emitter.slice(source, axes, starts, stops, attrs.stride);
    const columns = emitter.reshape(view, [batch * groups, channels / groups, area]);
    // [B·G, O/G, P] · [B·G, C/G, P]ᵀ
    const product = emitter.emit('FusedMatMul', [rows, columns], { transB: 1 }, { domain: 'com.microsoft' });
    return sumOverBatch(product, batch, groups * (outputs / groups) * (channels / groups), emitter);
  });
  const stacked = products.length === 1 ? products[0]! : emitter.emit('Concat', products, { axis: 0 });
  // [K, O · C/G] → [O, C/G, ...kernel]
  const turned = products.length === 1 ? stacked : emitter.transpose(stacked, [1, 0]);
  return emitter.reshape(turned, [outputs, channels / groups, ...kernel]);
}

/** [B, N] → [1, N] as a product with a row of ones: a leading-axis reduction costs as much as the products themselves. */
function sumOverBatch(x: ValueName, batch: number, size: number, emitter: Emitter): ValueName {
  if (batch === 1) return emitter.reshape(x, [1, size]);
  const ones = emitter.constant({ dtype: 'float32', shape: [1, batch], data: new Float32Array(batch).fill(1) });
  return emitter.emit('MatMul', [ones, emitter.reshape(x, [batch, size])]);
}

function positions(kernel: readonly number[]): number[][] {
  return kernel.reduce<number[][]>(
    (all, extent) => all.flatMap((prefix) => Array.from({ length: extent }, (_, i) => [...prefix, i])),
    [[]],
  );
}
