/** @file The first and second derivatives of every op against central differences in float64. */
import { describe, expect, test } from 'vitest';
import { gradients } from '../../src/autodiff/index.ts';
import { type Tensor, toHostValue, trace } from '../../src/graph/index.ts';
import { allCases, opCases } from './cases/index.ts';
import { centralDifferences, evaluateFloat64, project, relativeError } from './float64.ts';
import { declareInputs, exampleInputs, type OpCase, results } from './op-case.ts';

interface Derivatives {
  readonly loss: Tensor;
  readonly first: readonly Tensor[];
  /** A projection of the first derivatives, and its own derivatives. */
  readonly slope: Tensor;
  readonly second: readonly Tensor[];
}

/** Traces a case with its derivatives; undefined when it has no float result. */
function differentiate(item: OpCase): Derivatives | undefined {
  let derivatives: Derivatives | undefined;
  trace(() => {
    const inputs = declareInputs(item);
    const wrt = item.wrt.map((i) => inputs[i]!);
    const loss = project(results(item, inputs), 0);
    if (!loss) return undefined;
    const first = gradients(loss, wrt);
    const slope = project(first, 100)!;
    derivatives = { loss, first, slope, second: gradients(slope, wrt) };
    return undefined;
  });
  return derivatives;
}

/** Largest error of `tensors` against central differences of `f`, relative to the largest derivative (or to 1). */
function worstError(f: Tensor, tensors: readonly Tensor[], item: OpCase): number {
  const inputs = exampleInputs(item);
  const exact = evaluateFloat64(tensors, inputs.map(toHostValue));
  const numeric = item.wrt.map((which) => centralDifferences(f, inputs, which));
  const scale = Math.max(1, ...numeric.flatMap((values) => Array.from(values, Math.abs)));
  return Math.max(...numeric.map((values, i) => relativeError([scale, ...exact[i]!.data], [scale, ...values])));
}

const differentiable = allCases.filter(([, item]) => item.wrt.length > 0 && differentiate(item) !== undefined);

describe.each(Object.keys(opCases).filter((op) => differentiable.some(([name]) => name === op)))('%s', (op) => {
  test.each(differentiable.filter(([name]) => name === op).map(([, item]) => item))('$name', (item) => {
    const { loss, first, slope, second } = differentiate(item)!;
    expect(first.map(({ shape }) => shape)).toEqual(item.wrt.map((i) => item.specs[i]!.shape));
    expect(worstError(loss, first, item), 'first derivative').toBeLessThan(1e-7);
    expect(worstError(slope, second, item), 'second derivative').toBeLessThan(1e-7);
  });
});
