import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ConfigError, DataError, fromNumbers } from '../tensor/index.ts';
import {
  openDiffusersComponent,
  openDiffusersFolder,
  type PipelineToWrite,
  writeDiffusersComponent,
  writeDiffusersFolder,
} from './diffusers-folder.node.ts';
import { findWeights, openWeights, writeWeights } from './diffusers-weights.node.ts';
import { writeSafetensors } from './safetensors.node.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'inkwash-diffusers-'));
});
afterEach(() => rm(root, { recursive: true }));

const tensors = { 'conv_in.weight': fromNumbers([[1, 2]]), 'conv_in.bias': fromNumbers([3]) };
const pipeline: PipelineToWrite = {
  className: 'DDPMPipeline',
  components: {
    unet: { className: 'UNet2DModel', config: { sample_size: 16, a_future_key: { kept: [1] } }, tensors },
    scheduler: { className: 'DDPMScheduler', config: { beta_schedule: 'linear' } },
  },
};
/** Puts empty weight files of these names into a folder. */
async function folderOf(...names: string[]): Promise<string> {
  const folder = join(root, 'unet');
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder);
  for (const name of names) {
    if (name.endsWith('.safetensors')) await writeSafetensors(join(folder, name), { name: fromNumbers([name.length]) });
    else await writeFile(join(folder, name), '');
  }
  return folder;
}

