/** @file Every op, and the gradient of every op, on ONNX Runtime against the float64 reference. */
import { afterAll, describe, expect, test } from 'vitest';
import { resultsOf, shapeRules, topologicalOrder, trace } from '../../src/graph/index.ts';
import { allCases, opCases } from './cases/index.ts';
import { expectReferenceValues, native, standard } from './engines.ts';
import { declareInputs, results } from './op-case.ts';

afterAll(() => Promise.all([native.dispose(), standard.dispose()]));

test('every op has a case', () => {
  expect(Object.keys(opCases).sort()).toEqual(Object.keys(shapeRules).sort());
  for (const [op, cases] of Object.entries(opCases)) expect(cases.length, op).toBeGreaterThan(0);
});

describe.each(Object.keys(opCases))('%s', (op) => {
  test.each(allCases.filter(([name]) => name === op).map(([, item]) => item))('$name', async (item) => {
    const traced = trace(() => Object.fromEntries(results(item, declareInputs(item)).entries()));
    expect(topologicalOrder(resultsOf(traced)).map((node) => node.op)).toContain(op);
    await expectReferenceValues([native, standard], item);
  });
});
