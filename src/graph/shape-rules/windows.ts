/** @file Shape rules of convolution, pooling and resizing: [B, C, ...spatial]. */
import { DtypeError, formatShape, ShapeError, sameShape } from '../../tensor/index.ts';
import type { ConvAttrs, PoolAttrs } from '../node.ts';
import { formatType, one, requireFloat, requireRank, type ShapeRules, type TensorType } from './rule.ts';

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

/** Batch and channels first; the other axes are spatial. */
export const windowShapes = {
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
} satisfies Partial<ShapeRules>;