describe('a pipeline folder', () => {
  test("keeps the infinities of Python's JSON, read and written", async () => {
    const config = { lambda_min_clipped: Number.NEGATIVE_INFINITY, note: '-Infinity' };
    await writeDiffusersFolder(root, { ...pipeline, components: { scheduler: { className: 'AScheduler', config } } });
    const text = await readFile(join(root, 'scheduler/scheduler_config.json'), 'utf8');
    expect(text).toContain('"lambda_min_clipped": -Infinity,');
    const folder = await openDiffusersFolder(root);
    expect((await folder.component('scheduler')).config).toMatchObject(config);
  });

  test('has the files diffusers looks for', async () => {
    await writeDiffusersFolder(root, pipeline);
    expect((await readdir(root, { recursive: true })).sort()).toEqual([
      'model_index.json',
      'scheduler',
      'scheduler/scheduler_config.json',
      'unet',
      'unet/config.json',
      'unet/diffusion_pytorch_model.safetensors',
    ]);
    expect(await readFile(join(root, 'model_index.json'), 'utf8')).toMatchInlineSnapshot(`
      "{
        "_class_name": "DDPMPipeline",
        "_diffusers_version": "0.42.1",
        "scheduler": [
          "diffusers",
          "DDPMScheduler"
        ],
        "unet": [
          "diffusers",
          "UNet2DModel"
        ]
      }
      "
    `);
  });

  test.each(['model_index.json', 'scheduler/scheduler_config.json', 'unet/diffusion_pytorch_model.safetensors'])(
    'is not written where there is a %s already, unless that is asked for',
    async (name) => {
      await mkdir(dirname(join(root, name)), { recursive: true });
      await writeFile(join(root, name), 'of the user');
      const before = (await readdir(root, { recursive: true })).sort();
      await expect(writeDiffusersFolder(root, pipeline)).rejects.toThrow(`${join(root, name)} is already there`);
      expect((await readdir(root, { recursive: true })).sort()).toEqual(before);
      expect(await readFile(join(root, name), 'utf8')).toBe('of the user');
      await writeDiffusersFolder(root, pipeline, { overwrite: true });
      expect((await openDiffusersFolder(root)).index.className).toBe('DDPMPipeline');
    },
  );

  test('is read back with its configurations, unknown keys and weights', async () => {
    await writeDiffusersFolder(root, pipeline, { floatsAs: 'F16', variant: 'fp16' });
    const folder = await openDiffusersFolder(root);
    expect(folder.index.className).toBe('DDPMPipeline');
    expect(folder.index.components.get('scheduler')).toEqual({ library: 'diffusers', className: 'DDPMScheduler' });
    const scheduler = await folder.component('scheduler');
    expect(scheduler.config).toMatchObject({ _class_name: 'DDPMScheduler', beta_schedule: 'linear' });
    const unet = await folder.component('unet');
    expect(unet.className).toBe('UNet2DModel');
    expect(unet.config.a_future_key).toEqual({ kept: [1] });
    const reader = await unet.openWeights();
    expect(reader.path).toContain('diffusion_pytorch_model.fp16.safetensors');
    expect(reader.metadata).toEqual({ format: 'pt' });
    expect(await reader.read('conv_in.weight', { toFloat32: true })).toEqual(tensors['conv_in.weight']);
    await reader.close();
  });

  test('keeps the version and the class a configuration already names', async () => {
    const config = { _diffusers_version: '0.6.0', sample_size: 8 };
    await writeDiffusersComponent(join(root, 'unet'), { className: 'UNet2DModel', config, tensors });
    const { config: read } = await openDiffusersComponent(join(root, 'unet'));
    expect(read).toEqual({ ...config, _class_name: 'UNet2DModel' });
  });

  test('leaves out components written as [null, null], keeps options', async () => {
    const index = {
      _class_name: 'StableDiffusionPipeline',
      safety_checker: [null, null],
      text_encoder: ['transformers', 'CLIPTextModel'],
      requires_safety_checker: false,
    };
    await writeFile(join(root, 'model_index.json'), JSON.stringify(index));
    await mkdir(join(root, 'text_encoder'));
    await writeFile(join(root, 'text_encoder', 'config.json'), '{"hidden_size": 768}');
    const folder = await openDiffusersFolder(root);
    expect([...folder.index.components.keys()]).toEqual(['text_encoder']);
    expect(folder.index.json.requires_safety_checker).toBe(false);
    const encoder = await folder.component('text_encoder');
    expect([encoder.className, encoder.config]).toEqual(['CLIPTextModel', { hidden_size: 768 }]);
  });

  test('that is missing, incomplete or broken is refused with what to do', async () => {
    await expect(openDiffusersFolder(join(root, 'none'))).rejects.toThrow('there is no folder called');
    await expect(openDiffusersFolder(root)).rejects.toThrow('has no model_index.json');
    await writeFile(join(root, 'config.json'), '{}');
    await expect(openDiffusersFolder(root)).rejects.toThrow('it holds a single model');
    await expect(openDiffusersComponent(root)).rejects.toThrow('names no class in _class_name');
    await expect(openDiffusersComponent(join(root, 'none'))).rejects.toThrow('has no config.json');
    for (const [text, problem] of [
      ['{', 'could not read'],
      ['[]', 'holds [], expected an object'],
      ['{}', 'names no pipeline in _class_name'],
      ['{"_class_name": "P", "../up": ["diffusers", "X"]}', 'which is no folder name'],
    ] as const) {
      await writeFile(join(root, 'model_index.json'), text);
      await expect(openDiffusersFolder(root)).rejects.toThrow(problem);
      await expect(openDiffusersFolder(root)).rejects.toThrow(DataError);
    }
  });

  test('names the components it has when asked for another', async () => {
    await writeDiffusersFolder(root, pipeline);
    const folder = await openDiffusersFolder(root);
    await expect(folder.component('u-net')).rejects.toThrow('did you mean "unet"?');
    await expect(folder.component('vae')).rejects.toThrow('it has: scheduler, unet');
    await rm(join(root, 'unet', 'config.json'));
    await expect(folder.component('unet')).rejects.toThrow(/unet has no config.json/);
  });

  test('refuses to write a component whose name is no folder name', async () => {
    const components = { '../x': { className: 'X', config: {} } };
    await expect(writeDiffusersFolder(root, { className: 'P', components })).rejects.toThrow(ConfigError);
  });
});

