/** @file Convolutions as wide as real ones, where lowerings choose other forms: blocks, stacked copies, small pictures. */
import { afterAll, describe, expect, test } from 'vitest';
import { type ConvOptions, conv, convTranspose, groupNorm, input, trace, Variable } from '../../src/graph/index.ts';
import { lower } from '../../src/onnx/index.ts';
import type { Engine } from '../../src/runtime/index.ts';
import { type NdArray, toFloat64 } from '../../src/tensor/index.ts';
import { expectReferenceValues, native, plain, reference, standard } from './engines.ts';
import { relativeError } from './float64.ts';
import { exampleInputs, opCase } from './op-case.ts';
import { resultsAndGradients } from './results-and-gradients.ts';

const engines = [native, plain, standard];
afterAll(() => Promise.all(engines.map((engine) => engine.dispose())));

const SETTINGS: readonly [name: string, x: number[], w: number[], options: ConvOptions][] = [
  ['3×3', [2, 16, 6, 5], [32, 16, 3, 3], { padding: 1 }],
  ['few channels in', [2, 3, 6, 6], [32, 3, 3, 3], { padding: 1 }],
  ['few channels in, stride 2', [2, 5, 6, 6], [16, 5, 3, 3], { stride: 2, padding: 1 }],
  ['more channels in than out', [2, 32, 6, 6], [16, 32, 3, 3], { padding: 1 }],
  ['pointwise', [2, 32, 4, 4], [16, 32, 1, 1], {}],
  ['stride 2', [2, 16, 6, 6], [16, 16, 3, 3], { stride: 2, padding: 1 }],
  [
    'padding after only',
    [1, 16, 6, 6],
    [16, 16, 3, 3],
    {
      stride: 2,
      padding: [
        [0, 1],
        [0, 1],
      ],
    },
  ],
  ['stride 2, more padding than the kernel reaches', [2, 16, 6, 6], [16, 16, 2, 2], { stride: 2, padding: 3 }],
  ['pointwise, stride 2', [2, 16, 5, 5], [32, 16, 1, 1], { stride: 2 }],
  ['dilation 2', [2, 16, 7, 7], [16, 16, 3, 3], { dilation: 2, padding: 2 }],
  [
    'padding that differs on every side',
    [2, 16, 5, 5],
    [16, 16, 3, 3],
    {
      padding: [
        [2, 0],
        [1, 2],
      ],
    },
  ],
  ['an oblong kernel', [2, 16, 5, 6], [16, 16, 1, 3], { padding: [0, 1] }],
  ['an even kernel', [2, 16, 5, 5], [16, 16, 2, 2], {}],
  ['a large batch of small pictures', [16, 16, 4, 4], [16, 16, 3, 3], { padding: 1 }],
  ['a large batch of small pictures, stride 2', [16, 16, 4, 4], [16, 16, 3, 3], { stride: 2, padding: 1 }],
  [
    'a large batch of small pictures, padding after only',
    [16, 16, 4, 4],
    [16, 16, 3, 3],
    {
      stride: 2,
      padding: [
        [0, 1],
        [0, 1],
      ],
    },
  ],
  ['a large batch of small pictures, pixels left over', [16, 16, 5, 5], [16, 16, 2, 2], { stride: 2 }],
  ['channels in, whole blocks out', [2, 3, 6, 6], [16, 3, 3, 3], { padding: 1 }],
  ['whole blocks in, channels out', [2, 16, 6, 6], [3, 16, 3, 3], { padding: 1 }],
  ['eight channels', [2, 8, 4, 4], [24, 8, 3, 3], { padding: 1 }],
  ['groups', [2, 32, 4, 4], [32, 16, 3, 3], { groups: 2, padding: 1 }],
  ['one dimension', [2, 16, 12], [32, 16, 3], { padding: 1 }],
];

describe('a convolution', () => {
  test.each(SETTINGS)('%s', async (name, x, w, options) => {
    await expectReferenceValues(
      engines,
      opCase(name, [x, w, [w[0]!]], (a, b, c) => conv(a, b, c, options)),
    );
  });

  test('larger than the limit for stacked copies', async () => {
    const item = opCase(
      'large',
      [
        [1, 16, 260, 256],
        [2, 16, 3, 3],
      ],
      (a, b) => conv(a, b, undefined, { padding: 1 }),
    );
    await expectReferenceValues(engines, item);
  });
});

