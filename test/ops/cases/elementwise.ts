/** @file Cases of elementwise ops. */
import type { BinaryOp, Comparison, Tensor, UnaryOp } from '../../../src/graph/index.ts';
import { createNode, where } from '../../../src/graph/index.ts';
import { type InputSpec, type OpCase, opCase, values } from '../op-case.ts';

const SHAPES = [[], [5], [2, 3, 4]] as const;

/** The op on a scalar, a row and a rank-3 tensor, with numbers of `range`; then the cases given. */
function unary(op: UnaryOp, range: readonly [number, number], ...more: OpCase[]): OpCase[] {
  const apply = (x: Tensor): Tensor => createNode(op, [x], {});
  return [...SHAPES.map((shape) => opCase(`[${shape}]`, [{ shape, range }], apply)), ...more];
}

/** Values only: corners where there is no derivative. */
function corners(op: UnaryOp, numbers: readonly number[], dtype: InputSpec['dtype'] = 'float32'): OpCase {
  return opCase(`${dtype} ${numbers}`, [values(numbers, dtype)], (x) => createNode(op, [x], {}), { wrt: [] });
}

/** The op on every kind of broadcast. */
function binary(
  op: BinaryOp,
  left: Omit<InputSpec, 'shape'>,
  right: Omit<InputSpec, 'shape'>,
  ...more: OpCase[]
): OpCase[] {
  const pairs: [number[], number[]][] = [
    [[], []],
    [
      [2, 3],
      [2, 3],
    ],
    [[2, 3, 4], [4]],
    [[3], [2, 3]],
    [
      [2, 1, 4],
      [3, 1],
    ],
    [
      [1, 3],
      [2, 1],
    ],
    [[2, 3], []],
    [[], [2, 3]],
    [
      [2, 3, 2, 2],
      [3, 1, 1],
    ],
  ];
  const apply = (a: Tensor, b: Tensor): Tensor => createNode(op, [a, b], {});
  return [
    ...pairs.map(([a, b]) =>
      opCase(
        `[${a}] and [${b}]`,
        [
          { shape: a, ...left },
          { shape: b, ...right },
        ],
        apply,
      ),
    ),
    ...more,
  ];
}

function binaryCorners(op: BinaryOp, a: readonly number[], b: readonly number[], dtype: InputSpec['dtype']): OpCase {
  const apply = (x: Tensor, y: Tensor): Tensor => createNode(op, [x, y], {});
  return opCase(`${dtype} ${a} and ${b}`, [values(a, dtype), values(b, dtype)], apply, { wrt: [] });
}

/** A binary op on whole numbers. */
const integers = (op: BinaryOp, right: readonly [number, number] = [-5, 6]): OpCase[] =>
  (['int32', 'int64'] as const).map((dtype) =>
    opCase(
      `${dtype}[2, 3] and [3]`,
      [
        { shape: [2, 3], dtype },
        { shape: [3], dtype, range: right },
      ],
      (a, b) => createNode(op, [a, b], {}),
    ),
  );

const SIGNED_ZERO_ONE_HALF = [-2.5, -1.5, -1, -0.5, 0, 0.5, 1, 1.5, 2.5];

const comparison = (op: Comparison): OpCase[] => [
  ...binary(op, {}, {}),
  ...integers(op),
  binaryCorners(op, [1, 2, 3, 2], [1, 3, 2, 2], 'float32'),
];

