import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { nodeEngine } from '../runtime/index.node.ts';
import { findScheduler } from './find-scheduler.node.ts';
import { inspect } from './inspect.node.ts';
import { PIPELINE_KINDS } from './kinds.ts';
import { loadNetwork, loadPipeline, savePipeline } from './load-pipeline.node.ts';
import { saveOnnx } from './save-onnx.node.ts';

// saved by diffusers, with the pictures its own pipelines make: tools/oracle/pipeline_kinds.py
const golden = join('test', 'golden', 'pipelines', 'kinds');
interface Pictures {
  readonly seed: number;
  readonly pictures: Readonly<
    Record<string, { readonly steps: number; readonly scheduler: string; readonly values: readonly number[] }>
  >;
}
const { seed, pictures } = JSON.parse(readFileSync(join(golden, 'pictures.json'), 'utf8')) as Pictures;

const root = mkdtempSync(join(tmpdir(), 'inkwash-kinds-'));
const engine = await nodeEngine({ threads: 1 });
afterAll(async () => {
  await engine.dispose();
  rmSync(root, { recursive: true, force: true });
});

/** A copy of a golden folder, its `model_index.json` changed; `null` removes a key. */
function changed(name: string, change: object, from = 'ddpm'): string {
  const folder = join(root, name);
  cpSync(join(golden, from), folder, { recursive: true });
  const file = join(folder, 'model_index.json');
  const json = { ...JSON.parse(readFileSync(file, 'utf8')), ...change };
  writeFileSync(file, JSON.stringify(json));
  return folder;
}

describe('a pipeline', () => {
  test.each(Object.keys(pictures))('makes the picture that diffusers makes: %s', async (name) => {
    const { steps, scheduler, values } = pictures[name]!;
    const pipeline = await loadPipeline(join(golden, name), { engine });
    const { images, solver } = await pipeline.generate({ seed, steps, rng: 'torch-cpu' });
    expect(solver).toBe(scheduler);
    const [, channels, height, width] = images.shape as [number, number, number, number];
    const worst = values.reduce((most, value, at) => {
      const [pixel, c] = [Math.floor(at / channels), at % channels];
      const ours = (images.data[c * height * width + pixel]! as number) / 2 + 0.5;
      return Math.max(most, Math.abs(ours - value));
    }, 0);
    expect(values).toHaveLength(images.data.length);
    expect(worst).toBeLessThan(2e-4);
  });

  test('is written as the kind it is', async () => {
    const copy = join(root, 'copy');
    await savePipeline(copy, await loadPipeline(join(golden, 'score-sde-ve'), { engine }));
    const again = await loadPipeline(copy, { engine });
    expect(again.kind).toBe(PIPELINE_KINDS.get('ScoreSdeVePipeline'));
    expect(again.scheduler._class_name).toBe('ScoreSdeVeScheduler');
  });

  test('of another class is refused with what it needs', async () => {
    const cases: [string, RegExp][] = [
      [
        changed('ldm', { _class_name: 'LDMPipeline', vqvae: ['diffusers', 'VQModel'] }),
        /latents, which its vqvae turns/,
      ],
      [changed('with-vae', { vae: ['diffusers', 'AutoencoderKL'] }), /latents, which its vae turns/],
      [
        changed('if', { _class_name: 'IFPipeline', text_encoder: ['transformers', 'T5EncoderModel'] }),
        /its text_encoder/,
      ],
      [
        changed('own', { _class_name: ['my_pipeline', 'MyPipeline'] }),
        /my_pipeline\.MyPipeline, which .* none of those/,
      ],
      [changed('misspelt', { _class_name: 'DDPMPipelin' }), /did you mean DDPMPipeline\?/],
    ];
    for (const [folder, message] of cases) {
      await expect(loadPipeline(folder, { engine })).rejects.toThrow(message);
      await expect(loadPipeline(folder, { engine })).rejects.toThrow('the pipelines that open are DDPMPipeline, ');
      expect(await inspect(folder)).toMatchObject({ kind: 'pipeline', path: folder, problem: expect.any(String) });
      // its scheduler can be explained all the same
      expect((await findScheduler(folder)).plan.config.className).toBe('DDPMScheduler');
    }
  });

  test('ignores parts it has no place for, with a warning', async () => {
    const warnings: string[] = [];
    const folder = changed('with-more', { feature_extractor: ['transformers', 'CLIPImageProcessor'] });
    await loadPipeline(folder, { engine, onWarning: (message) => warnings.push(message) });
    expect(warnings).toEqual([`${folder}: a DDPMPipeline has no feature_extractor: ignored`]);
  });
});

