import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ort from 'onnxruntime-node';
import { afterAll, expect, test } from 'vitest';
import { writeSchedulerConfig } from '../diffusion/gaussian/index.ts';
import { compileNetwork, UNet2DModel } from '../models/index.ts';
import { referenceEngine } from '../runtime/index.ts';
import { fillNormal } from '../tensor/index.ts';
import { DiffusionPipeline } from './diffusion-pipeline.ts';
import { exportOnnx } from './export-onnx.ts';
import { saveOnnx } from './save-onnx.node.ts';

const root = mkdtempSync(join(tmpdir(), 'inkwash-onnx-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const pipelineOf = (classes: number | null) =>
  new DiffusionPipeline({
    engine: referenceEngine(),
    unet: UNet2DModel.fromConfig({
      sample_size: 8,
      block_out_channels: [8, 16],
      down_block_types: ['DownBlock2D', 'AttnDownBlock2D'],
      up_block_types: ['AttnUpBlock2D', 'UpBlock2D'],
      layers_per_block: 1,
      norm_num_groups: 4,
      num_class_embeds: classes,
    }),
    scheduler: writeSchedulerConfig('DDPMScheduler'),
    ...(classes !== null && { notes: { classNames: ['a', 'b'], nullLabel: 2 } }),
  });

const x = fillNormal(new Float32Array(2 * 3 * 8 * 8), { seed: 1 });

test.each([null, 3])('computes what the network computes, on plain ONNX Runtime (classes: %s)', async (classes) => {
  const pipeline = pipelineOf(classes);
  const { bytes } = await exportOnnx(pipeline, { batchSize: 2 });
  const session = await ort.InferenceSession.create(bytes);
  expect(session.inputNames).toEqual(['sample', 'timestep', ...(classes === null ? [] : ['class_labels'])]);
  expect(session.outputNames).toEqual(['out_sample']);
  const { out_sample: output } = await session.run({
    sample: new ort.Tensor('float32', x, [2, 3, 8, 8]),
    timestep: new ort.Tensor('float32', Float32Array.of(500, 500), [2]),
    ...(classes !== null && { class_labels: new ort.Tensor('int64', BigInt64Array.of(1n, 2n), [2]) }),
  });
  const shape = [3, 8, 8];
  const { engine, unet, takesLabels: labels } = pipeline;
  const program = await compileNetwork(engine, unet, { batchSize: 2, shape, labels });
  const reference = await program.predict(x, 500, [1, 2]);
  const values = output!.data as Float32Array;
  expect(values).toHaveLength(reference.length);
  for (const [i, value] of values.entries()) expect(value).toBeCloseTo(reference[i]!, 4);
});

test('uses standard operators alone', async () => {
  const { bytes } = await exportOnnx(pipelineOf(null));
  expect(new TextDecoder('latin1').decode(bytes)).not.toContain('com.microsoft');
});

test('keeps weights beside the model when asked to, and says how to read the output', async () => {
  const path = join(root, 'network.onnx');
  const { files } = await saveOnnx(path, pipelineOf(3), { externalWeights: true });
  expect(files).toEqual([path, `${path}.data`]);
  const session = await ort.InferenceSession.create(path);
  expect(session.inputNames).toContain('class_labels');
  const text = readFileSync(path, 'latin1');
  expect(text).toContain('"prediction_type": "epsilon"');
  expect(text).toContain('["a","b"]');
});

test('never replaces a file beside the model that it was not told of', async () => {
  const path = join(root, 'beside.onnx');
  writeFileSync(`${path}.data`, 'of the user');
  await expect(saveOnnx(path, pipelineOf(null), { externalWeights: true })).rejects.toThrow(
    'beside.onnx.data is already there',
  );
  expect([existsSync(path), readFileSync(`${path}.data`, 'utf8')]).toEqual([false, 'of the user']);
  expect((await saveOnnx(path, pipelineOf(null))).files).toEqual([path]);
  await saveOnnx(path, pipelineOf(null), { externalWeights: true, overwrite: true });
  expect(readFileSync(`${path}.data`, 'latin1')).not.toBe('of the user');
});
