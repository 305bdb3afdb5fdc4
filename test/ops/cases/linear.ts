/** @file Cases of matrix products, convolutions, pooling and resizing. */
import {
  avgPool,
  type ConvAttrs,
  type ConvOptions,
  conv,
  convTranspose,
  createNode,
  maxPool,
  type PoolOptions,
  resize,
} from '../../../src/graph/index.ts';
import { type OpCase, opCase } from '../op-case.ts';

interface ConvSetting extends ConvOptions {
  readonly x: readonly number[];
  /** [out, in / groups, ...kernel] for conv; [in, out / groups, ...kernel] for convTranspose. */
  readonly w: readonly number[];
  readonly outputPadding?: number | readonly number[];
}

const CONVOLUTIONS: Readonly<Record<string, ConvSetting>> = {
  'a pointwise kernel': { x: [2, 3, 3, 3], w: [4, 3, 1, 1] },
  '3×3 without padding': { x: [2, 2, 4, 5], w: [3, 2, 3, 3] },
  '3×3 with padding 1': { x: [2, 2, 4, 4], w: [3, 2, 3, 3], padding: 1 },
  'stride 2': { x: [1, 2, 5, 5], w: [3, 2, 3, 3], stride: 2, padding: 1 },
  'stride 2, with pixels left over': { x: [1, 2, 6, 5], w: [2, 2, 3, 2], stride: 2 },
  'a pointwise kernel with stride 2': { x: [2, 2, 4, 3], w: [3, 2, 1, 1], stride: 2 },
  'padding after only (diffusers downsampling)': {
    x: [1, 2, 4, 4],
    w: [2, 2, 3, 3],
    stride: 2,
    padding: [
      [0, 1],
      [0, 1],
    ],
  },
  'padding that differs on every side': {
    x: [1, 1, 3, 4],
    w: [2, 1, 3, 3],
    padding: [
      [2, 0],
      [1, 3],
    ],
  },
  'padding that differs on every side, within the reach of the kernel': {
    x: [1, 2, 4, 4],
    w: [2, 2, 3, 3],
    padding: [
      [2, 0],
      [1, 2],
    ],
  },
  'dilation 2': { x: [1, 2, 6, 6], w: [2, 2, 3, 3], dilation: 2, padding: 2 },
  'dilation and stride': { x: [1, 2, 7, 7], w: [2, 2, 2, 3], dilation: [3, 2], stride: [2, 1] },
  'two groups': { x: [2, 4, 3, 3], w: [6, 2, 3, 3], groups: 2, padding: 1 },
  'two groups, one item, stride 2': { x: [1, 4, 4, 4], w: [4, 2, 2, 2], groups: 2, stride: 2 },
  depthwise: { x: [2, 3, 4, 4], w: [3, 1, 3, 3], groups: 3, padding: 1 },
  'depthwise, two kernels a channel': { x: [1, 2, 3, 3], w: [4, 1, 2, 2], groups: 2 },
  'a kernel as large as the picture': { x: [2, 2, 3, 3], w: [3, 2, 3, 3] },
  'an oblong kernel': { x: [1, 2, 4, 5], w: [2, 2, 1, 3], padding: [0, 1] },
  'one dimension': { x: [2, 3, 7], w: [4, 3, 3], padding: 1 },
  'one dimension, stride 2, dilation 2': { x: [2, 2, 9], w: [2, 2, 3], stride: 2, dilation: 2, padding: [[1, 2]] },
  'one dimension, groups': { x: [1, 4, 6], w: [4, 2, 2], groups: 2 },
};

const TRANSPOSED: Readonly<Record<string, ConvSetting>> = {
  'a pointwise kernel': { x: [2, 3, 3, 3], w: [3, 2, 1, 1] },
  '3×3 with padding 1': { x: [2, 2, 3, 4], w: [2, 3, 3, 3], padding: 1 },
  'stride 2 doubles the size': { x: [1, 2, 3, 3], w: [2, 3, 4, 4], stride: 2, padding: 1 },
  'stride 2 with output padding': { x: [1, 2, 3, 3], w: [2, 2, 3, 3], stride: 2, padding: 1, outputPadding: 1 },
  'stride 3, gaps in between': { x: [1, 2, 3, 2], w: [2, 2, 2, 2], stride: 3 },
  'dilation 2': { x: [1, 2, 3, 3], w: [2, 2, 2, 3], dilation: 2, padding: 1 },
  'more padding than reach': { x: [1, 1, 5, 5], w: [1, 2, 1, 1], padding: 1 },
  'two groups': { x: [2, 4, 3, 3], w: [4, 3, 3, 3], groups: 2, padding: 1 },
  'one dimension': { x: [2, 3, 4], w: [3, 2, 4], stride: 2, padding: 1 },
  'padding that differs on every side': {
    x: [1, 2, 3, 3],
    w: [2, 2, 3, 3],
    stride: 2,
    padding: [
      [0, 1],
      [2, 0],
    ],
  },
};

const convCases = Object.entries(CONVOLUTIONS).flatMap(([name, { x, w, ...options }]) => [
  opCase(name, [x, w], (a, b) => conv(a, b, undefined, options)),
  opCase(`${name}, with bias`, [x, w, [w[0]!]], (a, b, c) => conv(a, b, c, options)),
]);

/** The op with weight gradients of each convolution, on its own. */
const weightGradCases = Object.entries(CONVOLUTIONS).map(([name, { x, w, ...options }]): OpCase => {
  const attrs = convAttrsOf(x, w, options);
  const spatial = x.slice(2).map((extent, axis) => {
    const [before, after] = attrs.padding[axis]!;
    const reach = attrs.dilation[axis]! * (w[axis + 2]! - 1) + 1;
    return Math.floor((extent + before + after - reach) / attrs.stride[axis]!) + 1;
  });
  return opCase(name, [x, [x[0]!, w[0]!, ...spatial]], (a, dy) =>
    createNode('convWeightGrad', [a, dy], { ...attrs, kernel: w.slice(2) }),
  );
});

