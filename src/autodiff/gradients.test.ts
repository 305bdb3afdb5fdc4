/** @file Differentiation as a transform of graphs: what it gives, and what it refuses. */
import { describe, expect, test } from 'vitest';
import {
  detach,
  evaluateTensors,
  input,
  maxPool,
  type Node,
  printGraph,
  scalar,
  simplify,
  Tensor,
  toHostValue,
  trace,
  Variable,
  withScope,
} from '../graph/index.ts';
import { fromNumbers, GradientError, type NdArray } from '../tensor/index.ts';
import { gradients, pullback } from './gradients.ts';

/** Values of what `body` makes of x, in float64. */
function valuesAt(x: NdArray, body: (x: Tensor) => readonly Tensor[]): number[][] {
  let tensors: readonly Tensor[] = [];
  trace(() => {
    tensors = body(input('x', x.shape));
    return undefined;
  });
  const values = evaluateTensors(tensors, ({ node }) => (node.op === 'input' ? toHostValue(x) : undefined));
  return values.map(({ data }) => [...data]);
}

const x12 = fromNumbers([1, 2]);

describe('gradients', () => {
  test('print as a graph', () => {
    const graph = trace(() => {
      const x = input('x', [2, 3]);
      const w = new Variable([3], { name: 'w' });
      const loss = x.mul(w.value).square().mean();
      const [dw] = gradients(loss, [w]);
      return { loss, dw: dw! };
    });
    expect(printGraph(simplify(graph))).toMatchInlineSnapshot(`
      "graph(x: float32[2, 3], $w: float32[3]) {
        %0 = mul(x, $w) : float32[2, 3]
        %1 = mul(%0, %0) : float32[2, 3]
        %2 = mean(%1, axes=[0, 1], keepDims=false) : float32[]
        %3 = mul([0.1666666716337204], %0) : float32[2, 3]
        %4 = add(%3, %3) : float32[2, 3]
        %5 = mul(%4, x) : float32[2, 3]
        %6 = sum(%5, axes=[0], keepDims=true) : float32[1, 3]
        %7 = reshape(%6, shape=[3]) : float32[3]
        return loss = %2
        return dw = %7
      }"
    `);
  });

  test('add up over every use', () => {
    expect(valuesAt(x12, (x) => gradients(x.mul(x).add(x.mul(3)).sum(), [x]))).toEqual([[5, 7]]);
  });

  test('are zero where the loss does not reach', () => {
    expect(
      valuesAt(x12, (x) => {
        const other = scalar(4).expand([3]);
        return gradients(x.sum(), [other, x]);
      }),
    ).toEqual([
      [0, 0, 0],
      [1, 1],
    ]);
  });

  test('are one for the loss itself', () => {
    expect(
      valuesAt(x12, (x) => {
        const loss = x.sum();
        return gradients(loss, [loss]);
      }),
    ).toEqual([[1]]);
  });

  test('of values in between count what lies before them too', () => {
    expect(
      valuesAt(x12, (x) => {
        const y = x.mul(x);
        return gradients(y.mul(3).sum(), [x, y, x]);
      }),
    ).toEqual([
      [6, 12],
      [3, 3],
      [6, 12],
    ]);
  });

  test('of a variable are those of its value at the start, through assignments', () => {
    let gradient: Tensor | undefined;
    trace(() => {
      const w = new Variable([2], { name: 'w', initial: () => fromNumbers([1, 2]) });
      w.assign(w.value.mul(10));
      [gradient] = gradients(w.value.square().sum(), [w]);
      return undefined;
    });
    const [value] = evaluateTensors([gradient!], ({ node }) =>
      node.op === 'variable' ? toHostValue(node.attrs.variable.initial()) : undefined,
    );
    expect([...value!.data]).toEqual([200, 400]);
  });

  test('stop at detach', () => {
    expect(valuesAt(x12, (x) => gradients(detach(x).mul(x).sum(), [x]))).toEqual([[1, 2]]);
  });

  test('are shared where several elements are the largest or smallest', () => {
    const ties = fromNumbers([3, 1, 3, 1]);
    const gradientOf = (body: (x: Tensor) => Tensor): number[] =>
      valuesAt(ties, (x) => gradients(body(x).sum(), [x]))[0]!;
    expect(gradientOf((x) => x.max())).toEqual([0.5, 0, 0.5, 0]);
    expect(gradientOf((x) => x.min())).toEqual([0, 0.5, 0, 0.5]);
    expect(gradientOf((x) => x.maximum(3))).toEqual([0.5, 0, 0.5, 0]);
    expect(gradientOf((x) => x.minimum(1))).toEqual([0, 0.5, 0, 0.5]);
    expect(gradientOf((x) => maxPool(x.reshape([1, 1, 4]), 3, { stride: 1 }))).toEqual([0.5, 0, 1.5, 0]);
  });

  test('are zero at the corner of relu, abs and sign', () => {
    const zero = fromNumbers([0]);
    for (const apply of [(x: Tensor) => x.relu(), (x: Tensor) => x.abs(), (x: Tensor) => x.sign()]) {
      expect(valuesAt(zero, (x) => gradients(apply(x).sum(), [x]))).toEqual([[0]]);
    }
  });

  test('do not flow through indices and masks', () => {
    expect(valuesAt(x12, (x) => gradients(x.argMax().oneHot(2).mul(x).sum(), [x]))).toEqual([[0, 1]]);
    expect(valuesAt(x12, (x) => gradients(x.greater(1.5).cast('float32').mul(x).sum(), [x]))).toEqual([[0, 1]]);
  });

  test('of gradients of gradients hold', () => {
    const derivative = (y: Tensor, x: Tensor): Tensor => gradients(y.sum(), [x])[0]!;
    const [third] = valuesAt(x12, (x) => [derivative(derivative(derivative(x.pow(4), x), x), x)]);
    expect(third![0]).toBeCloseTo(24, 12);
    expect(third![1]).toBeCloseTo(48, 12);
  });

  test('of graphs ten thousand ops deep do not overflow the stack', () => {
    const [gradient] = valuesAt(x12, (x) => {
      let y = x;
      for (let i = 0; i < 10_000; i++) y = y.add(x);
      return gradients(y.sum(), [x]);
    });
    expect(gradient).toEqual([10_001, 10_001]);
  });
});

