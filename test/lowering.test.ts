/** @file Models of every op and its gradient are well formed, and standard ONNX where asked for. */
import { describe, expect, test } from 'vitest';
import { trace } from '../src/graph/index.ts';
import { lower, type OnnxModel, type OnnxTarget, serializeModel } from '../src/onnx/index.ts';
import { allCases } from './ops/cases/index.ts';
import { resultsAndGradients } from './ops/results-and-gradients.ts';

const TARGETS: readonly OnnxTarget[] = [
  { provider: 'any' },
  { provider: 'cpu' },
  { provider: 'cpu', block: 8 },
  { provider: 'webgpu' },
];

/** What is wrong with a model: values made twice, read before they are made, or made for nobody. */
function flaws({ inputs, initializers, nodes, outputs }: OnnxModel): string[] {
  const found: string[] = [];
  const known = new Set<string>();
  const read = new Set(outputs.map(({ name }) => name));
  const make = (name: string): void => {
    if (known.has(name)) found.push(`${name} is made twice`);
    known.add(name);
  };
  for (const name of [...inputs.map((value) => value.name), ...initializers.keys()]) make(name);
  for (const node of nodes) {
    for (const name of node.inputs.filter((input) => input !== '')) {
      if (!known.has(name)) found.push(`${node.opType} reads ${name} before it is made`);
      read.add(name);
    }
    node.outputs.forEach(make);
  }
  for (const { name } of outputs) if (!known.has(name)) found.push(`result ${name} is not made`);
  for (const node of nodes) {
    if (!node.outputs.some((name) => read.has(name))) found.push(`nobody reads ${node.opType} ${node.outputs}`);
  }
  for (const name of initializers.keys()) if (!read.has(name)) found.push(`nobody reads the constant ${name}`);
  if (new Set(outputs.map(({ name }) => name)).size !== outputs.length) found.push('results share a value');
  return found;
}

describe.each(TARGETS)('for $provider, blocks of $block', (target) => {
  test('every model is well formed, without dead nodes', () => {
    for (const [op, item] of allCases) {
      const { model } = lower(
        trace(() => resultsAndGradients(item)),
        target,
      );
      expect(flaws(model), `${op}, ${item.name}`).toEqual([]);
    }
  });
});

test('for any runtime, models use standard operators alone', () => {
  for (const [op, item] of allCases) {
    const { model } = lower(
      trace(() => resultsAndGradients(item)),
      { provider: 'any' },
    );
    expect(
      model.nodes.filter(({ domain }) => domain !== '').map(({ opType }) => opType),
      `${op}, ${item.name}`,
    ).toEqual([]);
    expect(Object.keys(model.opsets)).toEqual(['']);
  }
});

test('a program becomes the same bytes every time', () => {
  for (const [op, item] of allCases) {
    const [first, second] = [0, 1].map(() =>
      serializeModel(
        lower(
          trace(() => resultsAndGradients(item)),
          { provider: 'cpu', block: 8 },
        ).model,
      ),
    );
    expect(Buffer.compare(first!.bytes, second!.bytes), `${op}, ${item.name}`).toBe(0);
  }
});
