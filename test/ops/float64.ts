/** @file Evaluates tensors in float64 on the host, and differentiates them numerically. */
import { constant, evaluateTensors, type HostValue, type Tensor, toHostValue } from '../../src/graph/index.ts';
import { fillDraw } from '../../src/runtime/draws.ts';
import { fillUniform, type NdArray, sizeOf } from '../../src/tensor/index.ts';

/** Values of `tensors`; inputs are `x0`, `x1`, …, variables have their first value, draws those of seed 0 and step 0. */
export function evaluateFloat64(tensors: readonly Tensor[], inputs: readonly HostValue[]): HostValue[] {
  return evaluateTensors(tensors, ({ node }) => {
    if (node.op === 'input') return inputs[Number(node.attrs.name.slice(1))];
    if (node.op === 'variable') return toHostValue(node.attrs.variable.initial());
    if (node.op === 'random') return toHostValue(fillDraw(node.attrs, 0, 0));
    return undefined;
  });
}

/** A fixed random direction: uniform in [0.5, 1.5), so that no term of a sum vanishes. */
function direction(shape: readonly number[], draw: number): NdArray {
  const data = fillUniform(new Float32Array(sizeOf(shape)), { seed: 7, draw }).map((u) => u + 0.5);
  return { dtype: 'float32', shape, data };
}

/** A scalar that depends on every element of the float tensors, in a fixed direction; undefined when there is none. */
export function project(tensors: readonly Tensor[], draw = 0): Tensor | undefined {
  const terms = tensors
    .filter(({ dtype }) => dtype === 'float32')
    .map((tensor, i) => tensor.mul(constant(direction(tensor.shape, draw + i))).sum());
  return terms.length === 0 ? undefined : terms.reduce((total, term) => total.add(term));
}

/** `(f(x + h) - f(x - h)) / 2h` for every element of input `which`; the error is about 1e-9. */
export function centralDifferences(f: Tensor, inputs: readonly NdArray[], which: number, h = 1e-5): Float64Array {
  const values = inputs.map(toHostValue);
  const { data } = values[which]!;
  return data.map((centre, i) => {
    const at = (x: number): number => {
      data[i] = x;
      return evaluateFloat64([f], values)[0]!.data[0]!;
    };
    const slope = (at(centre + h) - at(centre - h)) / (2 * h);
    data[i] = centre;
    return slope;
  });
}

/** Largest difference relative to the largest expected value; Infinity where one is NaN or infinite and the other is not the same. */
export function relativeError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) return Number.POSITIVE_INFINITY;
  let [difference, scale] = [0, 0];
  for (let i = 0; i < expected.length; i++) {
    const [a, e] = [actual[i]!, expected[i]!];
    if (Object.is(a, e)) continue;
    if (!Number.isFinite(a) || !Number.isFinite(e)) return Number.POSITIVE_INFINITY;
    difference = Math.max(difference, Math.abs(a - e));
  }
  if (difference === 0) return 0;
  for (const e of Array.from(expected)) if (Number.isFinite(e)) scale = Math.max(scale, Math.abs(e));
  return scale === 0 ? difference : difference / scale;
}
