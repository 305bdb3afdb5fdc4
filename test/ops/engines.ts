/** @file The engines ops are compared on, and the comparison. */
import { expect } from 'vitest';
import type { Tensor } from '../../src/graph/index.ts';
import { createHost } from '../../src/runtime/host-settings.node.ts';
import { nodeEngine } from '../../src/runtime/index.node.ts';
import { type Engine, OnnxEngine, referenceEngine } from '../../src/runtime/index.ts';
import { isFloat, toFloat64 } from '../../src/tensor/index.ts';
import { relativeError } from './float64.ts';
import { exampleInputs, type OpCase } from './op-case.ts';
import { resultsAndGradients } from './results-and-gradients.ts';

const settings = { device: 'cpu', threads: 1, profile: undefined } as const;

/** The engine as users get it. */
export const native: Engine = await nodeEngine({ threads: 1 });
/** The same without the blocked layout, as on processors that lack it. */
export const plain: Engine = new OnnxEngine(await createHost(settings), { provider: 'cpu' });
/** Models written in standard ONNX alone, as exported. */
export const standard: Engine = new OnnxEngine(await createHost(settings), { provider: 'any' });
/** Float64. */
export const reference: Engine = referenceEngine();

/** Runs a case with its derivatives; floats must agree with the float64 reference to 1e-5 of the largest, others exactly. */
export async function expectReferenceValues(engines: readonly Engine[], item: OpCase): Promise<void> {
  const feeds = Object.fromEntries(exampleInputs(item).map((array, i) => [`x${i}`, array]));
  const body = (): Record<string, Tensor> => resultsAndGradients(item);
  const expected = await (await reference.compile(body)).run(feeds, { step: 0 });
  for (const engine of engines) {
    const program = await engine.compile(body, { name: item.name });
    const actual = await program.run(feeds, { step: 0 });
    await program.dispose();
    expect(Object.keys(actual)).toEqual(Object.keys(expected));
    for (const [name, { shape, dtype, data }] of Object.entries(expected)) {
      const result = actual[name]!;
      expect({ name, shape: [...result.shape], dtype: result.dtype }).toEqual({ name, shape: [...shape], dtype });
      const error = relativeError(toFloat64(result), toFloat64({ shape, dtype, data }));
      expect(error, `${name} of ${item.name}`).toBeLessThanOrEqual(isFloat(dtype) ? 1e-5 : 0);
    }
  }
}
