/** @file Graphs as text. */
import { describe, expect, test } from 'vitest';
import { fromNumbers } from '../tensor/index.ts';
import { groupNorm } from './normalization.ts';
import { printGraph, printNeighbourhood } from './print.ts';
import { withScope } from './scope.ts';
import { constant, type Tensor } from './tensor.ts';
import { input, random, trace } from './trace.ts';
import { Variable } from './variable.ts';
import { conv } from './windows.ts';

describe('a printed graph', () => {
  test('names inputs, numbers ops, and gives every type', () => {
    const graph = trace(() => {
      const x = input('x', [2, 3]);
      return { sum: x.mul(x).sum({ axes: 1 }), first: x.slice(1, 0, 1) };
    });
    expect(printGraph(graph)).toMatchInlineSnapshot(`
      "graph(x: float32[2, 3]) {
        %0 = mul(x, x) : float32[2, 3]
        %1 = sum(%0, axes=[1], keepDims=false) : float32[2]
        %2 = slice(x, starts=[0, 0], stops=[2, 1], steps=[1, 1]) : float32[2, 1]
        return sum = %1
        return first = %2
      }"
    `);
  });

  test('shows variables, draws, assignments and small constants by value', () => {
    const weight = new Variable([2], { name: 'layer.weight' });
    const graph = trace(() => {
      const noise = random.normal([2]);
      const y = weight.value.add(noise.mul(0.5)).mul(constant(fromNumbers([1, -1])));
      const large = constant(fromNumbers([1, 2, 3, 4, 5, 6, 7, 8]));
      weight.assign(y);
      return { y, total: large.sum().add(random.uniform([])) };
    });
    expect(printGraph(graph)).toMatchInlineSnapshot(`
      "graph(normal#0: float32[2], $layer.weight: float32[2], uniform#1: float32[]) {
        %0 = mul(normal#0, 0.5) : float32[2]
        %1 = add($layer.weight, %0) : float32[2]
        %2 = mul(%1, [1, -1]) : float32[2]
        %3 = sum(constant float32[8], axes=[0], keepDims=false) : float32[]
        %4 = add(%3, uniform#1) : float32[]
        return y = %2
        return total = %4
        $layer.weight := %2
      }"
    `);
  });

  test('tells the outputs of an op apart, and where it was traced', () => {
    const graph = trace(() => {
      const x = input('x', [1, 4, 2, 2]);
      const h = withScope('down', () =>
        withScope('conv1', () => conv(x, input('w', [4, 4, 3, 3]), undefined, { padding: 1, stride: 2 })),
      );
      const { values, indices } = groupNorm(h, 2, input('gamma', [4]), input('beta', [4]))
        .flatten(1)
        .topK(2);
      return { values, indices };
    });
    expect(printGraph(graph)).toMatchInlineSnapshot(`
      "graph(x: float32[1, 4, 2, 2], w: float32[4, 4, 3, 3], gamma: float32[4], beta: float32[4]) {
        %0 = conv(x, w, stride=[2, 2], padding=[[1, 1], [1, 1]], dilation=[1, 1], groups=1) : float32[1, 4, 1, 1]  # down.conv1
        %1 = groupNorm(%0, gamma, beta, groups=2, epsilon=0.00001) : float32[1, 4, 1, 1], float32[1, 2], float32[1, 2]
        %2 = reshape(%1.0, shape=[1, 4]) : float32[1, 4]
        %3 = topK(%2, k=2, axis=1, largest=true) : float32[1, 2], int64[1, 2]
        return values = %3.0
        return indices = %3.1
      }"
    `);
  });

  test('is the same text for the same program, whatever was traced before', () => {
    const build = (): string => printGraph(trace(() => input('x', [3]).exp().add(1).log()));
    const first = build();
    trace(() => input('y', [9]).sin());
    expect(build()).toBe(first);
  });

  test('leaves out what no result needs', () => {
    const graph = trace(() => {
      const x = input('x', [3]);
      x.exp();
      return x.neg();
    });
    expect(printGraph(graph)).not.toContain('exp');
  });
});

test('a neighbourhood is the last ops before a node', () => {
  let last: Tensor | undefined;
  trace(() => {
    last = input('x', [3]).exp().sin().cos().neg();
    return last;
  });
  expect(printNeighbourhood(last!.node, 2)).toMatchInlineSnapshot(`
    "  %1 = cos(%0) : float32[3]
      %2 = neg(%1) : float32[3]"
  `);
});
