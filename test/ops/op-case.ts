/** @file What a case of an op is: example inputs, and a body that applies the op to them. */
import { input, type Tensor } from '../../src/graph/index.ts';
import {
  type Dtype,
  fillUniform,
  fromFloat64,
  isFloat,
  type NdArray,
  type Shape,
  sizeOf,
} from '../../src/tensor/index.ts';

/** An input of a case: random numbers of `range` (whole ones for integers), or the `values` given. */
export interface InputSpec {
  readonly shape: Shape;
  /** Default float32. */
  readonly dtype?: Dtype;
  /** Default [-2, 2) for floats, [-5, 6) for integers. */
  readonly range?: readonly [low: number, high: number];
  readonly values?: readonly number[];
}

export interface OpCaseOptions {
  /** Positions of the inputs the results are differentiable in, at these values. Default: every float input. */
  readonly wrt?: readonly number[];
}

/** One way to apply an op. */
export interface OpCase {
  readonly name: string;
  readonly specs: readonly InputSpec[];
  readonly body: (...inputs: Tensor[]) => Tensor | readonly Tensor[];
  readonly wrt: readonly number[];
}

/** A case over inputs given as shapes or specs. */
export function opCase(
  name: string,
  inputs: readonly (Shape | InputSpec)[],
  body: OpCase['body'],
  { wrt }: OpCaseOptions = {},
): OpCase {
  const specs = inputs.map((spec): InputSpec => ('shape' in spec ? spec : { shape: spec }));
  const floats = specs.flatMap(({ dtype = 'float32' }, i) => (isFloat(dtype) ? [i] : []));
  return { name, specs, body, wrt: wrt ?? floats };
}

/** Numbers as an input; integers and bools by `dtype`. */
export function values(numbers: readonly number[], dtype: Dtype = 'float32'): InputSpec {
  return { shape: [numbers.length], dtype, values: numbers };
}

/** Declares the inputs of a case inside a trace, `x0`, `x1`, … */
export function declareInputs({ specs }: OpCase): Tensor[] {
  return specs.map(({ shape, dtype = 'float32' }, i) => input(`x${i}`, shape, dtype));
}

/** All results of a case's body. */
export function results({ body }: OpCase, inputs: readonly Tensor[]): readonly Tensor[] {
  const result = body(...inputs);
  return Array.isArray(result) ? result : [result as Tensor];
}

/** The example inputs of a case, the same on every call. */
export function exampleInputs({ specs }: OpCase): NdArray[] {
  return specs.map((spec, i) => {
    const { shape, dtype = 'float32', values: given } = spec;
    return { dtype, shape, data: fromFloat64(given ?? randomValues(spec, i), dtype) };
  });
}

function randomValues({ shape, dtype = 'float32', range }: InputSpec, draw: number): number[] {
  const uniform = fillUniform(new Float32Array(sizeOf(shape)), { seed: 2024, draw });
  if (dtype === 'bool') return Array.from(uniform, (u) => (u < 0.5 ? 0 : 1));
  const [low, high] = range ?? (isFloat(dtype) ? [-2, 2] : [-5, 6]);
  return Array.from(uniform, (u) => {
    const value = low + u * (high - low);
    return isFloat(dtype) ? value : Math.floor(value);
  });
}
