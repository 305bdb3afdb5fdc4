/** @file Simplification: what is dropped, merged, folded and rewritten, and that values stay what they were. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Dtype, fromNumbers, type Shape } from '../tensor/index.ts';
import { concat, full, where } from './build.ts';
import { evaluateTensors, toHostValue } from './evaluate/index.ts';
import type { BinaryOp, UnaryOp } from './node.ts';
import { resultsOf, topologicalOrder } from './order.ts';
import { printGraph } from './print.ts';
import { simplify } from './simplify.ts';
import { constant, createNode, scalar, type Tensor } from './tensor.ts';
import { type Graph, input, random, trace } from './trace.ts';
import { Variable } from './variable.ts';

const x = (...shape: number[]): Tensor => input('x', shape);
const simplified = (body: () => Tensor | Record<string, Tensor>): Graph => simplify(trace(body));

/** Ops of a simplified graph in order, leaves left out. */
function opsOf(graph: Graph): string[] {
  const leaves = new Set(['input', 'variable', 'random', 'constant']);
  return topologicalOrder(resultsOf(graph))
    .map(({ op }) => op as string)
    .filter((op) => !leaves.has(op));
}

describe('dead code', () => {
  test('goes, with the draws and variables only it read; inputs stay declared', () => {
    const weight = new Variable([2], { name: 'w' });
    const graph = simplified(() => {
      const kept = random.normal([2]);
      random.normal([9]).mul(weight.value.sum());
      input('unused', [3]).exp();
      return kept.add(x(2));
    });
    expect(printGraph(graph)).toMatchInlineSnapshot(`
      "graph(normal#0: float32[2], x: float32[2]) {
        %0 = add(normal#0, x) : float32[2]
        return output = %0
      }"
    `);
    expect(graph.randoms.length).toBe(1);
    expect(graph.variables.size).toBe(0);
    expect([...graph.inputs.keys()]).toEqual(['unused', 'x']);
  });

  test('keeps the number of a draw when an earlier one goes: it draws the same values', () => {
    const graph = simplified(() => {
      random.normal([2]);
      return random.normal([2]);
    });
    expect(printGraph(graph)).toContain('normal#1');
  });

  test('is not what a variable is assigned', () => {
    const weight = new Variable([2], { name: 'w' });
    const graph = simplified(() => {
      weight.assign(weight.value.mul(0.5));
      return x(1);
    });
    expect(opsOf(graph)).toEqual(['mul']);
  });
});

describe('equal expressions', () => {
  test('are computed once, through several layers', () => {
    const graph = simplified(() => {
      const f = (t: Tensor): Tensor => t.mul(2).exp().sum({ axes: 0, keepDims: true });
      return f(x(3)).div(f(x(3)));
    });
    expect(opsOf(graph)).toEqual(['mul', 'exp', 'sum', 'div']);
  });

  test('of several outputs are merged as a whole', () => {
    const graph = simplified(() => ({ values: x(5).topK(2).values, indices: x(5).topK(2).indices }));
    expect(opsOf(graph)).toEqual(['topK']);
  });

  test('that differ in an attribute stay apart, infinities included', () => {
    const graph = simplified(() => {
      const pad = (value: number): Tensor => input('p', [2]).pad([[1, 1]], value);
      return {
        a: x(2, 2).softmax(0),
        b: x(2, 2).softmax(1),
        low: pad(Number.NEGATIVE_INFINITY),
        high: pad(Number.POSITIVE_INFINITY),
        none: pad(Number.NaN),
      };
    });
    expect(opsOf(graph)).toEqual(['softmax', 'softmax', 'pad', 'pad', 'pad']);
  });

  test('include constants of equal bits; 0 and -0 differ', () => {
    const graph = simplified(() => ({
      same: x(2)
        .div(constant(fromNumbers([1, 2])))
        .add(x(2).div(constant(fromNumbers([1, 2])))),
      zero: createNode('div', [x(2), scalar(0)], {}),
      negative: createNode('div', [x(2), scalar(-0)], {}),
    }));
    expect(opsOf(graph)).toEqual(['div', 'div', 'div', 'add']);
  });

  test('draws are never merged', () => {
    expect(simplified(() => random.normal([2]).sub(random.normal([2]))).randoms.length).toBe(2);
  });
});

