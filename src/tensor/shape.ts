/** @file Shapes: sizes, strides, axes and NumPy broadcasting. */
import { ShapeError } from './errors.ts';

/** Extents, outermost first; `[]` is a scalar. */
export type Shape = readonly number[];

/** Number of elements of `shape`. */
export function sizeOf(shape: Shape): number {
  let size = 1;
  for (const extent of shape) size *= extent;
  return size;
}

/** Row-major (C order) strides, in elements. */
export function stridesOf(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= shape[axis]!;
  }
  return strides;
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((extent, axis) => extent === b[axis]);
}

/** `[2, 3]`, as shapes are written in every message. */
export function formatShape(shape: Shape): string {
  return `[${shape.join(', ')}]`;
}

/** Maps a possibly negative `axis` into `0 … rank-1`. */
export function normalizeAxis(axis: number, rank: number): number {
  const normalized = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(axis) || normalized < 0 || normalized >= rank) {
    throw new ShapeError(
      `axis ${axis} does not exist in a tensor of rank ${rank}`,
      rank === 0 ? 'a scalar has no axes' : `use ${-rank} … ${rank - 1}`,
    );
  }
  return normalized;
}

/** Sorted, unique, non-negative axes; all of them when `axes` is undefined. */
export function normalizeAxes(axes: number | readonly number[] | undefined, rank: number): number[] {
  if (axes === undefined) return Array.from({ length: rank }, (_, axis) => axis);
  const list = typeof axes === 'number' ? [axes] : axes;
  return [...new Set(list.map((axis) => normalizeAxis(axis, rank)))].sort((a, b) => a - b);
}

/** The shape two operands broadcast to: aligned at the last axis, extents equal or 1. */
export function broadcastShapes(a: Shape, b: Shape): Shape {
  const rank = Math.max(a.length, b.length);
  const result = new Array<number>(rank);
  for (let i = 1; i <= rank; i++) {
    const x = a[a.length - i] ?? 1;
    const y = b[b.length - i] ?? 1;
    if (x !== y && x !== 1 && y !== 1) {
      throw new ShapeError(
        `shapes ${formatShape(a)} and ${formatShape(b)} do not broadcast: ${x} against ${y} at axis -${i}`,
        'shapes are aligned at the last axis; insert axes of size 1 with reshape or unsqueeze',
      );
    }
    result[rank - i] = x === 1 ? y : x;
  }
  return result;
}

/** Axes of `target` along which `source` is repeated when it broadcasts to `target` (source padded with 1s in front). */
export function broadcastAxes(source: Shape, target: Shape): number[] {
  const offset = target.length - source.length;
  const axes: number[] = [];
  for (let axis = 0; axis < target.length; axis++) {
    if (axis < offset || (source[axis - offset] === 1 && target[axis] !== 1)) axes.push(axis);
  }
  return axes;
}

/** The shape after reducing `axes`. */
export function reducedShape(shape: Shape, axes: readonly number[], keepDims: boolean): Shape {
  if (keepDims) return shape.map((extent, axis) => (axes.includes(axis) ? 1 : extent));
  return shape.filter((_, axis) => !axes.includes(axis));
}