function convAttrsOf(x: readonly number[], w: readonly number[], options: ConvOptions): ConvAttrs {
  const example = opCase('', [x, w], () => []);
  const [a, b] = example.specs.map(({ shape }) =>
    createNode('input', [], { name: 'example', shape, dtype: 'float32' }),
  ) as [never, never];
  const { node } = conv(a, b, undefined, options);
  if (node.op !== 'conv') throw new Error('conv makes a conv node');
  return node.attrs;
}

interface PoolSetting extends PoolOptions {
  readonly x: readonly number[];
  readonly kernel: number | readonly number[];
}

const POOLS: Readonly<Record<string, PoolSetting>> = {
  'tiles of 2×2': { x: [2, 2, 4, 6], kernel: 2 },
  'tiles that leave pixels over': { x: [1, 2, 5, 5], kernel: 2 },
  'overlapping windows': { x: [1, 2, 5, 4], kernel: 3, stride: 1 },
  'kernel 3, stride 2, padding 1': { x: [2, 1, 5, 6], kernel: 3, stride: 2, padding: 1 },
  'gaps between windows': { x: [1, 1, 7, 7], kernel: 2, stride: 3 },
  'padding that differs on every side': {
    x: [1, 2, 4, 4],
    kernel: [3, 2],
    stride: [2, 1],
    padding: [
      [1, 0],
      [0, 1],
    ],
  },
  'one dimension': { x: [2, 2, 6], kernel: 2 },
  'one dimension, overlapping, padded': { x: [2, 2, 6], kernel: 3, stride: 2, padding: 1 },
  'the whole picture': { x: [2, 3, 3, 3], kernel: 3 },
};

const RESIZES: readonly [x: number[], size: number[]][] = [
  [
    [2, 2, 2, 3],
    [4, 6],
  ],
  [
    [1, 2, 3, 3],
    [9, 6],
  ],
  [
    [1, 2, 4, 4],
    [2, 2],
  ],
  [
    [1, 2, 5, 4],
    [3, 7],
  ],
  [
    [1, 1, 3, 5],
    [7, 2],
  ],
  [
    [1, 1, 2, 4],
    [2, 8],
  ],
  [
    [1, 2, 4, 4],
    [1, 1],
  ],
  [
    [1, 2, 1, 1],
    [3, 3],
  ],
  [[2, 2, 4], [8]],
  [[2, 2, 5], [3]],
];

export const linearCases = {
  matmul: [
    ...[false, true].flatMap((transposeA) =>
      [false, true].flatMap((transposeB) => {
        const options = { transposeA, transposeB };
        const mark = `${transposeA ? 'ᵀ' : ''} · ${transposeB ? 'ᵀ' : ''}`;
        const turn = (shape: number[], turned: boolean): number[] =>
          turned ? [...shape.slice(0, -2), shape.at(-1)!, shape.at(-2)!] : shape;
        const pairs: [number[], number[]][] = [
          [
            [2, 3],
            [3, 4],
          ],
          [
            [2, 2, 3],
            [2, 3, 4],
          ],
          [
            [2, 1, 2, 3],
            [3, 3, 2],
          ],
          [
            [2, 2, 3],
            [3, 4],
          ],
          [
            [2, 3],
            [2, 3, 2],
          ],
          [
            [2, 2, 2, 3],
            [3, 2],
          ],
          [
            [1, 2, 3],
            [2, 3, 2],
          ],
          [
            [1, 3],
            [3, 1],
          ],
        ];
        return pairs.map(([a, b]) =>
          opCase(
            `[${turn(a, transposeA)}]${mark}[${turn(b, transposeB)}]`,
            [turn(a, transposeA), turn(b, transposeB)],
            (x, y) => x.matmul(y, options),
          ),
        );
      }),
    ),
    opCase('a matrix with itself', [[3, 3]], (x) => x.matmul(x, { transposeB: true })),
  ],
  conv: convCases,
  convTranspose: Object.entries(TRANSPOSED).flatMap(([name, { x, w, ...options }]) => [
    opCase(name, [x, w], (a, b) => convTranspose(a, b, undefined, options)),
    opCase(`${name}, with bias`, [x, w, [w[1]! * (options.groups ?? 1)]], (a, b, c) => convTranspose(a, b, c, options)),
  ]),
  convWeightGrad: weightGradCases,
  maxPool: Object.entries(POOLS).map(([name, { x, kernel, ...options }]) =>
    opCase(name, [x], (a) => maxPool(a, kernel, options)),
  ),
  avgPool: Object.entries(POOLS).flatMap(([name, { x, kernel, ...options }]) =>
    [true, false].map((countPadding) =>
      opCase(`${name}${countPadding ? '' : ', padding not counted'}`, [x], (a) =>
        avgPool(a, kernel, { ...options, countPadding }),
      ),
    ),
  ),
  resize: RESIZES.flatMap(([x, size]) => [
    opCase(`nearest [${x}] to [${size}]`, [x], (a) => resize(a, { size })),
    opCase(`bilinear [${x}] to [${size}]`, [x], (a) => resize(a, { size, mode: 'bilinear' })),
    opCase(`bilinear [${x}] to [${size}], corners aligned`, [x], (a) =>
      resize(a, { size, mode: 'bilinear', alignCorners: true }),
    ),
  ]),
} as const;