describe('constants', () => {
  const folded = (graph: Graph): number[] => {
    const { node } = [...graph.outputs.values()][0]!;
    if (node.op !== 'constant') throw new Error(`${node.op} is not a constant`);
    return [...toHostValue(node.attrs.value).data];
  };

  test('are folded, rounded once', () => {
    expect(
      folded(
        simplified(() =>
          constant(fromNumbers([1, 2]))
            .mul(3)
            .add(0.5)
            .sum(),
        ),
      ),
    ).toEqual([10]);
    expect(folded(simplified(() => constant(fromNumbers([7, -7], 'int32')).div(scalar(2, 'int32'))))).toEqual([3, -3]);
  });

  test('of several outputs are folded output by output', () => {
    const graph = simplified(() => {
      const { values, indices } = constant(fromNumbers([3, 1, 2])).topK(2);
      return { values, indices };
    });
    expect(printGraph(graph)).toMatchInlineSnapshot(`
      "graph() {
        return values = [3, 2]
        return indices = [0, 2]
      }"
    `);
  });

  test('stay lazy where they are expanded', () => {
    const graph = simplified(() => full([1000, 1000], 2).mul(full([1000, 1000], 3)));
    const sizes = topologicalOrder(resultsOf(graph))
      .filter(({ op }) => op === 'constant')
      .map(({ outputs }) => outputs[0]!.size);
    expect(Math.max(...sizes)).toBe(1);
  });

  test('are not folded into something large', () => {
    const column = constant({ dtype: 'float32', shape: [300, 1], data: new Float32Array(300) });
    const row = constant({ dtype: 'float32', shape: [1, 300], data: new Float32Array(300) });
    expect(opsOf(simplified(() => column.add(row)))).toEqual(['add']);
  });

  test('of any size are reshaped without a copy', () => {
    const data = new Float32Array(600 ** 2);
    const large = constant({ dtype: 'float32', shape: [600, 600], data });
    const { outputs } = simplified(() => large.reshape([360_000]).neg());
    const [operand] = outputs.get('output')!.node.inputs;
    if (operand!.node.op !== 'constant') throw new Error(`${operand!.node.op} is not a constant`);
    expect(operand!.node.attrs.value.data).toBe(data);
  });
});

const IDENTITIES: readonly [name: string, body: () => Tensor, ops: readonly string[]][] = [
  ['x + 0', () => x(2).add(0), []],
  ['0 + x', () => scalar(0).add(x(2)), []],
  ['x + 0, broadcast', () => x(2).add(full([3, 2], 0)), ['expand']],
  ['x + (-y)', () => x(2).add(x(2).exp().neg()), ['exp', 'sub']],
  ['x - 0', () => x(2).sub(0), []],
  ['x - (-y)', () => x(2).sub(x(2).exp().neg()), ['exp', 'add']],
  ['x · 1', () => x(2).mul(1), []],
  ['1 · x', () => scalar(1).mul(x(2)), []],
  ['x · -1', () => x(2).mul(-1), ['neg']],
  ['-1 · x, broadcast', () => full([3, 2], -1).mul(x(2)), ['neg', 'expand']],
  ['(x · 2) · 3', () => x(2).mul(2).mul(3), ['mul']],
  ['2 · (x · 3)', () => scalar(2).mul(x(2).mul(3)), ['mul']],
  ['(x · 2) · 3 of integers', () => input('x', [2], 'int32').mul(2).mul(3), ['mul', 'mul']],
  ['(x · 1e30) · 1e30', () => x(2).mul(1e30).mul(1e30), ['mul', 'mul']],
  ['(x · 1e-30) · 1e-30', () => x(2).mul(1e-30).mul(1e-30), ['mul', 'mul']],
  ['x / 1', () => x(2).div(1), []],
  ['x / 4', () => x(2).div(4), ['mul']],
  ['x / 3, not exact', () => x(2).div(3), ['div']],
  ['x / 2 of integers', () => input('x', [2], 'int32').div(2), ['div']],
  ['x ^ 1', () => x(2).pow(1), []],
  ['x ^ 2', () => x(2).pow(2), ['mul']],
  ['x ^ 3', () => x(2).pow(3), ['pow']],
  ['-(-x)', () => x(2).neg().neg(), []],
  ['cast to its own dtype', () => createNode('cast', [x(2)], { dtype: 'float32' }), []],
  ['reshape to its own shape', () => createNode('reshape', [x(2, 3)], { shape: [2, 3] }), []],
  ['reshape twice', () => x(2, 3).reshape([6]).reshape([3, 2]), ['reshape']],
  ['reshape there and back', () => x(2, 3).reshape([6]).reshape([2, 3]), []],
  ['transpose by nothing', () => x(2, 3).transpose([0, 1]), []],
  ['transpose there and back', () => x(2, 3, 4).transpose([2, 0, 1]).transpose([1, 2, 0]), []],
  ['transpose twice', () => x(2, 3, 4).transpose([2, 0, 1]).transpose([2, 0, 1]), ['transpose']],
  ['transpose of an axis of extent 1', () => x(2, 1, 3).transpose([1, 0, 2]), ['reshape']],
  ['expand twice', () => x(1, 1).expand([1, 3]).expand([2, 3]), ['expand']],
  ['an expanded operand', () => x(2, 3).div(full([2, 3], 7)), ['div']],
  ['sum over an axis of extent 1', () => x(2, 1).sum({ axes: 1 }), ['reshape']],
  ['max over an axis of extent 1, kept', () => x(2, 1).max({ axes: 1, keepDims: true }), []],
  ['prod over no axes', () => x(2, 3).prod({ axes: [] }), []],
  ['concat of one', () => createNode('concat', [x(2)], { axis: 0 }), []],
  ['where true', () => where(full([2], 1, 'bool'), x(2), 5), []],
  ['where false', () => where(scalar(0, 'bool'), 5, x(2)), []],
  ['x · 0 may hide NaN', () => x(2).mul(0), ['mul']],
  ['x - x may hide NaN', () => x(2).sub(x(2)), ['sub']],
];

