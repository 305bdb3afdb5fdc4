/** @file Host kernels: movement of elements, gathers and scatters. */
import { EngineError, type Shape, sizeOf, stridesOf } from '../../tensor/index.ts';
import type { NodeOf } from '../node.ts';
import { broadcastOffsets } from './elementwise.ts';
import type { HostValue } from './host-value.ts';

/** Fills a result of `shape` by reading `x` at the offset `from(index)` gives (-1 reads `fill`). */
function generate(x: HostValue, shape: Shape, from: (index: readonly number[]) => number, fill = 0): HostValue {
  const data = new Float64Array(sizeOf(shape));
  const index = new Array<number>(shape.length).fill(0);
  for (let at = 0; at < data.length; at++) {
    const offset = from(index);
    data[at] = offset < 0 ? fill : x.data[offset]!;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      if (++index[axis]! < shape[axis]!) break;
      index[axis] = 0;
    }
  }
  return { shape, dtype: x.dtype, data };
}

/** Sum over axes of `position(axis) * stride(axis)`. */
function offsetOf(strides: readonly number[], position: (axis: number) => number): number {
  let offset = 0;
  for (let axis = 0; axis < strides.length; axis++) offset += position(axis) * strides[axis]!;
  return offset;
}

export function evaluateTranspose({ attrs: { perm }, outputs }: NodeOf<'transpose'>, x: HostValue): HostValue {
  const strides = stridesOf(x.shape);
  const permuted = perm.map((axis) => strides[axis]!);
  return generate(x, outputs[0]!.shape, (index) => offsetOf(permuted, (axis) => index[axis]!));
}

export function evaluateExpand({ attrs: { shape } }: NodeOf<'expand'>, x: HostValue): HostValue {
  return { shape, dtype: x.dtype, data: Float64Array.from(broadcastOffsets(x.shape, shape), (at) => x.data[at]!) };
}

export function evaluateSlice({ attrs: { starts, steps }, outputs }: NodeOf<'slice'>, x: HostValue): HostValue {
  const strides = stridesOf(x.shape);
  return generate(x, outputs[0]!.shape, (index) =>
    offsetOf(strides, (axis) => starts[axis]! + index[axis]! * steps[axis]!),
  );
}

export function evaluateFlip({ attrs: { axes } }: NodeOf<'flip'>, x: HostValue): HostValue {
  const strides = stridesOf(x.shape);
  return generate(x, x.shape, (index) =>
    offsetOf(strides, (axis) => (axes.includes(axis) ? x.shape[axis]! - 1 - index[axis]! : index[axis]!)),
  );
}

/** Negative padding crops. */
export function evaluatePad({ attrs: { padding, value }, outputs }: NodeOf<'pad'>, x: HostValue): HostValue {
  const strides = stridesOf(x.shape);
  return generate(
    x,
    outputs[0]!.shape,
    (index) => {
      let offset = 0;
      for (let axis = 0; axis < strides.length; axis++) {
        const position = index[axis]! - padding[axis]![0];
        if (position < 0 || position >= x.shape[axis]!) return -1;
        offset += position * strides[axis]!;
      }
      return offset;
    },
    value,
  );
}

export function evaluateConcat(
  { attrs: { axis }, outputs }: NodeOf<'concat'>,
  inputs: readonly HostValue[],
): HostValue {
  const { shape, dtype } = outputs[0]!;
  const data = new Float64Array(sizeOf(shape));
  const outer = sizeOf(shape.slice(0, axis));
  let at = 0;
  for (let i = 0; i < outer; i++) {
    for (const input of inputs) {
      const length = input.data.length / outer;
      data.set(input.data.subarray(i * length, (i + 1) * length), at);
      at += length;
    }
  }
  return { shape, dtype, data };
}

function checkedIndex(value: number, extent: number): number {
  const index = value < 0 ? value + extent : value;
  if (!(index >= 0 && index < extent)) throw new EngineError(`index ${value} is outside 0 … ${extent - 1}`);
  return index;
}

export function evaluateGather(
  { attrs: { axis }, outputs }: NodeOf<'gather'>,
  x: HostValue,
  indices: HostValue,
): HostValue {
  const { shape } = outputs[0]!;
  const data = new Float64Array(sizeOf(shape));
  const outer = sizeOf(x.shape.slice(0, axis));
  const inner = sizeOf(x.shape.slice(axis + 1));
  const extent = x.shape[axis]!;
  let at = 0;
  for (let i = 0; i < outer; i++) {
    for (const index of indices.data) {
      const from = (i * extent + checkedIndex(index, extent)) * inner;
      data.set(x.data.subarray(from, from + inner), at);
      at += inner;
    }
  }
  return { shape, dtype: x.dtype, data };
}

export function evaluateScatterAdd(
  { attrs: { size }, outputs }: NodeOf<'scatterAdd'>,
  indices: HostValue,
  updates: HostValue,
): HostValue {
  const { shape } = outputs[0]!;
  const data = new Float64Array(sizeOf(shape));
  const inner = sizeOf(shape.slice(1));
  indices.data.forEach((index, i) => {
    const to = checkedIndex(index, size) * inner;
    for (let j = 0; j < inner; j++) data[to + j]! += updates.data[i * inner + j]!;
  });
  return { shape, dtype: updates.dtype, data };
}

export function evaluateOneHot({ attrs: { depth, dtype }, outputs }: NodeOf<'oneHot'>, indices: HostValue): HostValue {
  const data = new Float64Array(sizeOf(outputs[0]!.shape));
  indices.data.forEach((index, i) => {
    if (index >= 0 && index < depth) data[i * depth + index] = 1;
  });
  return { shape: outputs[0]!.shape, dtype, data };
}
