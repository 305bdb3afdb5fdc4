/** @file Shape rules of ops that act element by element. */
import { broadcastShapes, DtypeError, isFloat } from '../../tensor/index.ts';
import type { BinaryOp, UnaryOp } from '../node.ts';
import { formatType, one, type ShapeRules, sameAsInput, type TensorType } from './rule.ts';

const INTEGER_FRIENDLY = new Set<UnaryOp>(['neg', 'abs', 'sign', 'relu', 'not']);

const unary = (inputs: readonly TensorType[], _: unknown, op: UnaryOp): readonly TensorType[] => {
  const [x] = inputs as [TensorType];
  if (op === 'not' ? x.dtype !== 'bool' : !INTEGER_FRIENDLY.has(op) && !isFloat(x.dtype)) {
    throw new DtypeError(`${op} does not take ${formatType(x)}`, "convert it with .cast('float32') or .cast('bool')");
  }
  return one(x.shape, x.dtype);
};

const COMPARISONS = new Set<BinaryOp>(['equal', 'less', 'lessEqual', 'greater', 'greaterEqual']);

const binary = (inputs: readonly TensorType[], _: unknown, op: BinaryOp): readonly TensorType[] => {
  const [a, b] = inputs as [TensorType, TensorType];
  if (a.dtype !== b.dtype) {
    throw new DtypeError(
      `${op} needs operands of one dtype, got ${formatType(a)} and ${formatType(b)}`,
      `convert one of them with .cast('${a.dtype}')`,
    );
  }
  if ((op === 'and' || op === 'or') !== (a.dtype === 'bool') && op !== 'equal') {
    throw new DtypeError(`${op} does not take ${formatType(a)}`);
  }
  return one(broadcastShapes(a.shape, b.shape), COMPARISONS.has(op) ? 'bool' : a.dtype);
};

/** The inputs broadcast to the shape of the result. */
export const elementwiseShapes = {
  neg: unary,
  abs: unary,
  sign: unary,
  exp: unary,
  log: unary,
  sqrt: unary,
  reciprocal: unary,
  sin: unary,
  cos: unary,
  tanh: unary,
  sigmoid: unary,
  erf: unary,
  relu: unary,
  floor: unary,
  ceil: unary,
  round: unary,
  not: unary,
  add: binary,
  sub: binary,
  mul: binary,
  div: binary,
  pow: binary,
  mod: binary,
  maximum: binary,
  minimum: binary,
  and: binary,
  or: binary,
  equal: binary,
  less: binary,
  lessEqual: binary,
  greater: binary,
  greaterEqual: binary,
  where: ([condition, a, b]) => {
    if (condition!.dtype !== 'bool') {
      throw new DtypeError(
        `where needs a bool condition, got ${formatType(condition!)}`,
        'compare first, e.g. x.greater(0)',
      );
    }
    if (a!.dtype !== b!.dtype)
      throw new DtypeError(`where needs one dtype, got ${formatType(a!)} and ${formatType(b!)}`);
    return one(broadcastShapes(condition!.shape, broadcastShapes(a!.shape, b!.shape)), a!.dtype);
  },
  cast: ([x], { dtype }) => one(x!.shape, dtype),
  detach: ([x]) => one(x!.shape, x!.dtype),
  silu: sameAsInput,
  // inputs: x, silu(x), dy
  siluGrad: sameAsInput,
  gelu: sameAsInput,
  softplus: sameAsInput,
} satisfies Partial<ShapeRules>;
