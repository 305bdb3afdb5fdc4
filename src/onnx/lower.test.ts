/** @file What a graph becomes in ONNX. */
import { describe, expect, test } from 'vitest';
import { conv, groupNorm, input, layerNorm, random, type Traced, trace, Variable } from '../graph/index.ts';
import { fromNumbers, ndArray, zeros } from '../tensor/index.ts';
import { type LoweredGraph, type LowerOptions, lower } from './lower.ts';
import type { OnnxTarget } from './target.ts';

const CPU: OnnxTarget = { provider: 'cpu' };
const lowered = (body: () => Traced, target = CPU, options: LowerOptions = {}): LoweredGraph =>
  lower(trace(body), target, options);
const opsOf = ({ model }: LoweredGraph): string[] => model.nodes.map(({ opType }) => opType);

describe('a lowered graph', () => {
  test('contains what results need and nothing else', () => {
    const graph = lowered(() => {
      const x = input('x', [2, 3]);
      x.exp().sum();
      return x.neg();
    });
    expect(opsOf(graph)).toEqual(['Neg']);
    expect(graph.model.initializers.size).toBe(0);
  });

  test('leaves out the outputs of a lowering that nobody reads', () => {
    const y = lowered(() => groupNorm(input('x', [2, 4, 3]), 2, input('gamma', [4]), input('beta', [4])));
    // one reshape into rows, two back out, two for gamma and beta: none for the statistics
    expect(opsOf(y).filter((op) => op === 'Reshape').length).toBeLessThanOrEqual(5);
    const stats = lowered(() => layerNorm(input('x', [2, 3])));
    expect(opsOf(stats)).toEqual(['LayerNormalization']);
  });

  test('names what feeds and receives each value', () => {
    const weight = new Variable([3], { name: 'layer.weight' });
    const graph = lowered(() => {
      const y = input('x', [3])
        .mul(weight.value)
        .add(random.normal([3]));
      weight.assign(y);
      return { y };
    });
    expect([...graph.inputs]).toEqual([['x', 'input:x']]);
    expect([...graph.variables]).toEqual([[weight, 'variable:0:layer.weight']]);
    expect(graph.randoms.map(({ name }) => name)).toEqual(['random:0']);
    expect(graph.model.inputs.map(({ name }) => name).sort()).toEqual([
      'input:x',
      'random:0',
      'variable:0:layer.weight',
    ]);
    const [y, assigned] = [graph.outputs.get('y'), graph.assignments.get(weight)];
    expect(graph.model.outputs.map(({ name }) => name)).toEqual([y, assigned]);
    // one tensor, two results: each has a value of its own
    expect(y).not.toBe(assigned);
  });

  test('copies inputs and constants that are results', () => {
    const graph = lowered(() => ({ x: input('x', [2]), again: input('x', [2]), zero: input('x', [2]).mul(0).mul(1) }));
    expect(opsOf(graph)).toEqual(['Mul', 'Identity', 'Identity']);
    expect(new Set(graph.outputs.values()).size).toBe(3);
  });

  test('shares equal constants', () => {
    const graph = lowered(() =>
      input('x', [2])
        .add(2)
        .div(input('x', [2]).add(3))
        .add(2),
    );
    const values = [...graph.model.initializers.values()].map(({ data }) => [...data]);
    expect(values.sort()).toEqual([[2], [3]]);
  });

  test('holds frozen variables as constants', () => {
    const weight = new Variable([2], { name: 'w' });
    const free = new Variable([2], { name: 'v' });
    const value = fromNumbers([5, 6]);
    const graph = lowered(() => input('x', [2]).mul(weight.value).add(free.value), CPU, {
      frozen: (variable) => (variable === weight ? value : undefined),
    });
    expect([...graph.model.initializers.values()]).toEqual([value]);
    expect([...graph.variables.keys()]).toEqual([free]);
  });

  test('computes what frozen variables alone decide', () => {
    const [a, b] = ['a', 'b'].map((name) => new Variable([2, 2], { name })) as [Variable, Variable];
    const graph = lowered(() => input('x', [1, 2]).matmul(a.value.matmul(b.value)), CPU, {
      frozen: (variable) => ndArray(Float32Array.of(1, 2, 3, variable === a ? 4 : 5), [2, 2]),
    });
    expect(opsOf(graph)).toEqual(['MatMul']);
    expect([...graph.model.initializers.values()].map(({ data }) => [...data])).toEqual([[7, 12, 15, 26]]);
  });

  test('reads a draw by its number in the trace', () => {
    const graph = lowered(() => {
      random.normal([2]);
      return random.uniform([2]).add(1);
    });
    expect(graph.randoms.map(({ name }) => name)).toEqual(['random:1']);
  });
});

describe('the target decides', () => {
  const network = (): Traced => {
    const x = input('x', [1, 16, 4, 4]);
    const h = conv(x, input('w', [16, 16, 3, 3]), undefined, { padding: 1 })
      .silu()
      .reshape([16, 16]);
    return h.matmul(h, { transposeB: true });
  };

  test('whether operators of the runtime alone are used', () => {
    expect(opsOf(lowered(network, { provider: 'cpu' }))).toEqual(['Conv', 'QuickGelu', 'Reshape', 'FusedMatMul']);
    expect(opsOf(lowered(network, { provider: 'any' }))).toEqual([
      'Conv',
      'Sigmoid',
      'Mul',
      'Reshape',
      'Transpose',
      'MatMul',
    ]);
  });

  test('which operator sets the model declares', () => {
    const opsets = (target: OnnxTarget): string[] => Object.keys(lowered(network, target).model.opsets);
    expect(opsets({ provider: 'any' })).toEqual(['']);
    expect(opsets({ provider: 'cpu' })).toEqual(['', 'com.microsoft']);
    expect(opsets({ provider: 'cpu', block: 8 })).toEqual(['', 'com.microsoft', 'com.microsoft.nchwc']);
  });

  test('nothing about constant kernels: the runtime lays them out itself', () => {
    const weight = new Variable([16, 16, 3, 3]);
    const body = (): Traced => conv(input('x', [1, 16, 4, 4]), weight.value, undefined, { padding: 1 });
    const frozen = lowered(body, CPU, { frozen: () => zeros([16, 16, 3, 3]) });
    expect(frozen.model.nodes.map(({ domain, opType }) => domain + opType)).toEqual(['Conv']);
  });
});