describe('a network saved alone', () => {
  const unet = join(golden, 'score-sde-ve', 'unet');

  test('is sampled with a scheduler that is named, as its pipeline does', async () => {
    const options = { seed, steps: 3 };
    const whole = await (await loadPipeline(join(golden, 'score-sde-ve'), { engine })).generate(options);
    const scheduler = JSON.parse(readFileSync(join(unet, '../scheduler/scheduler_config.json'), 'utf8'));
    for (const named of [join(golden, 'score-sde-ve'), join(unet, '../scheduler'), scheduler]) {
      const pipeline = await loadPipeline(unet, { engine, scheduler: named });
      expect((await pipeline.generate(options)).images).toEqual(whole.images);
    }
  });

  test('is refused without one, with where it may be', async () => {
    const attempt = loadPipeline(unet, { engine });
    await expect(attempt).rejects.toMatchObject({
      hint: `set scheduler; it may be that of ${join(golden, 'score-sde-ve')}`,
      cliHint: `add --scheduler ${join(golden, 'score-sde-ve')}`,
    });
    await expect(findScheduler(unet)).rejects.toThrow(`it may be that of ${join(golden, 'score-sde-ve')}`);
  });

  test('is inspected and exported', async () => {
    expect(await inspect(unet)).toMatchObject({ kind: 'model', pipeline: null, scheduler: null, warnings: [] });
    const file = join(root, 'alone.onnx');
    const { files } = await saveOnnx(file, await loadNetwork(unet, { engine }));
    expect(files).toEqual([file]);
  });
});

test('a picture of ScoreSdeVe does not change with its companions', async () => {
  const pipeline = await loadPipeline(join(golden, 'score-sde-ve'), { engine });
  const { images } = await pipeline.generate({ count: 3, seed, steps: 4, batchSize: 3 });
  const size = images.data.length / 3;
  for (let i = 0; i < 3; i++) {
    const alone = await pipeline.generate({ seed: seed + i, steps: 4, batchSize: 3 });
    expect(images.data.slice(i * size, (i + 1) * size)).toEqual(alone.images.data);
  }
});

describe('a network that learned its times', () => {
  const learned = join(golden, 'learned');

  test('asks for whole times, and says so when a solver has others', async () => {
    const pipeline = await loadPipeline(learned, { engine });
    await pipeline.generate({ steps: 3, solver: 'ddim' });
    await expect(pipeline.generate({ steps: 3, solver: 'euler-karras' })).rejects.toThrow(
      /learned the whole times 0 … 999, the solver asks it for \d+\.\d+[\s\S]*such as ddim/,
    );
  });

  test('is exported with int64 times', async () => {
    const { default: ort } = await import('onnxruntime-node');
    const file = join(root, 'learned.onnx');
    await saveOnnx(file, await loadPipeline(learned, { engine }));
    const session = await ort.InferenceSession.create(file);
    const run = (type: 'int64' | 'float32', time: BigInt64Array | Float32Array) =>
      session.run({
        sample: new ort.Tensor('float32', new Float32Array(3 * 64), [1, 3, 8, 8]),
        timestep: new ort.Tensor(type as 'int64', time as BigInt64Array, [1]),
      });
    expect((await run('int64', BigInt64Array.of(5n))).out_sample!.dims).toEqual([1, 3, 8, 8]);
    await expect(run('float32', Float32Array.of(5))).rejects.toThrow();
  });
});
