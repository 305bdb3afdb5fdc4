/** @file Pictures that stay in blocks between convolutions: every op that takes them there, against the reference engine. */
import { afterAll, describe, expect, test } from 'vitest';
import { gradients } from '../../src/autodiff/index.ts';
import { concat, conv, groupNorm, input, resize, type Tensor, trace, Variable, where } from '../../src/graph/index.ts';
import { lower } from '../../src/onnx/index.ts';
import { type NdArray, ndArray, sizeOf, toFloat64 } from '../../src/tensor/index.ts';
import { expectReferenceValues, native } from './engines.ts';
import { relativeError } from './float64.ts';
import { exampleInputs, type InputSpec, opCase } from './op-case.ts';

afterAll(() => native.dispose());

/** Pictures of 32 channels that a convolution has left in blocks, and what follows. */
const shapes = [[2, 16, 4, 6], [32, 16, 1, 1], [2, 32, 1, 1], [32], [32], [64, 32, 3, 3]];
type Operands = [x: Tensor, shift: Tensor, gamma: Tensor, beta: Tensor, w: Tensor];

const CASES: readonly [name: string, body: (...operands: Operands) => Tensor | readonly Tensor[]][] = [
  ['groupNorm', (x, _, gamma, beta) => groupNorm(x, 8, gamma, beta)],
  ['groupNorm of single channels', (x, _, gamma, beta) => groupNorm(x, 32, gamma, beta).silu()],
  ['a shift of planes', (x, shift) => x.add(shift)],
  ['a shift of planes, on the left', (x, shift) => shift.add(x)],
  ['groupNorm of shifted planes', (x, shift, gamma, beta) => groupNorm(x.add(shift), 8, gamma, beta)],
  [
    'groupNorm of shifted planes that others read too',
    (x, shift, gamma, beta) => [groupNorm(x.add(shift), 8, gamma, beta), x.add(shift).silu()],
  ],
  ['a product with a number', (x) => x.mul(0.5).add(3)],
  ['a sum of pictures', (x) => x.add(x.silu()).tanh()],
  ['a product with planes', (x, shift) => x.mul(shift)],
  ['a sum with a row of channels', (x, _, gamma) => x.add(gamma.reshape([1, 32, 1, 1]))],
  ['a comparison', (x) => where(x.greater(x.mul(2)), x, 0)],
  ['pictures beside each other', (x) => concat([x, x.silu()], 1)],
  ['pictures beside each other, of which one is laid out plainly', (x, shift) => concat([x, x.mul(shift)], 1)],
  ['whole blocks of channels', (x) => [x.slice(1, 0, 16), x.slice(1, 16, 32)]],
  ['channels across blocks', (x) => x.slice(1, 8, 24)],
  ['some rows', (x) => x.slice(2, 1, 3)],
  ['some pictures', (x) => x.slice(0, 1, 2)],
  ['sums over pixels', (x) => [x.sum({ axes: [2, 3] }), x.sum({ axes: [2, 3], keepDims: true })]],
  ['sums over batch and pixels', (x) => [x.sum({ axes: [0, 2, 3] }), x.sum({ axes: [0, 2, 3], keepDims: true })]],
  ['sums over other axes', (x) => [x.sum({ axes: [1, 2, 3] }), x.sum({ axes: [3] }), x.sum({ axes: [0, 1] })]],
  ['pictures above each other', (x) => concat([x, x.silu()], 2)],
  ['twice the size', (x) => resize(x, { size: [8, 12] })],
  [
    'twice the size, convolved',
    (x, _shift, _gamma, _beta, w) => conv(resize(x, { size: [8, 12] }), w, undefined, { padding: 1 }),
  ],
  [
    'twice the height, convolved',
    (x, _, gamma, _beta, w) => conv(resize(x, { size: [8, 6] }), w.slice(0, 0, 32), gamma, { padding: 1 }),
  ],
  [
    'twice the height and three times the width, convolved without padding at the right',
    (x, _, gamma, _beta, w) =>
      conv(resize(x, { size: [8, 18] }), w.slice(0, 0, 32), gamma, {
        padding: [
          [1, 1],
          [1, 0],
        ],
      }),
  ],
  [
    'twice the size, convolved by one column',
    (x, _, gamma, _beta, w) =>
      conv(resize(x, { size: [8, 12] }), w.slice(0, 0, 32).slice(3, 0, 1), gamma, {
        padding: [
          [1, 1],
          [0, 0],
        ],
      }),
  ],
  [
    'twice the size, convolved at stride 2, and three times the height',
    (x, _shift, _gamma, _beta, w) => [
      conv(resize(x, { size: [8, 12] }), w, undefined, { padding: 1, stride: 2 }),
      conv(resize(x, { size: [12, 12] }), w, undefined, { padding: 1 }),
      conv(resize(x, { size: [8, 12] }), w.slice(2, 0, 1), undefined, {}),
    ],
  ],
  ['half the size', (x) => resize(x, { size: [2, 3] })],
  ['twice the size, bilinear', (x) => resize(x, { size: [8, 12], mode: 'bilinear' })],
  ['a number per picture', (x) => x.mean({ axes: [2, 3], keepDims: true }).add(x)],
  ['a convolution', (x, _, gamma, beta, w) => conv(groupNorm(x, 8, gamma, beta).silu(), w, undefined, { padding: 1 })],
];

