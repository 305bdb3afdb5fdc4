/** @file Host kernels: reductions and other ops along an axis, in float64. */
import { reducedShape, type Shape, sizeOf, stridesOf } from '../../tensor/index.ts';
import type { NodeOf, ReduceOp } from '../node.ts';
import { broadcastOffsets } from './elementwise.ts';
import type { HostValue } from './host-value.ts';

const START: Readonly<Record<ReduceOp, number>> = {
  sum: 0,
  mean: 0,
  prod: 1,
  max: Number.NEGATIVE_INFINITY,
  min: Number.POSITIVE_INFINITY,
};

const STEP: Readonly<Record<ReduceOp, (total: number, x: number) => number>> = {
  sum: (total, x) => total + x,
  mean: (total, x) => total + x,
  prod: (total, x) => total * x,
  max: (total, x) => (x > total || Number.isNaN(x) ? x : total),
  min: (total, x) => (x < total || Number.isNaN(x) ? x : total),
};

export function evaluateReduce(node: NodeOf<ReduceOp>, x: HostValue): HostValue {
  const { axes, keepDims } = node.attrs;
  const kept = reducedShape(x.shape, axes, true);
  const data = new Float64Array(sizeOf(kept)).fill(START[node.op]);
  const target = broadcastOffsets(kept, x.shape);
  const step = STEP[node.op];
  for (let i = 0; i < x.data.length; i++) data[target[i]!] = step(data[target[i]!]!, x.data[i]!);
  if (node.op === 'mean') for (let i = 0; i < data.length; i++) data[i]! /= x.data.length / data.length;
  return { shape: reducedShape(x.shape, axes, keepDims), dtype: x.dtype, data };
}

/** Calls `visit` with the offset of the first element and the stride of every line along `axis`. */
function forEachLine(shape: Shape, axis: number, visit: (start: number, stride: number, line: number) => void): void {
  const stride = stridesOf(shape)[axis]!;
  const extent = shape[axis]!;
  const lines = sizeOf(shape) / extent;
  for (let line = 0; line < lines; line++) {
    visit(Math.floor(line / stride) * stride * extent + (line % stride), stride, line);
  }
}

export function evaluateArg(node: NodeOf<'argMax' | 'argMin'>, x: HostValue): HostValue {
  const { axis, keepDims } = node.attrs;
  const extent = x.shape[axis]!;
  const sign = node.op === 'argMax' ? 1 : -1;
  const data = new Float64Array(x.data.length / extent);
  forEachLine(x.shape, axis, (start, stride, line) => {
    let best = 0;
    for (let i = 1; i < extent; i++) {
      if (sign * x.data[start + i * stride]! > sign * x.data[start + best * stride]!) best = i;
    }
    data[line] = best;
  });
  return { shape: reducedShape(x.shape, [axis], keepDims), dtype: 'int64', data };
}

export function evaluateCumSum({ attrs }: NodeOf<'cumSum'>, x: HostValue): HostValue {
  const data = new Float64Array(x.data.length);
  const extent = x.shape[attrs.axis]!;
  forEachLine(x.shape, attrs.axis, (start, stride) => {
    let total = 0;
    for (let i = 0; i < extent; i++) {
      const at = start + (attrs.reverse ? extent - 1 - i : i) * stride;
      data[at] = attrs.exclusive ? total : total + x.data[at]!;
      total += x.data[at]!;
    }
  });
  return { ...x, data };
}

export function evaluateTopK({ attrs: { k, axis, largest }, outputs }: NodeOf<'topK'>, x: HostValue): HostValue[] {
  const extent = x.shape[axis]!;
  const shape = outputs[0]!.shape;
  const values = new Float64Array(sizeOf(shape));
  const indices = new Float64Array(sizeOf(shape));
  const sign = largest ? -1 : 1;
  forEachLine(x.shape, axis, (start, stride, line) => {
    const order = Array.from({ length: extent }, (_, i) => i);
    order.sort((a, b) => sign * (x.data[start + a * stride]! - x.data[start + b * stride]!) || a - b);
    const to = Math.floor(line / stride) * stride * k + (line % stride);
    for (let i = 0; i < k; i++) {
      values[to + i * stride] = x.data[start + order[i]! * stride]!;
      indices[to + i * stride] = order[i]!;
    }
  });
  return [
    { shape, dtype: x.dtype, data: values },
    { shape, dtype: 'int64', data: indices },
  ];
}
