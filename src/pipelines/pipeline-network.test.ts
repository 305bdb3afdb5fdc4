import { expect, test } from 'vitest';
import { writeSchedulerConfig } from '../diffusion/gaussian/index.ts';
import type { ImageModelNotes } from '../models/index.ts';
import { UNet2DModel } from '../models/index.ts';
import { referenceEngine } from '../runtime/index.ts';
import { fillNormal } from '../tensor/index.ts';
import { DiffusionPipeline } from './diffusion-pipeline.ts';
import { pipelineNetwork } from './pipeline-network.ts';

const network = {
  sample_size: 4,
  in_channels: 1,
  out_channels: 1,
  block_out_channels: [4, 8],
  down_block_types: ['DownBlock2D', 'DownBlock2D'],
  up_block_types: ['UpBlock2D', 'UpBlock2D'],
  layers_per_block: 1,
  norm_num_groups: 2,
  attention_head_dim: 4,
};

const pipeline = (config: object, notes: ImageModelNotes = {}): DiffusionPipeline =>
  new DiffusionPipeline({
    engine: referenceEngine(),
    unet: UNet2DModel.fromConfig({ ...network, ...config }),
    scheduler: writeSchedulerConfig('DDPMScheduler', { prediction_type: 'v_prediction' }),
    notes,
  });

const point = { t: 500, alpha: 0.6, sigma: 0.8 };
const x = fillNormal(new Float32Array(5 * 16), { seed: 1 });

test('gives the same output whatever the batch it runs in', async () => {
  const model = pipeline({});
  const whole = await pipelineNetwork(model, { batchSize: 5 });
  const parts = await pipelineNetwork(model, { batchSize: 2 });
  expect(whole.sampleSize).toBe(16);
  const expected = await whole.networkFor(5)(x, point, 0);
  expect(expected).toHaveLength(5 * 16);
  expect(await parts.networkFor(5)(x, point, 0)).toEqual(expected);
  await Promise.all([whole.dispose(), parts.dispose()]);
});

test('spreads classes as sampling does, in every batch', async () => {
  const model = pipeline({ num_class_embeds: 3 }, { classNames: ['cat', 'dog'], nullLabel: 2 });
  const whole = await pipelineNetwork(model, { batchSize: 5 });
  const parts = await pipelineNetwork(model, { batchSize: 2 });
  const same = new Float32Array(5 * 16).map((_, i) => x[i % 16]!);
  const output = (await whole.networkFor(5)(same, point, 0)) as Float32Array;
  expect(await parts.networkFor(5)(same, point, 0)).toEqual(output);
  const rows = Array.from({ length: 5 }, (_, i) => Array.from(output.subarray(16 * i, 16 * i + 16)).join());
  expect(new Set(rows).size).toBe(2);
});

test('guides as the model is sampled, and needs a class to tell', async () => {
  const notes = { classNames: ['cat'], nullLabel: 2, sampling: { solver: 'ddim', steps: 2, guidance: 1 } };
  const model = pipeline({ num_class_embeds: 3 }, notes);
  const guided = new DiffusionPipeline({ ...model, notes: { ...notes, sampling: { ...notes.sampling, guidance: 3 } } });
  const [plain, strong] = await Promise.all(
    [model, guided].map(async (one) => (await pipelineNetwork(one, { batchSize: 5 })).networkFor(5)(x, point, 0)),
  );
  expect(strong).not.toEqual(plain);
  const nameless = await pipelineNetwork(pipeline({ num_class_embeds: 3 }), { batchSize: 1 });
  expect(() => nameless.networkFor(1)).toThrow(/told a class/);
});