describe('in blocks, with gradients', () => {
  test.each(CASES)('%s', async (name, body) => {
    const item = opCase(name, shapes, (x, w, ...rest) => body(...([conv(x!, w!), ...rest] as Operands)));
    await expectReferenceValues([native], item);
  });
});

test('group norm keeps its digits far from zero', async () => {
  const far: InputSpec = { shape: [2, 16, 8, 8], range: [19, 21] };
  const identity: InputSpec = { shape: [16, 16, 1, 1], values: Array.from({ length: 256 }, (_, i) => +(i % 17 === 0)) };
  const item = opCase(
    'far',
    [far, identity, [16], [16]],
    (x, w, gamma, beta) => groupNorm(conv(x!, w!), 4, gamma!, beta!),
    { wrt: [] },
  );
  await expectReferenceValues([native], item);
});

/** Largest relative difference of what a body gives with constant kernels and with changing ones. */
async function differenceWhenFrozen(
  shapes: readonly (readonly number[])[],
  body: (x: Tensor, ...weights: Tensor[]) => Tensor,
): Promise<number> {
  const [x, ...weights] = exampleInputs(opCase('constant', shapes, (a) => a!)) as [NdArray, ...NdArray[]];
  const variables = weights.map((value, i) => new Variable(value.shape, { name: `w${i}`, initial: () => value }));
  const [frozen, changing] = await Promise.all(
    [true, false].map(async (freeze) => {
      const program = await native.compile(() => body(input('x', x.shape), ...variables.map(({ value }) => value)), {
        freeze,
      });
      const { output } = await program.run({ x });
      await program.dispose();
      return toFloat64(output!);
    }),
  );
  return relativeError(frozen!, changing!);
}

test('constant kernels, of few channels and of odd ones too, give what changing kernels give', async () => {
  const shapes = [[2, 3, 8, 8], [32, 3, 3, 3], [32], [5, 32, 3, 3], [5]];
  const difference = await differenceWhenFrozen(shapes, (x, w1, b1, w2, b2) => {
    const h = conv(x, w1!, b1!, { padding: 1 }).silu();
    return conv(h, w2!, b2!, { padding: 1 });
  });
  expect(difference).toBeLessThan(1e-6);
});

test('constant kernels of enlarged pictures give what changing kernels give', async () => {
  const shapes = [[2, 16, 4, 6], [32, 16, 1, 1], [16, 32, 3, 3], [16]];
  const difference = await differenceWhenFrozen(shapes, (x, w1, w2, b2) =>
    conv(resize(conv(x, w1!), { size: [8, 12] }), w2!, b2!, { padding: 1 }),
  );
  expect(difference).toBeLessThan(1e-6);
});

test('constant kernels of pictures beside each other, which are never joined, give what changing kernels give', async () => {
  const body = (x: Tensor, w1: Tensor, gamma: Tensor, beta: Tensor, w2: Tensor, b2: Tensor, skip: Tensor) => {
    const h = conv(x, w1);
    const joined = concat([h, h.silu(), h.add(1).slice(1, 16, 32), h.tanh().slice(1, 0, 16)], 1);
    const normal = groupNorm(joined, 4, gamma, beta).silu();
    return conv(normal, w2, b2, { padding: 1 }).add(conv(joined, skip));
  };
  const small = [[2, 16, 8, 8], [32, 16, 1, 1], [96], [96], [16, 96, 3, 3], [16], [16, 96, 1, 1]];
  const large = [[40, 16, 8, 8], [32, 16, 1, 1], [96], [96], [64, 96, 3, 3], [64], [64, 96, 1, 1]];
  const run = body as (x: Tensor, ...weights: Tensor[]) => Tensor;
  expect(await differenceWhenFrozen(small, run)).toBeLessThan(1e-6);
  expect(await differenceWhenFrozen(large, run)).toBeLessThan(2e-6);
  const variables = small.slice(1).map((shape, i) => new Variable(shape, { name: `w${i}` }));
  const graph = trace(() => run(input('x', small[0]!), ...variables.map(({ value }) => value)));
  const joins = (freeze: boolean) => {
    const frozen = ({ shape }: Variable) => (freeze ? ndArray(new Float32Array(sizeOf(shape)), shape) : undefined);
    const { model } = lower(graph, { provider: 'cpu', block: 16 }, { frozen });
    const pictures = model.nodes.filter(({ opType, attributes }) => opType === 'Concat' && attributes.axis === 1);
    return pictures.length;
  };
  expect(joins(false)).toBe(1);
  // of means and of squares, no pictures
  expect(joins(true)).toBe(2);
});

