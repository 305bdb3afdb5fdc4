/** @file Properties of ops over random shapes, broadcasts and settings. Seeded: every run checks the same examples. */
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { gradients } from '../../src/autodiff/index.ts';
import {
  type BinaryOp,
  type ConvAttrs,
  concat,
  conv,
  createNode,
  type ReduceOp,
  type Tensor,
  toHostValue,
  trace,
} from '../../src/graph/index.ts';
import { broadcastShapes, type Shape, sizeOf } from '../../src/tensor/index.ts';
import { expectReferenceValues, native } from './engines.ts';
import { centralDifferences, evaluateFloat64, relativeError } from './float64.ts';
import { declareInputs, exampleInputs, type OpCase, opCase, results } from './op-case.ts';

afterAll(() => native.dispose());

const settings = { seed: 20240601, numRuns: 60 } as const;

const shape = (maxRank = 4): fc.Arbitrary<number[]> =>
  fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 0, maxLength: maxRank });

/** Two shapes that broadcast: each drops leading axes of a common shape and sets some extents to 1. */
const broadcastPair: fc.Arbitrary<[number[], number[]]> = shape().chain((common) => {
  const part = fc
    .tuple(fc.integer({ min: 0, max: common.length }), fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }))
    .map(([from, ones]) => common.slice(from).map((extent, i) => (ones[i] ? 1 : extent)));
  return fc.tuple(part, part);
});

/** Evaluates what `body` makes of the inputs of a case, in float64. */
function evaluate(item: OpCase): Float64Array[] {
  let outputs: readonly Tensor[] = [];
  trace(() => {
    outputs = results(item, declareInputs(item));
    return undefined;
  });
  return evaluateFloat64(outputs, exampleInputs(item).map(toHostValue)).map(({ data }) => data);
}

describe('broadcasting', () => {
  const op = fc.constantFrom<BinaryOp>('add', 'sub', 'mul', 'div', 'maximum', 'minimum');

  test('gives the common shape, on either engine', async () => {
    await fc.assert(
      fc.asyncProperty(op, broadcastPair, async (name, [a, b]) => {
        const item = opCase(name, [a, { shape: b, range: [0.5, 2] }], (x, y) => createNode(name, [x, y], {}));
        const [output] = evaluate(item);
        expect(output!.length).toBe(sizeOf(broadcastShapes(a, b)));
        await expectReferenceValues([native], item);
      }),
      settings,
    );
  });

  test('sums derivatives over what was repeated', () => {
    fc.assert(
      fc.property(op, broadcastPair, (name, [a, b]) => {
        const item = opCase(name, [a, { shape: b, range: [0.5, 2] }], (x, y) => {
          const loss = createNode(name, [x, y], {}).mul(x).sum();
          return [loss, ...gradients(loss, [x, y])];
        });
        let loss: Tensor | undefined;
        trace(() => {
          loss = results(item, declareInputs(item))[0];
          return undefined;
        });
        const [, dx, dy] = evaluate(item);
        const inputs = exampleInputs(item);
        expect(relativeError(dx!, centralDifferences(loss!, inputs, 0))).toBeLessThan(1e-7);
        expect(relativeError(dy!, centralDifferences(loss!, inputs, 1))).toBeLessThan(1e-7);
      }),
      settings,
    );
  });
});

describe('reductions', () => {
  const reduction = shape().chain((extents) => fc.tuple(fc.constant(extents), fc.subarray([...extents.keys()])));

  test('over any axes agree on both engines', async () => {
    const op = fc.constantFrom<ReduceOp>('sum', 'mean', 'max', 'min', 'prod');
    await fc.assert(
      fc.asyncProperty(op, reduction, fc.boolean(), async (name, [extents, axes], keepDims) => {
        await expectReferenceValues(
          [native],
          opCase(name, [extents], (x) => createNode(name, [x], { axes, keepDims })),
        );
      }),
      settings,
    );
  });

  test('over some axes and then the rest are reductions over all', () => {
    fc.assert(
      fc.property(reduction, ([extents, axes]) => {
        const [twice, once] = evaluate(
          opCase('sum', [extents], (x) => [x.sum({ axes, keepDims: true }).sum(), x.sum()]),
        );
        expect(relativeError(twice!, once!)).toBeLessThan(1e-12);
      }),
      settings,
    );
  });
});

describe('matrix products', () => {
  test('of any batches and transpositions agree on both engines', async () => {
    const extent = fc.integer({ min: 1, max: 4 });
    await fc.assert(
      fc.asyncProperty(
        broadcastPair,
        fc.tuple(extent, extent, extent),
        fc.tuple(fc.boolean(), fc.boolean()),
        async ([batchA, batchB], [m, k, n], [transposeA, transposeB]) => {
          const a = [...batchA, ...(transposeA ? [k, m] : [m, k])];
          const b = [...batchB, ...(transposeB ? [n, k] : [k, n])];
          await expectReferenceValues(
            [native],
            opCase('matmul', [a, b], (x, y) => x.matmul(y, { transposeA, transposeB })),
          );
        },
      ),
      settings,
    );
  });
});

