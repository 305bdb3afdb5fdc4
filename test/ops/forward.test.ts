/** @file Every op, and the gradient of every op, on the node engine against the float64 reference. */
import { afterAll, describe, expect, test } from 'vitest';
import { gradients } from '../../src/autodiff/index.ts';
import { resultsOf, shapeRules, type Tensor, topologicalOrder, trace } from '../../src/graph/index.ts';
import { nodeEngine } from '../../src/runtime/index.node.ts';
import { referenceEngine } from '../../src/runtime/index.ts';
import { isFloat, toFloat64 } from '../../src/tensor/index.ts';
import { allCases, opCases } from './cases/index.ts';
import { project, relativeError } from './float64.ts';
import { declareInputs, exampleInputs, type OpCase, results } from './op-case.ts';

const engine = await nodeEngine({ threads: 1 });
const reference = referenceEngine();
afterAll(() => engine.dispose());

/** The results of a case, and the derivatives of a weighted sum of them. */
function resultsAndGradients(item: OpCase): Record<string, Tensor> {
  const inputs = declareInputs(item);
  const outputs = results(item, inputs);
  const named = Object.fromEntries(outputs.map((tensor, i) => [`y${i}`, tensor]));
  const loss = project(outputs);
  if (item.wrt.length === 0 || !loss) return named;
  const wrt = item.wrt.map((i) => inputs[i]!);
  gradients(loss, wrt).forEach((gradient, i) => {
    named[`d${item.wrt[i]}`] = gradient;
  });
  return named;
}

test('every op has a case', () => {
  expect(Object.keys(opCases).sort()).toEqual(Object.keys(shapeRules).sort());
  for (const [op, cases] of Object.entries(opCases)) expect(cases.length, op).toBeGreaterThan(0);
});

describe.each(Object.keys(opCases))('%s', (op) => {
  test.each(allCases.filter(([name]) => name === op).map(([, item]) => item))('$name', async (item) => {
    const traced = trace(() => Object.fromEntries(results(item, declareInputs(item)).entries()));
    expect(topologicalOrder(resultsOf(traced)).map((node) => node.op)).toContain(op);

    const feeds = Object.fromEntries(exampleInputs(item).map((array, i) => [`x${i}`, array]));
    const body = (): Record<string, Tensor> => resultsAndGradients(item);
    const program = await engine.compile(body, { name: `${op}, ${item.name}` });
    const oracle = await reference.compile(body);
    const actual = await program.run(feeds, { step: 0 });
    const expected = await oracle.run(feeds, { step: 0 });
    await program.dispose();

    expect(Object.keys(actual)).toEqual(Object.keys(expected));
    for (const [name, value] of Object.entries(expected)) {
      expect({ name, shape: [...actual[name]!.shape], dtype: actual[name]!.dtype }).toEqual({
        name,
        shape: [...value.shape],
        dtype: value.dtype,
      });
      const error = relativeError(toFloat64(actual[name]!), toFloat64(value));
      expect(error, `${name} of ${item.name}`).toBeLessThanOrEqual(isFloat(value.dtype) ? 1e-5 : 0);
    }
  });
});