test('a pullback holds its inputs independent of each other', () => {
  expect(
    valuesAt(x12, (x) => {
      const y = x.mul(x);
      const [dx, dy] = pullback([x.mul(y)], [scalar(1).expand([2])], [x, y]);
      return [dx!, dy!];
    }),
  ).toEqual([
    [1, 4],
    [1, 2],
  ]);
});

describe('gradients refuse', () => {
  test('losses that are not scalars', () => {
    expect(() => trace(() => gradients(input('x', [2, 3]), [])[0])).toThrowErrorMatchingInlineSnapshot(`
      [GradientError: gradients need a scalar loss, got float32[2, 3]
        hint: reduce it first, e.g. loss.mean()]
    `);
  });

  test('losses that are not floats', () => {
    expect(() => trace(() => gradients(input('x', [], 'int64'), [])[0])).toThrow(GradientError);
  });

  test('an op without derivative, naming it, its module and what led to it', () => {
    expect(() =>
      trace(() => {
        const x = input('x', [4]);
        const sorted = withScope('unet', () =>
          withScope('sampler', () => {
            const scaled = x.mul(2).exp();
            // no op of the table lacks a derivative: this one is not in it
            const node = { ...scaled.neg().node, op: 'sort', attrs: { axis: 0 }, outputs: [] as Tensor[] };
            node.outputs.push(new Tensor(node as unknown as Node, 0, { shape: [4], dtype: 'float32' }));
            return node.outputs[0]!;
          }),
        );
        return gradients(sorted.sum(), [x])[0];
      }),
    ).toThrowErrorMatchingInlineSnapshot(`
      [GradientError: op 'sort' has no derivative, in module unet.sampler
        %0 = mul(x, 2) : float32[4]  # unet.sampler
        %1 = exp(%0) : float32[4]  # unet.sampler
        %2 = sort(%1, axis=0) : float32[4]  # unet.sampler
        hint: keep it out of the loss, or stop the gradient before it with detach(x)]
    `);
  });
});