export const elementwiseCases = {
  neg: unary('neg', [-2, 2], corners('neg', [-3, 0, 4], 'int32')),
  abs: unary('abs', [-2, 2], corners('abs', [-3, 0, 4], 'int32'), corners('abs', [0])),
  sign: unary('sign', [-2, 2], corners('sign', [-3, 0, 4], 'int32'), corners('sign', [-0.5, 0, 2, Number.NaN])),
  exp: unary('exp', [-2, 2], corners('exp', [-200, -10, 0, 10])),
  log: unary('log', [0.2, 3], corners('log', [1e-30, 1, 1e30])),
  sqrt: unary('sqrt', [0.2, 3], corners('sqrt', [0, 1e-30, 4, 1e30])),
  reciprocal: unary('reciprocal', [0.3, 2], ...unary('reciprocal', [-2, -0.3])),
  sin: unary('sin', [-4, 4]),
  cos: unary('cos', [-4, 4]),
  tanh: unary('tanh', [-2, 2], corners('tanh', [-100, -9, 0, 9, 100])),
  sigmoid: unary('sigmoid', [-4, 4], corners('sigmoid', [-80, -20, 0, 20, 200])),
  erf: unary('erf', [-2, 2], corners('erf', [-10, -3, 0, 3, 10])),
  relu: unary('relu', [-2, 2], corners('relu', [-1, 0, 1, Number.NaN]), corners('relu', [-3, 0, 4], 'int32')),
  floor: unary('floor', [-2, 2], corners('floor', SIGNED_ZERO_ONE_HALF)),
  ceil: unary('ceil', [-2, 2], corners('ceil', SIGNED_ZERO_ONE_HALF)),
  round: unary('round', [-2, 2], corners('round', SIGNED_ZERO_ONE_HALF)),
  not: [corners('not', [0, 1, 1, 0], 'bool')],

  add: [...binary('add', {}, {}), ...integers('add')],
  sub: [...binary('sub', {}, {}), ...integers('sub')],
  mul: [...binary('mul', {}, {}), ...integers('mul'), opCase('a tensor with itself', [[2, 3]], (x) => x.mul(x))],
  div: [
    ...binary('div', {}, { range: [0.5, 2] }),
    ...integers('div', [1, 4]),
    binaryCorners('div', [-7, 7, -7, 7], [2, 2, -2, -2], 'int32'),
    opCase('a number by a tensor', [{ shape: [4], range: [-2, -0.5] }], (x) =>
      createNode('reciprocal', [x], {}).div(x),
    ),
    ...[4, 3, -0.5].map((divisor) => opCase(`by ${divisor}`, [[2, 3]], (x) => x.div(divisor))),
  ],
  pow: [
    ...binary('pow', { range: [0.3, 2] }, {}),
    ...[1, 2, 3, -1].map((n) =>
      opCase(`of negative numbers, to ${n}`, [{ shape: [4], range: [-2, -0.5] }], (x) => x.pow(n)),
    ),
    binaryCorners('pow', [0, 0, 2, 2], [2, 0, 0, -1], 'float32'),
  ],
  mod: [
    ...binary('mod', { range: [-5, 5] }, { range: [1.1, 2] }),
    ...integers('mod', [1, 4]),
    binaryCorners('mod', [-7, 7, -7, 7], [3, 3, -3, -3], 'int32'),
    binaryCorners('mod', [-7.5, 7.5, -7.5, 7.5], [2, 2, -2, -2], 'float32'),
  ],
  maximum: [
    ...binary('maximum', {}, {}),
    ...integers('maximum'),
    binaryCorners('maximum', [1, 2, Number.NaN, 0], [1, 3, 0, Number.NaN], 'float32'),
  ],
  minimum: [
    ...binary('minimum', {}, {}),
    ...integers('minimum'),
    binaryCorners('minimum', [1, 2, Number.NaN, 0], [1, 3, 0, Number.NaN], 'float32'),
  ],
  and: [...binary('and', { dtype: 'bool' }, { dtype: 'bool' })],
  or: [...binary('or', { dtype: 'bool' }, { dtype: 'bool' })],
  equal: [...comparison('equal'), ...binary('equal', { dtype: 'bool' }, { dtype: 'bool' })],
  less: comparison('less'),
  lessEqual: comparison('lessEqual'),
  greater: comparison('greater'),
  greaterEqual: comparison('greaterEqual'),

  where: [
    opCase('[2, 3] thrice', [{ shape: [2, 3], dtype: 'bool' }, [2, 3], [2, 3]], (c, a, b) => where(c, a, b)),
    opCase('broadcasting all three', [{ shape: [2, 1, 1], dtype: 'bool' }, [3, 1], [4]], (c, a, b) => where(c, a, b)),
    opCase('with numbers', [[2, 3]], (x) => where(x.greater(0), x, 0.25)),
    opCase(
      'int64',
      [
        { shape: [4], dtype: 'bool' },
        { shape: [4], dtype: 'int64' },
        { shape: [], dtype: 'int64' },
      ],
      (c, a, b) => where(c, a, b),
    ),
  ],
  cast: [
    opCase('float32 to int32', [values([-2.7, -0.5, 0, 0.5, 2.7])], (x) => x.cast('int32')),
    opCase('float32 to int64', [values([-2.7, -0.5, 0, 0.5, 2.7])], (x) => x.cast('int64')),
    opCase('float32 to uint8', [values([0, 0.5, 2.7, 255])], (x) => x.cast('uint8')),
    opCase('float32 to bool', [values([-2.7, 0, 0.5])], (x) => x.cast('bool')),
    opCase('bool to float32', [values([0, 1], 'bool')], (x) => x.cast('float32')),
    opCase('int64 to float32', [values([-3, 0, 7], 'int64')], (x) => x.cast('float32')),
    opCase('int64 to int32', [values([-3, 0, 7], 'int64')], (x) => x.cast('int32')),
    opCase('there and back', [[2, 3]], (x) => x.cast('float64').mul(x.cast('float64')).cast('float32')),
  ],
} as const;
