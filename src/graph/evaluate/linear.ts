/** @file Host kernels: matrix products, convolutions and pooling, written as the sums that define them. */
import { broadcastShapes, type Shape, sizeOf, stridesOf } from '../../tensor/index.ts';
import type { ConvAttrs, NodeOf, PoolAttrs } from '../node.ts';
import { broadcastOffsets } from './elementwise.ts';
import type { HostValue } from './host-value.ts';

export function evaluateMatmul(
  { attrs: { transposeA, transposeB }, outputs }: NodeOf<'matmul'>,
  a: HostValue,
  b: HostValue,
): HostValue {
  const { shape } = outputs[0]!;
  const [m, n] = shape.slice(-2) as [number, number];
  const k = a.shape.at(transposeA ? -2 : -1)!;
  const batch = broadcastShapes(a.shape.slice(0, -2), b.shape.slice(0, -2));
  const left = broadcastOffsets(a.shape.slice(0, -2), batch);
  const right = broadcastOffsets(b.shape.slice(0, -2), batch);
  const data = new Float64Array(sizeOf(shape));
  const [dataA, dataB] = [a.data, b.data];
  const [rowA, colA] = transposeA ? [1, m] : [k, 1];
  const [rowB, colB] = transposeB ? [1, k] : [n, 1];
  for (let item = 0; item < left.length; item++) {
    const startA = left[item]! * m * k;
    const startB = right[item]! * k * n;
    // rows of b innermost: they lie together, mostly
    for (let i = 0; i < m; i++) {
      const start = (item * m + i) * n;
      for (let p = 0; p < k; p++) {
        const factor = dataA[startA + i * rowA + p * colA]!;
        const from = startB + p * rowB;
        for (let j = 0; j < n; j++) data[start + j]! += factor * dataB[from + j * colB]!;
      }
    }
  }
  return { shape, dtype: a.dtype, data };
}

/**
 * Visits every product of a convolution: the offset of a pixel of x: [B, C, ...], of a weight of w: [O, C / groups, ...kernel]
 * and of the pixel of y: [B, O, ...] it contributes to. All convolution kernels are this one loop read in three directions.
 */
function forEachProduct(
  xShape: Shape,
  wShape: Shape,
  yShape: Shape,
  { stride, padding, dilation, groups }: ConvAttrs,
  visit: (x: number, w: number, y: number) => void,
): void {
  const taps = windowTaps(xShape.slice(2), wShape.slice(2), yShape.slice(2), { stride, padding }, dilation);
  const [xArea, wArea, yArea] = [xShape, wShape, yShape].map((shape) => sizeOf(shape.slice(2))) as [
    number,
    number,
    number,
  ];
  const [outputs, perGroup] = wShape as [number, number];
  for (let b = 0; b < yShape[0]!; b++) {
    for (let o = 0; o < outputs; o++) {
      const group = Math.floor(o / (outputs / groups));
      for (let c = 0; c < perGroup; c++) {
        const xAt = (b * xShape[1]! + group * perGroup + c) * xArea;
        const wAt = (o * perGroup + c) * wArea;
        const yAt = (b * outputs + o) * yArea;
        for (let i = 0; i < taps.length; i += 3) visit(xAt + taps[i]!, wAt + taps[i + 1]!, yAt + taps[i + 2]!);
      }
    }
  }
}

/** All (pixel, kernel position, output pixel) triples of a window, as flat spatial offsets; padding is left out. */
function windowTaps(
  input: Shape,
  kernel: Shape,
  output: Shape,
  { stride, padding }: Omit<PoolAttrs, 'kernel'>,
  dilation: readonly number[],
): Int32Array {
  const taps: number[] = [];
  const [inputStrides, kernelStrides, outputStrides] = [stridesOf(input), stridesOf(kernel), stridesOf(output)];
  const visit = (axis: number, x: number, w: number, y: number): void => {
    if (axis === input.length) {
      taps.push(x, w, y);
      return;
    }
    for (let o = 0; o < output[axis]!; o++) {
      for (let k = 0; k < kernel[axis]!; k++) {
        const position = o * stride[axis]! + k * dilation[axis]! - padding[axis]![0];
        if (position < 0 || position >= input[axis]!) continue;
        visit(axis + 1, x + position * inputStrides[axis]!, w + k * kernelStrides[axis]!, y + o * outputStrides[axis]!);
      }
    }
  };
  visit(0, 0, 0, 0);
  return Int32Array.from(taps);
}

export function evaluateConv(
  { attrs, outputs }: NodeOf<'conv'>,
  x: HostValue,
  w: HostValue,
  bias?: HostValue,
): HostValue {
  const { shape } = outputs[0]!;
  const data = new Float64Array(sizeOf(shape));
  if (bias) {
    const area = sizeOf(shape.slice(2));
    for (let i = 0; i < data.length; i++) data[i] = bias.data[Math.floor(i / area) % shape[1]!]!;
  }
  forEachProduct(x.shape, w.shape, shape, attrs, (i, k, o) => {
    data[o]! += x.data[i]! * w.data[k]!;
  });
  return { shape, dtype: x.dtype, data };
}

/** The adjoint of conv in x: its kernel is that of the forward convolution from the result to the input. */
export function evaluateConvTranspose(
  { attrs, outputs }: NodeOf<'convTranspose'>,
  x: HostValue,
  w: HostValue,
): HostValue {
  const { shape } = outputs[0]!;
  const data = new Float64Array(sizeOf(shape));
  forEachProduct(shape, w.shape, x.shape, attrs, (i, k, o) => {
    data[i]! += x.data[o]! * w.data[k]!;
  });
  return { shape, dtype: x.dtype, data };
}

/** The adjoint of conv in its kernel. */
export function evaluateConvWeightGrad(
  { attrs, outputs }: NodeOf<'convWeightGrad'>,
  x: HostValue,
  dy: HostValue,
): HostValue {
  const { shape } = outputs[0]!;
  const data = new Float64Array(sizeOf(shape));
  forEachProduct(x.shape, shape, dy.shape, attrs, (i, k, o) => {
    data[k]! += x.data[i]! * dy.data[o]!;
  });
  return { shape, dtype: x.dtype, data };
}

export function evaluateMaxPool({ attrs, outputs }: NodeOf<'maxPool'>, x: HostValue): HostValue {
  const { shape } = outputs[0]!;
  const data = new Float64Array(sizeOf(shape)).fill(Number.NEGATIVE_INFINITY);
  const ones = attrs.kernel.map(() => 1);
  const taps = windowTaps(x.shape.slice(2), attrs.kernel, shape.slice(2), attrs, ones);
  const [xArea, yArea] = [sizeOf(x.shape.slice(2)), sizeOf(shape.slice(2))];
  for (let plane = 0; plane < data.length / yArea; plane++) {
    for (let i = 0; i < taps.length; i += 3) {
      const to = plane * yArea + taps[i + 2]!;
      data[to] = Math.max(data[to]!, x.data[plane * xArea + taps[i]!]!);
    }
  }
  return { shape, dtype: x.dtype, data };
}
