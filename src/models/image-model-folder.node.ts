/** @file The networks and notes of model folders: diffusers' layout, and `inkwash.json` with what diffusers has no place for. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import {
  atomicWrite,
  type DiffusersComponent,
  type DiffusersConfig,
  type OverwriteOptions,
  readJsonObject,
  refuseOverwriting,
  writeDiffusersFolder,
} from '../formats/index.node.ts';
import { loadParameters } from '../nn/index.ts';
import { DataError, type NdArray } from '../tensor/index.ts';
import { withArticle } from '../tensor/plural.ts';
import { formatNotes, type ImageModelNotes, NOTES_FILE, parseNotes } from './image-model-notes.ts';
import { UNet2DModel } from './unet2d.ts';

/** What to write: the network's configuration and its weights by checkpoint key. */
export interface ImageModelToWrite {
  /** Class of the pipeline. Default `DDPMPipeline`. */
  readonly className?: string;
  readonly config: DiffusersConfig;
  readonly weights: ReadonlyMap<string, NdArray>;
  readonly scheduler: DiffusersConfig & { readonly _class_name: string };
  readonly notes?: ImageModelNotes;
}

/**
 * Writes a pipeline folder that diffusers loads. Throws `DataError` when it cannot be written, or would replace files and
 * `overwrite` is not true.
 */
export async function writeImageModel(
  path: string,
  { className = 'DDPMPipeline', config, weights, scheduler, notes = {} }: ImageModelToWrite,
  { overwrite = false }: OverwriteOptions = {},
): Promise<void> {
  const { _class_name: schedulerClass, ...options } = scheduler;
  const files = [NOTES_FILE, 'model_index.json'].map((name) => join(path, name));
  await refuseOverwriting(files, { overwrite });
  await atomicWrite(join(path, NOTES_FILE), formatNotes(notes));
  const components = {
    unet: { className: 'UNet2DModel', config, tensors: weights },
    scheduler: { className: schedulerClass, config: options },
  };
  await writeDiffusersFolder(path, { className, components }, { overwrite });
}

/** Options of `readUNet2D`. */
export interface ReadNetworkOptions {
  /** Variant of the weights, e.g. `fp16`. */
  readonly variant?: string | undefined;
  /** Leave tensors aside that the network has no parameter for; by default they are an error. */
  readonly ignoreExtra?: boolean | undefined;
  /** Told of what was ignored: unknown keys of a configuration, extra tensors. Default: the console. */
  readonly onWarning?: ((message: string) => void) | undefined;
  /** Told of the tensors that were left aside, by name. */
  readonly onExtra?: ((names: readonly string[]) => void) | undefined;
}

/**
 * Reads a `UNet2DModel` that inkwash or diffusers wrote: half precision and shards included.
 * Throws `DataError` when it is another network, incomplete or damaged, `ConfigError` for a configuration that does not fit.
 */
export async function readUNet2D(
  component: DiffusersComponent,
  { variant, ignoreExtra = false, onWarning = console.warn, onExtra }: ReadNetworkOptions = {},
): Promise<UNet2DModel> {
  const { path, className, config } = component;
  if (className !== 'UNet2DModel') {
    throw new DataError(`${path} holds ${withArticle(className)}`, 'UNet2DModel is the network that inkwash knows');
  }
  const unet = UNet2DModel.fromConfig(config, { onWarning: (message) => onWarning(`${path}: ${message}`) });
  const weights = await component.openWeights(variant === undefined ? {} : { variant });
  try {
    const { unexpected } = await loadParameters(unet, weights, { ignoreExtra });
    if (unexpected.length > 0) {
      onExtra?.(unexpected);
      const more = unexpected.length > 5 ? `, … and ${unexpected.length - 5} more` : '';
      onWarning(
        `${weights.path}: ignored what the network has no place for: ${unexpected.slice(0, 5).join(', ')}${more}`,
      );
    }
  } finally {
    await weights.close();
  }
  return unet;
}

/** The notes in the folder `path`; empty where there are none. Throws `DataError` when they are damaged or of a later format. */
export async function readNotes(
  path: string,
  onWarning: (message: string) => void = console.warn,
): Promise<ImageModelNotes> {
  const file = join(path, NOTES_FILE);
  return existsSync(file) ? parseNotes(await readJsonObject(file), file, onWarning) : {};
}
