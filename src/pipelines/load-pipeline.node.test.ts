import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { openWeights, writeWeights } from '../formats/index.node.ts';
import { type UNet2DConfigInput, UNet2DModel } from '../models/index.ts';
import { nodeEngine } from '../runtime/index.node.ts';
import { type NdArray, ndArray } from '../tensor/index.ts';
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

/** A copy of the golden model, damaged. */
function broken(name: string, damage: (folder: string) => void): string {
  const folder = join(root, name);
  cpSync(model, folder, { recursive: true });
  damage(folder);
  return folder;
}

function edit(folder: string, file: string, change: object): void {
  const path = join(folder, file);
  const old = existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : {};
  writeFileSync(path, JSON.stringify({ ...old, ...change }));
}

test('ignores what diffusers ignores in a folder, with one warning a file', async () => {
  const folder = broken('more', (path) => {
    edit(path, 'unet/config.json', { decay: 0.9999, block_channels: [8], _a_note: 1 });
    edit(path, 'scheduler/scheduler_config.json', { power: 1, use_karras_sigmas: true, _a_note: 1 });
    edit(path, 'inkwash.json', { format: 1, clasNames: ['a'] });
  });
  const warnings: string[] = [];
  const pipeline = await loadPipeline(folder, { engine, onWarning: (message) => warnings.push(message) });
  expect(warnings).toEqual([
    `${join(folder, 'scheduler')}: DDPMScheduler has no setting power: it is ignored`,
    `${join(folder, 'inkwash.json')} has no setting clasNames (did you mean classNames?): it is ignored`,
    `${join(folder, 'unet')}: UNet2DModel has no settings decay, block_channels (did you mean block_out_channels?): they are ignored`,
  ]);
  expect(pipeline.unet.config).toEqual((await loadPipeline(model, { engine })).unet.config);
  // what a program writes itself is another matter
  expect(() => new UNet2DModel({ block_channels: [8] } as UNet2DConfigInput)).toThrow(
    "did you mean 'block_out_channels'?",
  );
});

test('ignores extra tensors when told to, and names them', async () => {
  const tensors = new Map<string, NdArray>([['ema.decay', ndArray(Float32Array.of(1), [1])]]);
  const reader = await openWeights(join(model, 'unet'));
  for (const name of reader.entries.keys()) tensors.set(name, await reader.read(name));
  await reader.close();
  const folder = join(root, 'extra');
  cpSync(model, folder, { recursive: true });
  await writeWeights(join(folder, 'unet'), tensors, { overwrite: true });
  for (const file of readdirSync(join(folder, 'unet'))) {
    if (/-of-|index/.test(file)) rmSync(join(folder, 'unet', file));
  }
  await expect(loadPipeline(folder, { engine })).rejects.toMatchObject({
    problem: expect.stringContaining('1 unexpected:\n    ema.decay'),
    hint: expect.stringContaining('set ignoreExtra'),
    cliHint: expect.stringContaining('add --ignore-extra'),
  });
  const warnings: string[] = [];
  await loadPipeline(folder, { engine, ignoreExtra: true, onWarning: (message) => warnings.push(message) });
  expect(warnings).toEqual([expect.stringMatching(/ignored what the network has no place for: ema\.decay$/)]);
});

test('refuses notes of a later inkwash, and those that do not fit', async () => {
  const later = broken('later', (folder) => edit(folder, 'inkwash.json', { format: 2 }));
  await expect(loadPipeline(later, { engine })).rejects.toThrow(/has the format 2, expected 1[\s\S]*update yours/);
  const odd = broken('odd', (folder) => edit(folder, 'inkwash.json', { format: 1, classNames: 'cat' }));
  await expect(loadPipeline(odd, { engine })).rejects.toThrow(/inkwash\.json: 'classNames' does not fit/);
});

test('names what is wrong with a folder', async () => {
  const weights = join('unet', 'diffusion_pytorch_model-00001-of-00003.safetensors');
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
      broken('class', (folder) => edit(folder, 'model_index.json', { unet: ['diffusers', 'UNet2DConditionModel'] })),
      /holds a UNet2DConditionModel/,
    ],
    [
      broken('scheduler', (folder) => edit(folder, 'model_index.json', { scheduler: ['diffusers', 'DDPMSchedular'] })),
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
