/** @file Models parted from their constants compute what they did, and keep what the runtime computes once. */
import * as ort from 'onnxruntime-node';
import { describe, expect, test } from 'vitest';
import { constant, input, type Tensor, trace } from '../graph/index.ts';
import { fillUniform, ndArray, sizeOf } from '../tensor/index.ts';
import { handOverConstants, type PartedModel } from './hand-over.ts';
import { lower } from './lower.ts';
import { type OnnxModel, serializeModel } from './model.ts';

const filled = (shape: readonly number[], draw: number) =>
  ndArray(fillUniform(new Float32Array(sizeOf(shape)), { seed: 5, draw }), shape);

const SIZE = 300;
/** Bytes of one of the matrices. */
const MATRIX = 4 * SIZE * SIZE;

/** A product with one matrix, one with the product of two others (too large to be folded before the runtime does), and a bias. */
function network(): Tensor {
  const [a, b, c] = [0, 1, 2].map((draw) => constant(filled([SIZE, SIZE], draw))) as [Tensor, Tensor, Tensor];
  return input('x', [1, SIZE])
    .matmul(a)
    .matmul(b.matmul(c))
    .add(constant(filled([SIZE], 3)));
}

const modelOf = (body: () => Tensor): OnnxModel => lower(trace(body), { provider: 'cpu' }).model;

async function run({ model, constants }: PartedModel): Promise<number[]> {
  const session = await ort.InferenceSession.create(serializeModel(model).bytes, { logSeverityLevel: 3 });
  const x = filled([1, SIZE], 4);
  const feeds = { 'input:x': new ort.Tensor('float32', x.data, x.shape) };
  for (const [name, { data, shape }] of constants) {
    Object.assign(feeds, { [name]: new ort.Tensor('float32', data as Float32Array, shape) });
  }
  const results = await session.run(feeds);
  await session.release();
  return [...(results[model.outputs[0]!.name]!.data as Float32Array)];
}

describe('a model parted from its constants', () => {
  test('computes the same, handed the large ones', async () => {
    const model = modelOf(network);
    const parted = handOverConstants(model, MATRIX, MATRIX);
    expect([...parted.constants.values()].map(({ shape }) => shape)).toEqual([[SIZE, SIZE]]);
    const [whole, apart] = [await run({ model, constants: new Map() }), await run(parted)];
    const largest = Math.max(...whole.map(Math.abs));
    for (const [i, value] of apart.entries()) expect(Math.abs(value - whole[i]!)).toBeLessThan(1e-5 * largest);
  });

  test('keeps what decides values alone: the runtime computes those once', () => {
    const { model } = handOverConstants(modelOf(network), MATRIX, MATRIX);
    const inside = [...model.initializers.values()].map(({ shape }) => shape);
    expect(inside).toEqual(expect.arrayContaining([[SIZE, SIZE], [SIZE, SIZE], [SIZE]]));
    expect(model.inputs.length).toBe(2);
  });

  test('is the model itself below the limit', () => {
    const model = modelOf(network);
    expect(handOverConstants(model, 3 * MATRIX + 5 * SIZE)).toEqual({ model, constants: new Map() });
  });

  test('holds far fewer bytes', () => {
    const model = modelOf(() => input('x', [1, SIZE]).matmul(constant(filled([SIZE, SIZE], 0))));
    expect(serializeModel(model).bytes.length).toBeGreaterThan(MATRIX);
    expect(serializeModel(handOverConstants(model, MATRIX).model).bytes.length).toBeLessThan(1000);
  });
});
