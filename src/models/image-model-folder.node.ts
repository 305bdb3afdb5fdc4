/** @file The folder of a pixel-space image model: diffusers' layout, and `inkwash.json` with what diffusers has no place for. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import {
  atomicWrite,
  type DiffusersConfig,
  openDiffusersComponent,
  openDiffusersFolder,
  readConfigFile,
  writeDiffusersFolder,
} from '../formats/index.node.ts';
import { loadParameters } from '../nn/index.ts';
import { DataError, type NdArray } from '../tensor/index.ts';
import type { ImageModelNotes } from './image-model-notes.ts';
import { UNet2DModel } from './unet2d.ts';

/** A model as it lies in a folder. */
export interface ImageModel {
  readonly unet: UNet2DModel;
  /** The JSON of `scheduler_config.json`. */
  readonly scheduler: DiffusersConfig;
  readonly notes: ImageModelNotes;
}

const NOTES_FILE = 'inkwash.json';

/** What to write: the network's configuration and its weights by checkpoint key. */
export interface ImageModelToWrite {
  readonly config: DiffusersConfig;
  readonly weights: ReadonlyMap<string, NdArray>;
  readonly scheduler: DiffusersConfig & { readonly _class_name: string };
  readonly notes?: ImageModelNotes;
}

/** Writes a `DDPMPipeline` folder. Throws `DataError` when it cannot be written. */
export async function writeImageModel(
  path: string,
  { config, weights, scheduler, notes = {} }: ImageModelToWrite,
): Promise<void> {
  const { _class_name: className, ...options } = scheduler;
  await atomicWrite(join(path, NOTES_FILE), `${JSON.stringify({ format: 1, ...notes }, undefined, 2)}\n`);
  await writeDiffusersFolder(path, {
    className: 'DDPMPipeline',
    components: {
      unet: { className: 'UNet2DModel', config, tensors: weights },
      scheduler: { className, config: options },
    },
  });
}

/**
 * Reads a pixel-space model that inkwash or diffusers wrote: a `UNet2DModel` called `unet` and any scheduler.
 * Throws `DataError` when something is missing, damaged, or a network of another kind.
 */
export async function readImageModel(path: string, options: { readonly variant?: string } = {}): Promise<ImageModel> {
  const folder = await openDiffusersFolder(path);
  const component = await folder.component('unet');
  if (component.className !== 'UNet2DModel') {
    throw new DataError(
      `${path} holds a ${component.className}, inkwash samples UNet2DModel pipelines`,
      'pick a pixel-space model such as a DDPMPipeline or a DDIMPipeline',
    );
  }
  const unet = UNet2DModel.fromConfig(component.config);
  const weights = await component.openWeights(options);
  try {
    await loadParameters(unet, weights);
  } finally {
    await weights.close();
  }
  const reference = folder.index.components.get('scheduler');
  const scheduler = await openDiffusersComponent(join(path, 'scheduler'), reference);
  const notesPath = join(path, NOTES_FILE);
  const notes = existsSync(notesPath) ? ((await readConfigFile(notesPath)) as ImageModelNotes) : {};
  return { unet, scheduler: { ...scheduler.config, _class_name: scheduler.className }, notes };
}