describe('weights are found', () => {
  const found = async (variant?: string): Promise<string> =>
    (await findWeights(join(root, 'unet'), variant)).split('/').at(-1)!;

  test('as a whole file, of diffusers or transformers', async () => {
    await folderOf('diffusion_pytorch_model.safetensors', 'diffusion_pytorch_model.bin', 'config.json');
    expect(await found()).toBe('diffusion_pytorch_model.safetensors');
    await folderOf('model.safetensors', 'config.json');
    expect(await found()).toBe('model.safetensors');
  });

  test('as the variant asked for, or the only one', async () => {
    await folderOf('diffusion_pytorch_model.safetensors', 'diffusion_pytorch_model.fp16.safetensors');
    expect(await found('fp16')).toBe('diffusion_pytorch_model.fp16.safetensors');
    expect(await found()).toBe('diffusion_pytorch_model.safetensors');
    await folderOf('diffusion_pytorch_model.fp16.safetensors');
    expect(await found()).toBe('diffusion_pytorch_model.fp16.safetensors');
  });

  test('as shards, with a variant or without', async () => {
    await folderOf(
      'diffusion_pytorch_model.safetensors.index.json',
      'diffusion_pytorch_model-00001-of-00002.safetensors',
    );
    expect(await found()).toBe('diffusion_pytorch_model.safetensors.index.json');
    await folderOf(
      'diffusion_pytorch_model.safetensors.index.fp16.json',
      'diffusion_pytorch_model.fp16-00001-of-00002.safetensors',
    );
    expect(await found()).toBe('diffusion_pytorch_model.safetensors.index.fp16.json');
  });

  test('unless a variant is missing or must be chosen', async () => {
    await folderOf('diffusion_pytorch_model.fp16.safetensors', 'diffusion_pytorch_model.bf16.safetensors');
    await expect(found()).rejects.toThrow('has weights of several variants: bf16, fp16');
    await expect(found('fp8')).rejects.toThrow('it has: bf16, fp16');
    await folderOf('diffusion_pytorch_model.safetensors');
    await expect(found('fp16')).rejects.toThrow('leave variant out');
  });

  test('unless both forms are there', async () => {
    await folderOf('diffusion_pytorch_model.safetensors', 'diffusion_pytorch_model.safetensors.index.json');
    await expect(found()).rejects.toThrow('one of them is stale');
  });

  test('unless there are only pickles, or nothing', async () => {
    await folderOf('config.json', 'diffusion_pytorch_model.bin');
    await expect(found()).rejects.toThrow(
      'holds only pickled weights (diffusion_pytorch_model.bin); inkwash never reads pickle, because it can run code',
    );
    await expect(found()).rejects.toThrow('save_pretrained(folder, safe_serialization=True)');
    await folderOf('config.json');
    await expect(found()).rejects.toThrow(
      'holds no weights: expected diffusion_pytorch_model.safetensors or diffusion_pytorch_model.safetensors.index.json',
    );
    await expect(findWeights(join(root, 'nowhere'))).rejects.toThrow('could not open the folder');
  });
});

describe('weights are written', () => {
  const many = Object.fromEntries(Array.from({ length: 5 }, (_, i) => [`layer.${i}`, fromNumbers([i, i, i, i])]));

  test('in shards of limited size, with an index', async () => {
    const folder = join(root, 'unet');
    const path = await writeWeights(folder, many, { maxShardBytes: 40, variant: 'fp32' });
    expect((await readdir(folder)).sort()).toEqual([
      'diffusion_pytorch_model.fp32-00001-of-00003.safetensors',
      'diffusion_pytorch_model.fp32-00002-of-00003.safetensors',
      'diffusion_pytorch_model.fp32-00003-of-00003.safetensors',
      'diffusion_pytorch_model.safetensors.index.fp32.json',
    ]);
    expect(JSON.parse(await readFile(path, 'utf8')).metadata).toEqual({ total_size: 80 });
    const reader = await openWeights(folder);
    expect([...reader.entries.keys()].sort()).toEqual(Object.keys(many));
    expect(await reader.read('layer.4')).toEqual(many['layer.4']);
    await reader.close();
  });

  test('never over others unless that is asked for', async () => {
    const folder = join(root, 'unet');
    await writeWeights(folder, many, { maxShardBytes: 40 });
    const before = await readdir(folder);
    await expect(writeWeights(folder, many)).rejects.toThrow(/is already there\n {2}hint: .*set overwrite to true/);
    expect(await readdir(folder)).toEqual(before);
  });

  test('without leaving an older form of them behind', async () => {
    const folder = join(root, 'unet');
    await writeWeights(folder, many, { variant: 'other' });
    await writeWeights(folder, many);
    await writeWeights(folder, many, { maxShardBytes: 1, overwrite: true });
    await writeWeights(folder, many, { maxShardBytes: 40, overwrite: true });
    expect((await findWeights(folder)).endsWith('index.json')).toBe(true);
    expect((await readdir(folder)).filter((name) => name.includes('-of-'))).toHaveLength(3);
    await writeWeights(folder, many, { overwrite: true });
    expect((await readdir(folder)).sort()).toEqual([
      'diffusion_pytorch_model.other.safetensors',
      'diffusion_pytorch_model.safetensors',
    ]);
  });
});