test('a convolution of twice the size takes six products of two taps at half the size', () => {
  const w = (name: string, shape: readonly number[]) => new Variable(shape, { name }).value;
  const body = () => {
    const x = conv(input('x', [2, 32, 4, 6]), w('in', [32, 32, 1, 1]));
    return conv(resize(x, { size: [8, 12] }), w('out', [32, 32, 3, 3]), undefined, { padding: 1 });
  };
  const { model } = lower(trace(body), { provider: 'cpu', block: 16 });
  const count = (op: string, kernel?: string) =>
    model.nodes.filter(
      ({ opType, attributes }) => opType === op && (kernel === undefined || `${attributes.kernel_shape}` === kernel),
    ).length;
  expect(count('Conv', '1,2')).toBe(6);
  expect(count('Conv', '3,3')).toBe(0);
  expect(count('Upsample')).toBe(0);
});

test('the gradient through a convolution of twice the size is one convolution at stride 2', () => {
  const w = (name: string, shape: readonly number[]) => new Variable(shape, { name });
  const first = w('in', [32, 32, 1, 1]);
  const body = () => {
    const x = conv(input('x', [2, 32, 4, 6]), first.value);
    const y = conv(resize(x, { size: [8, 12] }), w('out', [32, 32, 3, 3]).value, undefined, { padding: 1 });
    return gradients(y.square().sum(), [first])[0]!;
  };
  const { model } = lower(trace(body), { provider: 'cpu', block: 16 });
  expect(model.nodes.some(({ opType }) => opType === 'AveragePool')).toBe(false);
  const halving = model.nodes.filter(({ attributes }) => `${attributes.kernel_shape}` === '4,4');
  expect(halving.map(({ attributes }) => attributes.strides)).toEqual([[2, 2]]);
});

test('a block of a U-Net enters the blocks once and leaves them once', () => {
  const w = (name: string, shape: readonly number[]) => new Variable(shape, { name }).value;
  const norm = (x: Tensor, name: string) => groupNorm(x, 8, w(`${name}.gamma`, [32]), w(`${name}.beta`, [32])).silu();
  const body = () => {
    const x = conv(input('x', [2, 32, 8, 8]), w('in', [32, 32, 3, 3]), undefined, { padding: 1 });
    const h = conv(norm(x, 'first'), w('middle', [32, 32, 3, 3]), undefined, { padding: 1 });
    const shifted = h.add(input('t', [2, 32, 1, 1]));
    return conv(norm(shifted, 'second'), w('out', [32, 32, 3, 3]), undefined, { padding: 1 }).add(x);
  };
  const { model } = lower(trace(body), { provider: 'cpu', block: 16 });
  const count = (op: string, from?: string) =>
    model.nodes.filter(({ opType, inputs }) => opType === op && (from === undefined || inputs[0] === from)).length;
  expect(count('ReorderInput', 'input:x')).toBe(1);
  expect(count('ReorderOutput')).toBe(1);
  expect(count('LayerNormalization')).toBe(0);
});

test('gradients of a block of a U-Net stay in the blocks, and so do the pictures that they read', () => {
  const w = (name: string, shape: readonly number[]) => new Variable(shape, { name }).value;
  const norm = (x: Tensor, name: string) => groupNorm(x, 8, w(`${name}.gamma`, [32]), w(`${name}.beta`, [32])).silu();
  const body = () => {
    const kernel = w('middle', [32, 32, 3, 3]);
    const x = conv(input('x', [2, 32, 8, 8]), w('in', [32, 32, 3, 3]), undefined, { padding: 1 });
    const h = conv(norm(x, 'first'), kernel, undefined, { padding: 1 }).add(input('t', [2, 32, 1, 1]));
    const y = conv(norm(h, 'second'), w('out', [32, 32, 3, 3]), undefined, { padding: 1 }).add(x);
    return { dIn: gradients(y.square().mean(), [x])[0]! };
  };
  const { model } = lower(trace(body), { provider: 'cpu', block: 16 });
  const writes = (op: string) => model.nodes.filter(({ opType }) => opType === op).length;
  expect(writes('ReorderOutput')).toBeLessThanOrEqual(2);
  expect(writes('LayerNormalization')).toBe(0);
});