describe('movement', () => {
  const permuted = shape().chain((extents) =>
    fc.tuple(fc.constant(extents), fc.shuffledSubarray([...extents.keys()], { minLength: extents.length })),
  );

  test('there and back is the identity', () => {
    fc.assert(
      fc.property(permuted, ([extents, perm]) => {
        const back = perm.map((_, i) => perm.indexOf(i));
        const [x, ...same] = evaluate(
          opCase('movement', [extents], (x) => [
            x,
            x.transpose(perm).transpose(back),
            x.flip(perm.slice(0, 2)).flip(perm.slice(0, 2)),
            x.pad(extents.map((_, i) => [i, 2] as const)).pad(extents.map((_, i) => [-i, -2] as const)),
            x.flatten().reshape(extents),
          ]),
        );
        for (const values of same) expect(values).toEqual(x);
      }),
      settings,
    );
  });

  test('cutting an axis anywhere and joining the parts is the identity', () => {
    const cut = fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 4 }), shape(2), shape(2));
    fc.assert(
      fc.property(cut, ([first, second, before, after]) => {
        const extents = [...before, first + second, ...after];
        const [x, joined] = evaluate(
          opCase('split', [extents], (x) => [x, concat(x.split([first, second], before.length), before.length)]),
        );
        expect(joined).toEqual(x);
      }),
      settings,
    );
  });

  test('slices with steps are the elements they name', () => {
    const range = fc
      .tuple(fc.integer({ min: 1, max: 9 }), fc.nat(8), fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 4 }))
      .filter(([extent, start, length]) => start + length <= extent);
    fc.assert(
      fc.property(range, ([extent, start, length, step]) => {
        const [x, y] = evaluate(opCase('slice', [[extent]], (x) => [x, x.slice(0, start, start + length, step)]));
        const expected = x!.filter((_, i) => i >= start && i < start + length && (i - start) % step === 0);
        expect(y).toEqual(expected);
      }),
      settings,
    );
  });
});

interface Geometry {
  readonly x: Shape;
  readonly w: Shape;
  readonly attrs: ConvAttrs;
}

/** Convolutions of one or two dimensions whose window fits. */
const geometry: fc.Arbitrary<Geometry> = fc
  .record({
    batch: fc.integer({ min: 1, max: 2 }),
    groups: fc.integer({ min: 1, max: 3 }),
    perGroup: fc.tuple(fc.integer({ min: 1, max: 2 }), fc.integer({ min: 1, max: 2 })),
    axes: fc.array(
      fc.record({
        extent: fc.integer({ min: 1, max: 6 }),
        kernel: fc.integer({ min: 1, max: 3 }),
        stride: fc.integer({ min: 1, max: 3 }),
        dilation: fc.integer({ min: 1, max: 2 }),
        padding: fc.tuple(fc.integer({ min: 0, max: 2 }), fc.integer({ min: 0, max: 2 })),
      }),
      { minLength: 1, maxLength: 2 },
    ),
  })
  .filter(({ axes }) =>
    axes.every(({ extent, kernel, dilation, padding }) => extent + padding[0] + padding[1] > dilation * (kernel - 1)),
  )
  .map(({ batch, groups, perGroup: [inputs, outputs], axes }) => ({
    x: [batch, groups * inputs, ...axes.map(({ extent }) => extent)],
    w: [groups * outputs, inputs, ...axes.map(({ kernel }) => kernel)],
    attrs: {
      groups,
      stride: axes.map(({ stride }) => stride),
      dilation: axes.map(({ dilation }) => dilation),
      padding: axes.map(({ padding }) => padding),
    },
  }));

describe('convolutions', () => {
  test('have the adjoints convTranspose (in the picture) and convWeightGrad (in the kernel)', () => {
    fc.assert(
      fc.property(geometry, ({ x, w, attrs }) => {
        const item = opCase('conv', [x, w, []], (a, b) => {
          const y = conv(a, b, undefined, attrs);
          const dy = y.mul(y).add(1);
          const back = createNode('convTranspose', [dy, b], { ...attrs, outputSpatial: x.slice(2) });
          const kernel = createNode('convWeightGrad', [a, dy], { ...attrs, kernel: w.slice(2) });
          return [y.mul(dy).sum(), a.mul(back).sum(), b.mul(kernel).sum()];
        });
        const [forward, picture, weights] = evaluate(item);
        expect(relativeError(picture!, forward!)).toBeLessThan(1e-10);
        expect(relativeError(weights!, forward!)).toBeLessThan(1e-10);
      }),
      { ...settings, numRuns: 200 },
    );
  });

  test('of any stride, padding, dilation and groups agree on both engines', async () => {
    await fc.assert(
      fc.asyncProperty(geometry, async ({ x, w, attrs }) => {
        await expectReferenceValues(
          [native],
          opCase('conv', [x, w], (a, b) => conv(a, b, undefined, attrs)),
        );
      }),
      { ...settings, numRuns: 100 },
    );
  });
});
