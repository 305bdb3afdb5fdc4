/** @file The derivatives written by hand for composite ops are those of their decompositions. */
import { describe, expect, test } from 'vitest';
import { gradients } from '../../src/autodiff/index.ts';
import {
  decompose,
  isComposite,
  type Node,
  rewriteTensors,
  type Tensor,
  toHostValue,
  topologicalOrder,
  trace,
} from '../../src/graph/index.ts';
import { opCases } from './cases/index.ts';
import { evaluateFloat64, project, relativeError } from './float64.ts';
import { declareInputs, exampleInputs, type OpCase, results } from './op-case.ts';

/** Numbers that formulas hold, such as 1 / count, are float32 constants of the graph: one rounding each. */
const FLOAT32_CONSTANTS = 2 ** -23;

/** `tensors` written in primitives alone. */
function inPrimitives(tensors: readonly Tensor[]): readonly Tensor[] {
  const expand = (node: Node, inputs: readonly Tensor[]): readonly Tensor[] | undefined => {
    // what detach means to derivatives is lost in its decomposition
    if (!isComposite(node.op) || node.op === 'detach') return undefined;
    const given = new Set(inputs.map((tensor) => tensor.node));
    const outputs = decompose({ ...node, inputs } as Parameters<typeof decompose>[0]);
    const find = rewriteTensors(outputs, (inner, innerInputs) =>
      given.has(inner) ? inner.outputs : expand(inner, innerInputs),
    );
    return outputs.map(find);
  };
  return tensors.map(rewriteTensors(tensors, expand));
}

/** Values and derivatives of a case as it is and in primitives, in float64. */
function bothWays(item: OpCase): readonly [whole: Float64Array[], parts: Float64Array[]] {
  let tensors: readonly (readonly Tensor[])[] = [];
  trace(() => {
    const inputs = declareInputs(item);
    const wrt = item.wrt.map((i) => inputs[i]!);
    const whole = results(item, inputs);
    const parts = inPrimitives(whole);
    const ops = topologicalOrder(parts).map(({ op }) => op);
    expect(ops.filter((op) => isComposite(op) && op !== 'detach')).toEqual([]);
    tensors = [whole, parts].map((outputs) => [...outputs, ...gradients(project(outputs)!, wrt)]);
    return undefined;
  });
  const inputs = exampleInputs(item).map(toHostValue);
  const [whole, parts] = tensors.map((list) => evaluateFloat64(list, inputs).map(({ data }) => data));
  return [whole!, parts!];
}

const composites = Object.entries(opCases).filter(([op]) => isComposite(op as Node['op']) && op !== 'detach');

describe.each(composites)('%s', (_, cases) => {
  test.each(cases.filter(({ specs }) => specs.every(({ dtype = 'float32' }) => dtype === 'float32')))(
    '$name',
    (item) => {
      const [whole, parts] = bothWays(item);
      expect(whole.length).toBe(parts.length);
      whole.forEach((values, i) => {
        expect(relativeError(values, parts[i]!)).toBeLessThan(FLOAT32_CONSTANTS);
      });
    },
  );
});