describe('a convolution large enough for minimal filtering', () => {
  const LARGE: typeof SETTINGS = [
    ['3×3', [12, 64, 16, 16], [64, 64, 3, 3], { padding: 1 }],
    ['two groups of tile rows', [1, 64, 128, 24], [64, 64, 3, 3], { padding: 1 }],
    ['fewer channels out, other columns than rows', [8, 96, 16, 20], [64, 96, 3, 3], { padding: 1 }],
    [
      'padding that differs on every side, an oblong kernel',
      [16, 64, 15, 16],
      [64, 64, 3, 2],
      {
        padding: [
          [2, 1],
          [0, 1],
        ],
      },
    ],
  ];

  test.each(LARGE)('%s', async (name, x, w, options) => {
    const item = opCase(name, [x, w, [w[0]!]], (a, b, c) => conv(a, b, c, options));
    await expectReferenceValues([native], item);
    const { model } = lower(
      trace(() => resultsAndGradients(item)),
      { provider: 'cpu', block: 16 },
    );
    const products = model.nodes.filter(({ attributes }) => `${attributes.kernel_shape}` === `1,${w[3]}`);
    expect(products.length).toBeGreaterThanOrEqual(6);
    const sums = model.nodes.filter(({ attributes }) => `${attributes.dilations}` === '1,16');
    expect(sums).toHaveLength(6);
  });

  test('with a constant kernel is as near to float64 as with a changing one', async () => {
    const [x, w] = [{ shape: [12, 64, 16, 16] }, { shape: [64, 64, 3, 3] }];
    const [picture, kernel] = exampleInputs(opCase('constant', [x, w], (a) => a)) as [NdArray, NdArray];
    const variable = new Variable(w.shape, { name: 'w', initial: () => kernel });
    const body = () => conv(input('x', x.shape), variable.value, undefined, { padding: 1 });
    const run = async (engine: Engine, freeze: boolean): Promise<Float64Array> => {
      const program = await engine.compile(body, { freeze });
      const { output } = await program.run({ x: picture });
      await program.dispose();
      return toFloat64(output!);
    };
    const exact = await run(reference, false);
    expect(relativeError(await run(native, true), exact)).toBeLessThan(2e-6);
    expect(relativeError(await run(native, false), exact)).toBeLessThan(2e-6);
  });
});

describe('a transposed convolution', () => {
  test.each([
    ['stride 1', [2, 16, 4, 4], [16, 32, 3, 3], { padding: 1 }],
    ['stride 2', [2, 16, 4, 4], [16, 16, 4, 4], { stride: 2, padding: 1 }],
  ] as const)('%s', async (name, x, w, options) => {
    await expectReferenceValues(
      engines,
      opCase(name, [x, w], (a, b) => convTranspose(a, b, undefined, options)),
    );
  });
});

test('a block of a U-Net: norms, activations, convolutions and a skip', async () => {
  const shapes = [[2, 16, 4, 4], [16], [16], [32, 16, 3, 3], [32], [32], [32], [32, 32, 3, 3], [32, 16, 1, 1]];
  const item = opCase('residual block', shapes, (x, g1, b1, w1, c1, g2, b2, w2, skip) => {
    const h = conv(groupNorm(x!, 4, g1!, b1!).silu(), w1!, c1!, { padding: 1 });
    return conv(groupNorm(h, 8, g2!, b2!).silu(), w2!, undefined, { padding: 1 }).add(conv(x!, skip!));
  });
  await expectReferenceValues(engines, item);
});

test('a processor with blocks of 16 gets blocked kernels', () => {
  const item = opCase(
    '3×3',
    [
      [16, 16, 4, 4],
      [16, 16, 3, 3],
    ],
    (a, b) => conv(a, b, undefined, { padding: 1 }),
  );
  const { model } = lower(
    trace(() => resultsAndGradients(item)),
    { provider: 'cpu', block: 16 },
  );
  const blocked = model.nodes.filter(({ opType, domain }) => opType === 'Conv' && domain === 'com.microsoft.nchwc');
  expect(blocked.length).toBe(3);
});
