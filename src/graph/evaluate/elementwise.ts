/** @file Host kernels, elementwise ops in float64 with broadcasting. */
import { broadcastShapes, type Dtype, type Shape, sizeOf, stridesOf } from '../../tensor/index.ts';
import type { BinaryOp, UnaryOp } from '../node.ts';
import type { HostValue } from './host-value.ts';

/** Error function to double precision: a series near 0, a continued fraction beyond. */
export function erf(x: number): number {
  const a = Math.abs(x);
  if (a > 6) return Math.sign(x);
  if (a < 2.5) {
    let term = a;
    let total = a;
    for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(total); n++) {
      term *= (-a * a) / n;
      total += term / (2 * n + 1);
    }
    return (Math.sign(x) * 2 * total) / Math.sqrt(Math.PI);
  }
  let fraction = 0;
  for (let k = 60; k >= 1; k--) fraction = k / 2 / (a + fraction);
  return Math.sign(x) * (1 - Math.exp(-a * a) / Math.sqrt(Math.PI) / (a + fraction));
}

function roundHalfToEven(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  if (rest !== 0.5) return Math.round(x);
  return floor % 2 === 0 ? floor : floor + 1;
}

export const unaryFunctions: Readonly<Record<UnaryOp, (x: number) => number>> = {
  neg: (x) => -x,
  abs: Math.abs,
  sign: Math.sign,
  exp: Math.exp,
  log: Math.log,
  sqrt: Math.sqrt,
  reciprocal: (x) => 1 / x,
  sin: Math.sin,
  cos: Math.cos,
  tanh: Math.tanh,
  sigmoid: (x) => (x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x))),
  erf,
  relu: (x) => Math.max(x, 0),
  floor: Math.floor,
  ceil: Math.ceil,
  round: roundHalfToEven,
  not: (x) => (x ? 0 : 1),
};

const INTEGERS = new Set<Dtype>(['int32', 'int64', 'uint8', 'bool']);

const binaryFunctions: Readonly<Record<BinaryOp, (a: number, b: number) => number>> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
  pow: (a, b) => a ** b,
  mod: (a, b) => a - b * Math.floor(a / b),
  maximum: Math.max,
  minimum: Math.min,
  and: (a, b) => (a && b ? 1 : 0),
  or: (a, b) => (a || b ? 1 : 0),
  equal: (a, b) => (a === b ? 1 : 0),
  less: (a, b) => (a < b ? 1 : 0),
  lessEqual: (a, b) => (a <= b ? 1 : 0),
  greater: (a, b) => (a > b ? 1 : 0),
  greaterEqual: (a, b) => (a >= b ? 1 : 0),
};

/** The scalar function of a binary op; integer division truncates, as ONNX and C do. */
export function binaryFunction(op: BinaryOp, dtype: Dtype): (a: number, b: number) => number {
  if (op === 'div' && INTEGERS.has(dtype)) return (a, b) => Math.trunc(a / b);
  return binaryFunctions[op];
}

/** For each element of `target`, the offset of the element of `source` that broadcasts to it. */
export function broadcastOffsets(source: readonly number[], target: readonly number[]): Int32Array {
  const offsets = new Int32Array(sizeOf(target));
  const sourceStrides = stridesOf(source);
  const lead = target.length - source.length;
  const steps = target.map((_, axis) => (axis < lead || source[axis - lead] === 1 ? 0 : sourceStrides[axis - lead]!));
  const index = new Array<number>(target.length).fill(0);
  let offset = 0;
  for (let at = 0; at < offsets.length; at++) {
    offsets[at] = offset;
    for (let axis = target.length - 1; axis >= 0; axis--) {
      offset += steps[axis]!;
      if (++index[axis]! < target[axis]!) break;
      offset -= steps[axis]! * target[axis]!;
      index[axis] = 0;
    }
  }
  return offsets;
}

/** Applies `f` over two broadcast operands. */
export function mapBinary(a: HostValue, b: HostValue, dtype: Dtype, f: (a: number, b: number) => number): HostValue {
  const shape = broadcastShapes(a.shape, b.shape);
  const data = new Float64Array(sizeOf(shape));
  const left = broadcastOffsets(a.shape, shape);
  const right = broadcastOffsets(b.shape, shape);
  for (let i = 0; i < data.length; i++) data[i] = f(a.data[left[i]!]!, b.data[right[i]!]!);
  return { shape, dtype, data };
}

/** `condition ? a : b` over three operands broadcast to `shape`. */
export function selectWhere(condition: HostValue, a: HostValue, b: HostValue, shape: Shape): HostValue {
  const data = new Float64Array(sizeOf(shape));
  const [test, left, right] = [condition, a, b].map((value) => broadcastOffsets(value.shape, shape)) as [
    Int32Array,
    Int32Array,
    Int32Array,
  ];
  for (let i = 0; i < data.length; i++) data[i] = condition.data[test[i]!] ? a.data[left[i]!]! : b.data[right[i]!]!;
  return { shape, dtype: a.dtype, data };
}