test.each(IDENTITIES)('%s', (_, body, ops) => {
  const before = trace(body);
  const after = simplify(before);
  expect(opsOf(after)).toEqual(ops);
  const [was, is] = [before, after].map((graph) => [...graph.outputs.values()][0]!);
  expect([is!.shape, is!.dtype]).toEqual([was!.shape, was!.dtype]);
  expect(valuesOf(after)).toEqual(valuesOf(before));
});

/** Values of all results; inputs count up from -1.5 in steps of 0.75 (whole numbers where they are integers). */
function valuesOf(graph: Graph): number[][] {
  const values = evaluateTensors(resultsOf(graph), (tensor) => {
    if (tensor.node.op !== 'input') return undefined;
    const step = tensor.dtype === 'float32' ? 0.75 : 1;
    return { ...tensor, data: Float64Array.from({ length: tensor.size }, (_, i) => -2 * step + i * step) };
  });
  return values.map(({ data }) => [...data].map((value) => (value === 0 ? 0 : value)));
}

/** One random step of a program: an op over tensors made before, chosen by number. */
interface Step {
  readonly kind: number;
  readonly a: number;
  readonly b: number;
}

const UNARY: readonly UnaryOp[] = ['neg', 'abs', 'tanh', 'sigmoid', 'relu'];
const BINARY: readonly BinaryOp[] = ['add', 'sub', 'mul', 'maximum', 'div'];
const FILLS = [0, 1, -1, 2, 0.5, 3];
const LEAVES: readonly (() => Tensor)[] = [
  () => input('a', [2, 3]),
  () => input('b', [3]),
  () => input('c', [2, 1]),
  () => constant(fromNumbers([[1, -2, 0.25]])),
];

/** Runs the steps; every tensor has a shape that broadcasts to [2, 3]. */
function build(steps: readonly Step[]): Record<string, Tensor> {
  const tensors = LEAVES.map((leaf) => leaf());
  const pick = (n: number): Tensor => tensors[n % tensors.length]!;
  for (const { kind, a, b } of steps) tensors.push(apply(kind, pick(a), pick(b), b));
  return Object.fromEntries(tensors.slice(-4).entries());
}

function apply(kind: number, x: Tensor, y: Tensor, n: number): Tensor {
  switch (kind) {
    case 0:
      return createNode(UNARY[n % UNARY.length]!, [x], {});
    case 1: {
      const op = BINARY[n % BINARY.length]!;
      // denominators stay away from zero
      return createNode(op, [x, op === 'div' ? y.abs().add(1) : y], {});
    }
    case 2:
      return x.mul(FILLS[n % FILLS.length]!);
    case 3:
      return x.add(full(x.shape, FILLS[n % FILLS.length]!));
    case 4:
      return x.reshape([x.size]).reshape(x.shape);
    case 5:
      return x.rank === 2 ? x.transpose().transpose() : x.unsqueeze(0).transpose().transpose();
    case 6:
      return x.expand([2, 3]);
    case 7:
      return x.sum({ axes: [n % x.rank], keepDims: true });
    case 8:
      return where(x.greater(y), x, y);
    default:
      return concat([x, x], x.rank - 1).slice(x.rank - 1, 0, x.shape.at(-1)!);
  }
}

test('random programs compute the same before and after, and simplifying again changes no value', () => {
  const step = fc.record({ kind: fc.nat(9), a: fc.nat(1000), b: fc.nat(1000) });
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 14 }), (steps) => {
      const before = trace(() => build(steps));
      const after = simplify(before);
      expect(typesOf(after)).toEqual(typesOf(before));
      expect(opsOf(after).length).toBeLessThanOrEqual(opsOf(before).length);
      for (const graph of [after, simplify(after)]) expectClose(valuesOf(graph), valuesOf(before));
    }),
    { seed: 5, numRuns: 500 },
  );
});

function typesOf(graph: Graph): { shape: Shape; dtype: Dtype }[] {
  return resultsOf(graph).map(({ shape, dtype }) => ({ shape, dtype }));
}

/** Equal up to the float32 rounding of folded constants. */
function expectClose(actual: readonly number[][], expected: readonly number[][]): void {
  expected.forEach((row, i) => {
    const scale = Math.max(1, ...row.map(Math.abs));
    row.forEach((value, j) => {
      expect(Math.abs(actual[i]![j]! - value) / scale).toBeLessThan(1e-5);
    });
  });
}
