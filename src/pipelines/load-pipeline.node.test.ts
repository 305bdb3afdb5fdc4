import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { nodeEngine } from '../runtime/index.node.ts';
import { loadPipeline, savePipeline } from './load-pipeline.node.ts';

// written by diffusers in half precision and shards, with the pictures it makes: tools/oracle/pipelines.py
const golden = join('test', 'golden', 'pipelines');
const model = join(golden, 'model');
interface Samples {
  readonly steps: number;
  readonly seeds: readonly number[];
  readonly samples: Readonly<Record<string, readonly number[]>>;
}
const expected = JSON.parse(readFileSync(join(golden, 'samples.json'), 'utf8')) as Samples;

const root = mkdtempSync(join(tmpdir(), 'inkwash-pipelines-'));
const engine = await nodeEngine({ threads: 1 });
afterAll(async () => {
  await engine.dispose();
  rmSync(root, { recursive: true, force: true });
});

const largestDifference = (a: ArrayLike<number>, b: readonly number[]): number =>
  b.reduce((worst, value, i) => Math.max(worst, Math.abs(a[i]! - value)), a.length === b.length ? 0 : Infinity);

test.each(Object.keys(expected.samples))('makes the pictures diffusers makes, with %s', async (solver) => {
  const pipeline = await loadPipeline(model, { engine });
  const { steps, seeds, samples } = expected;
  const options = { count: seeds.length, seed: seeds[0]!, steps, solver, rng: 'torch-cpu' as const };
  const { images } = await pipeline.generate(options);
  expect(largestDifference(images.data, samples[solver]!)).toBeLessThan(2e-4);
});

test('a saved folder makes the same pictures', async () => {
  const pipeline = await loadPipeline(model, { engine });
  const copy = join(root, 'copy');
  await savePipeline(copy, pipeline);
  const again = await loadPipeline(copy, { engine });
  const options = { count: 2, steps: 3, solver: 'ddim' };
  expect((await again.generate(options)).images).toEqual((await pipeline.generate(options)).images);
});

// INKWASH_PYTHON names a Python that has the packages of tools/oracle/requirements.txt
const python = process.env.INKWASH_PYTHON;
test.skipIf(!python)('a saved folder loads in diffusers and makes the same pictures there', async () => {
  const copy = join(root, 'for-diffusers');
  await savePipeline(copy, await loadPipeline(model, { engine }));
  const { stdout, stderr } = spawnSync(python!, ['tools/oracle/pipelines.py', 'check', copy], { encoding: 'utf8' });
  const theirs = JSON.parse(stdout || `"${stderr}"`) as Samples;
  for (const [solver, values] of Object.entries(expected.samples)) {
    expect(largestDifference(theirs.samples[solver]!, values), solver).toBeLessThan(1e-5);
  }
});

test('names what is wrong with a folder', async () => {
  const broken = (name: string, damage: (folder: string) => void): string => {
    const folder = join(root, name);
    cpSync(model, folder, { recursive: true });
    damage(folder);
    return folder;
  };
  const weights = join('unet', 'diffusion_pytorch_model-00001-of-00003.safetensors');
  const edit = (folder: string, file: string, change: object): void => {
    const path = join(folder, file);
    writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, 'utf8')), ...change }));
  };
  const cases: [string, RegExp][] = [
    [broken('truncated', (folder) => truncateSync(join(folder, weights), 20_000)), /00001-of-00003.*is truncated/],
    [broken('shard', (folder) => rmSync(join(folder, weights))), /there is no file .*00001-of-00003/],
    [
      broken('shapes', (folder) => edit(folder, 'unet/config.json', { block_out_channels: [8, 8] })),
      /does not fit the network[\s\S]*of another shape[\s\S]*: expected \[8/,
    ],
    [
      broken('keys', (folder) => edit(folder, 'unet/config.json', { layers_per_block: 2 })),
      /missing:[\s\S]*down_blocks\.0\.resnets\.1\.norm1\.weight/,
    ],
    [
      broken('setting', (folder) => edit(folder, 'unet/config.json', { block_channels: [8] })),
      /no setting 'block_channels'\n {2}hint: did you mean 'block_out_channels'/,
    ],
    [
      broken('class', (folder) => edit(folder, 'unet/config.json', { _class_name: 'UNet2DConditionModel' })),
      /holds a UNet2DConditionModel/,
    ],
    [
      broken('scheduler', (folder) =>
        edit(folder, 'scheduler/scheduler_config.json', { _class_name: 'DDPMSchedular' }),
      ),
      /unknown scheduler 'DDPMSchedular'[\s\S]*did you mean 'DDPMScheduler'/,
    ],
    [root, /has no model_index.json/],
    [join(root, 'nowhere'), /there is no folder called/],
  ];
  for (const [folder, message] of cases) {
    const attempt = loadPipeline(folder, { engine }).then((pipeline) => pipeline.generate({ steps: 1 }));
    await expect(attempt, String(message)).rejects.toThrow(message);
  }
});
