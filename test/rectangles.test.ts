import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ort from 'onnxruntime-node';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { exportOnnx } from '../src/pipelines/export-onnx.ts';
import { inspect, loadPipeline } from '../src/pipelines/index.node.ts';
import { type Engine, nodeEngine } from '../src/runtime/index.node.ts';
import {
  readEvents,
  type TrainingConfigInput,
  type TrainingEvent,
  type TrainOptions,
  trainDiffusion,
} from '../src/training/index.node.ts';

const root = mkdtempSync(join(tmpdir(), 'inkwash-rectangles-'));
const pictures = join(root, 'flags');
const out = join(root, 'run');
const config: TrainingConfigInput = {
  data: { spec: pictures, size: '24x16' },
  model: { block_out_channels: [8, 8], norm_num_groups: 4, attention_head_dim: 4 },
  sampling: { steps: 2 },
  batchSize: 4,
  steps: 6,
  previewEvery: 3,
};

beforeAll(async () => {
  engine = await nodeEngine({ threads: 1 });
  mkdirSync(pictures);
  for (let i = 0; i < 12; i++) {
    const background = { r: 20 * i, g: 40, b: 255 - 20 * i };
    await sharp({ create: { width: 48, height: 32, channels: 3, background } })
      .png()
      .toFile(join(pictures, `${i}.png`));
  }
});
afterAll(async () => {
  await engine.dispose();
  rmSync(root, { recursive: true, force: true });
});

const losses = (events: readonly TrainingEvent[]): number[] =>
  events.flatMap((event) => (event.type === 'step' ? event.loss : []));
let engine: Engine;
const train = (over: TrainingConfigInput, options: TrainOptions) =>
  trainDiffusion(over, { engine, onWarning: () => undefined, ...options });

test('a run on rectangles, stopped and resumed, gives the bits of a straight one', async () => {
  const straight = join(root, 'straight');
  await train(config, { out: straight });
  const stop = new AbortController();
  const onEvent = (event: TrainingEvent) => event.type === 'step' && event.step === 4 && stop.abort();
  const previews: (readonly number[])[] = [];
  const onPreview = ({ shape }: { shape: readonly number[] }) => previews.push(shape);
  await train(config, { out, signal: stop.signal, onEvent, onPreview });
  expect(previews).toEqual([[8, 3, 16, 24]]);
  const result = await train({ data: { size: '24x16' } }, { out, resume: true });
  expect(result).toMatchObject({ reason: 'finished', step: 6 });
  expect(losses(await readEvents(out))).toEqual(losses(await readEvents(straight)));
  const { width, height } = await sharp(result.grid!).metadata();
  expect(width! / height!).toBeCloseTo(24 / 16, 1);
}, 120_000);

test('its model says so as diffusers does, and samples and exports rectangles', async () => {
  const unet = JSON.parse(readFileSync(join(out, 'model', 'unet', 'config.json'), 'utf8'));
  expect(unet.sample_size).toEqual([16, 24]);
  expect(await inspect(join(out, 'model'))).toMatchObject({ config: { sample_size: [16, 24] } });
  expect(await inspect(pictures, { size: '24x16' })).toMatchObject({ imageShape: [3, 16, 24] });
  const pipeline = await loadPipeline(out);
  try {
    const { images } = await pipeline.generate({ count: 3, steps: 2 });
    expect(images.shape).toEqual([3, 3, 16, 24]);
    const session = await ort.InferenceSession.create((await exportOnnx(pipeline)).bytes);
    const { out_sample: output } = await session.run({
      sample: new ort.Tensor('float32', new Float32Array(3 * 16 * 24), [1, 3, 16, 24]),
      timestep: new ort.Tensor('float32', Float32Array.of(500), [1]),
    });
    expect(output!.dims).toEqual([1, 3, 16, 24]);
  } finally {
    await pipeline.engine.dispose();
  }
});

test('a size that the network cannot halve is refused with the nearest ones that it can', async () => {
  const impossible: TrainingConfigInput = { ...config, data: { spec: pictures, size: '25x16' } };
  await expect(train(impossible, { out: join(root, 'no') })).rejects.toThrow(
    /25×16 do not fit .* multiples of 2\n {2}hint: set data.size to 24x16 or 26x16,/,
  );
});
