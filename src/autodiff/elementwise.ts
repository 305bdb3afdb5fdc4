/** @file Derivatives of elementwise ops. */

import type { NodeOf, UnaryOp } from '../graph/index.ts';
import { createNode, detach, scalar, type Tensor, where } from '../graph/index.ts';
import { isFloat } from '../tensor/index.ts';
import { unbroadcast, type VjpRule, type VjpRules } from './rule.ts';

/** A rule from the derivative `f(x, y)` of y = op(x). */
function pointwise<K extends UnaryOp | 'gelu' | 'softplus'>(
  derivative: (x: Tensor, y: Tensor, node: NodeOf<K>) => Tensor,
): VjpRule<K> {
  return (node, [dy]) => [dy!.mul(derivative(node.inputs[0]!, node.outputs[0]!, node))];
}

const zero: VjpRule<'floor' | 'ceil' | 'round' | 'sign'> = () => [undefined];

/** The larger (or smaller) operand receives the cotangent; ties share it. */
const extremum: VjpRule<'maximum' | 'minimum'> = ({ inputs: [a, b], outputs: [y] }, [dy]) => {
  const one = scalar(1, a!.dtype);
  const hitA = a!.equal(y!).cast(a!.dtype);
  const hitB = b!.equal(y!).cast(a!.dtype);
  const share = dy!.div(hitA.add(hitB).maximum(one));
  return [unbroadcast(share.mul(hitA), a!.shape), unbroadcast(share.mul(hitB), b!.shape)];
};

export const elementwiseRules: VjpRules = {
  neg: (_, [dy]) => [dy!.neg()],
  abs: pointwise((x) => x.sign()),
  exp: pointwise((_, y) => y),
  log: ({ inputs: [x] }, [dy]) => [dy!.div(x!)],
  sqrt: ({ outputs: [y] }, [dy]) => [dy!.mul(0.5).div(y!)],
  reciprocal: pointwise((_, y) => y.mul(y).neg()),
  sin: pointwise((x) => x.cos()),
  cos: pointwise((x) => x.sin().neg()),
  tanh: pointwise((_, y) => scalar(1, y.dtype).sub(y.mul(y))),
  sigmoid: pointwise((_, y) => y.mul(scalar(1, y.dtype).sub(y))),
  erf: pointwise((x) =>
    x
      .mul(x)
      .neg()
      .exp()
      .mul(2 / Math.sqrt(Math.PI)),
  ),
  relu: ({ inputs: [x] }, [dy]) => [where(x!.greater(0), dy!, 0)],
  floor: zero,
  ceil: zero,
  round: zero,
  sign: zero,

  add: ({ inputs: [a, b] }, [dy]) => [unbroadcast(dy!, a!.shape), unbroadcast(dy!, b!.shape)],
  sub: ({ inputs: [a, b] }, [dy], needs) => [
    unbroadcast(dy!, a!.shape),
    needs[1] ? unbroadcast(dy!, b!.shape).neg() : undefined,
  ],
  mul: ({ inputs: [a, b] }, [dy], needs) => [
    needs[0] ? unbroadcast(dy!.mul(b!), a!.shape) : undefined,
    needs[1] ? unbroadcast(dy!.mul(a!), b!.shape) : undefined,
  ],
  div: ({ inputs: [a, b], outputs: [y] }, [dy], needs) => {
    const scaled = dy!.div(b!);
    return [unbroadcast(scaled, a!.shape), needs[1] ? unbroadcast(scaled.mul(y!).neg(), b!.shape) : undefined];
  },
  pow: ({ inputs: [a, b], outputs: [y] }, [dy], needs) => [
    needs[0] ? unbroadcast(dy!.mul(b!).mul(a!.pow(b!.sub(1))), a!.shape) : undefined,
    // d/db a^b = a^b log a, and 0 where a = 0
    needs[1]
      ? unbroadcast(dy!.mul(where(a!.greater(0), y!.mul(where(a!.greater(0), a!, 1).log()), 0)), b!.shape)
      : undefined,
  ],
  mod: ({ inputs: [a, b] }, [dy], needs) => [
    unbroadcast(dy!, a!.shape),
    needs[1] ? unbroadcast(dy!.mul(detach(a!.div(b!).floor())).neg(), b!.shape) : undefined,
  ],
  maximum: extremum,
  minimum: extremum,
  where: ({ inputs: [condition, a, b] }, [dy]) => [
    undefined,
    unbroadcast(where(condition!, dy!, 0), a!.shape),
    unbroadcast(where(condition!, 0, dy!), b!.shape),
  ],
  cast: ({ inputs: [x] }, [dy]) => [isFloat(x!.dtype) ? dy!.cast(x!.dtype) : undefined],
  detach: () => [undefined],

  silu: ({ inputs: [x], outputs: [y] }, [dy]) => [createNode('siluGrad', [x!, y!, dy!], {})],
  // Φ(x) + x φ(x) for the exact form; the tanh form differentiates its decomposition
  softplus: pointwise((x) => x.sigmoid()),
};

/** The derivative of exact GELU, `Φ(x) + x φ(x)`. */
export const geluRule: VjpRule<'gelu'> = ({ inputs: [x] }, [dy]) => {
  const cdf = x!.mul(Math.SQRT1_2).erf().add(1).mul(0.5);
  const density = x!
    .mul(x!)
    .mul(-0.5)
    .exp()
    .mul(1 / Math.sqrt(2 * Math.PI));
  return [dy!.mul(cdf.add(x!.mul(density)))];
};
