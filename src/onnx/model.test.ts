/** @file Serialised models: the same bytes every time, and weights in a file of their own where asked for or needed. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as ort from 'onnxruntime-node';
import { describe, expect, test } from 'vitest';
import { constant, conv, input, type Tensor, trace } from '../graph/index.ts';
import { fillUniform, ndArray, sizeOf } from '../tensor/index.ts';
import { lower } from './lower.ts';
import { type OnnxModel, serializeModel } from './model.ts';

const filled = (shape: readonly number[], draw: number) =>
  ndArray(fillUniform(new Float32Array(sizeOf(shape)), { seed: 3, draw }), shape);

/** A convolution and a product with weights above and below the size that goes outside. */
function network(): Tensor {
  const x = input('x', [1, 3, 8, 8]);
  const h = conv(x, constant(filled([16, 3, 3, 3], 0)), constant(filled([16], 1)), { padding: 1 }).relu();
  return h.mean({ axes: [2, 3] }).matmul(constant(filled([16, 40], 2)));
}

const modelOf = (body: () => Tensor): OnnxModel => lower(trace(body), { provider: 'any' }).model;

const feeds = (model: OnnxModel) => {
  const x = filled([1, 3, 8, 8], 3);
  return { [model.inputs[0]!.name]: new ort.Tensor('float32', x.data, x.shape) };
};

async function run(session: ort.InferenceSession, model: OnnxModel): Promise<number[]> {
  const results = await session.run(feeds(model));
  await session.release();
  return [...(results[model.outputs[0]!.name]!.data as Float32Array)];
}

describe('a serialised model', () => {
  test('is the same bytes for the same program', () => {
    const first = serializeModel(modelOf(network));
    trace(() => input('something else', [7]).exp().sum());
    const second = serializeModel(modelOf(network));
    expect(Buffer.compare(first.bytes, second.bytes)).toBe(0);
  });

  test('keeps its weights inside by default', async () => {
    const model = modelOf(network);
    const { bytes, external, externalName } = serializeModel(model);
    expect([external, externalName]).toEqual([[], undefined]);
    expect(bytes.length).toBeGreaterThan((16 * 3 * 9 + 16 * 40) * 4);
    const y = await run(await ort.InferenceSession.create(bytes), model);
    expect(y.length).toBe(40);
  });

  test('runs with large weights outside, from bytes and from disk, with the same result', async () => {
    const model = modelOf(network);
    const inside = await run(await ort.InferenceSession.create(serializeModel(model).bytes), model);
    const { bytes, external, externalName } = serializeModel(model, { externalName: 'weights.bin' });
    expect(externalName).toBe('weights.bin');
    // the bias is small enough to stay
    expect(external.map(({ length }) => length)).toEqual([16 * 3 * 9 * 4, 16 * 40 * 4]);
    const data = Buffer.concat(external);
    expect(bytes.length).toBeLessThan(2000);

    const memory = await ort.InferenceSession.create(bytes, { externalData: [{ path: 'weights.bin', data }] });
    expect(await run(memory, model)).toEqual(inside);

    const folder = mkdtempSync(join(tmpdir(), 'inkwash-onnx-'));
    try {
      writeFileSync(join(folder, 'model.onnx'), bytes);
      writeFileSync(join(folder, 'weights.bin'), data);
      expect(await run(await ort.InferenceSession.create(join(folder, 'model.onnx')), model)).toEqual(inside);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('runs with every large weight in a file of its own, past a limit for what is inside', async () => {
    const model = modelOf(network);
    const inside = await run(await ort.InferenceSession.create(serializeModel(model).bytes), model);
    expect(serializeModel(model, { insideLimit: 2 ** 20, eachApart: true }).external).toEqual([]);
    const { bytes, external, externalName } = serializeModel(model, { insideLimit: 2000, eachApart: true });
    expect(external.map(({ length }) => length)).toEqual([16 * 3 * 9 * 4, 16 * 40 * 4]);
    const externalData = external.map((data, i) => ({ path: `${externalName}.${i}`, data }));
    expect(await run(await ort.InferenceSession.create(bytes, { externalData }), model)).toEqual(inside);
  });

  test('puts its weights outside by itself when protobuf could not hold them', () => {
    // zero pages that are never touched
    const huge = { dtype: 'float32', shape: [2 ** 29], data: new Float32Array(2 ** 29) } as const;
    const model = modelOf(() => constant(huge).mul(input('x', [1])));
    const { bytes, external, externalName } = serializeModel(model);
    expect(externalName).toBe('weights.bin');
    expect(external.map(({ byteLength }) => byteLength)).toEqual([2 ** 31]);
    expect(bytes.length).toBeLessThan(1000);
  });

  test('says who wrote it, and only the operator sets it uses', () => {
    const model = modelOf(network);
    expect(model.opsets).toEqual({ '': 21 });
    const text = Buffer.from(serializeModel({ ...model, metadata: { author: 'someone' } }).bytes).toString('latin1');
    for (const word of ['inkwash', 'author', 'someone', 'input:x']) expect(text).toContain(word);
  });

  test('holds every element type', async () => {
    const dtypes = ['float32', 'float64', 'int32', 'int64', 'uint8', 'bool'] as const;
    for (const dtype of dtypes) {
      const { model } = lower(
        trace(() => input('x', [2, 2], dtype).reshape([4])),
        { provider: 'any' },
      );
      const session = await ort.InferenceSession.create(serializeModel(model).bytes);
      expect(session.inputMetadata).toMatchObject([{ name: 'input:x', type: dtype, shape: [2, 2] }]);
      await session.release();
    }
  });
});
