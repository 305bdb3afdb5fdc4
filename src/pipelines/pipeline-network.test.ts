import { expect, test } from 'vitest';
import { fillNormal } from '../tensor/index.ts';
import { DiffusionPipeline } from './diffusion-pipeline.ts';
import { pipelineNetwork } from './pipeline-network.ts';
import { tinyPipeline } from './tiny-pipeline.fixture.ts';

const point = { t: 500, alpha: 0.6, sigma: 0.8 };
const x = fillNormal(new Float32Array(5 * 16), { seed: 1 });

test('gives the same output whatever the batch it runs in', async () => {
  const model = tinyPipeline();
  const whole = await pipelineNetwork(model, { batchSize: 5 });
  const parts = await pipelineNetwork(model, { batchSize: 2 });
  expect(whole.sampleSize).toBe(16);
  const expected = await whole.networkFor(5)(x, point, 0);
  expect(expected).toHaveLength(5 * 16);
  expect(await parts.networkFor(5)(x, point, 0)).toEqual(expected);
  await Promise.all([whole.dispose(), parts.dispose()]);
});

test('spreads classes as sampling does, in every batch', async () => {
  const model = tinyPipeline({ classNames: ['cat', 'dog'], nullLabel: 2 }, 3);
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
  const model = tinyPipeline(notes, 3);
  const guided = new DiffusionPipeline({ ...model, notes: { ...notes, sampling: { ...notes.sampling, guidance: 3 } } });
  const [plain, strong] = await Promise.all(
    [model, guided].map(async (one) => (await pipelineNetwork(one, { batchSize: 5 })).networkFor(5)(x, point, 0)),
  );
  expect(strong).not.toEqual(plain);
  const nameless = await pipelineNetwork(tinyPipeline({}, 3), { batchSize: 1 });
  expect(() => nameless.networkFor(1)).toThrow(/told a class/);
});
