/** @file Model folders in diffusers' layout: JSON configurations and lazy weights, without knowing any network. */
import { existsSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { ConfigError, DataError, nearestName } from '../tensor/index.ts';
import {
  type ComponentReference,
  type DiffusersConfig,
  type ModelIndex,
  parseModelIndex,
  readConfigFile,
  writeConfigFile,
} from './diffusers-config.node.ts';
import { findReplacedWeights, openWeights, type WeightsWriteOptions, writeWeights } from './diffusers-weights.node.ts';
import { alreadyThere, refuseOverwriting } from './output-files.node.ts';
import type { TensorReader } from './safetensors.node.ts';
import type { SafetensorsInput } from './safetensors.ts';

/** One component of a pipeline folder, or a folder that holds a single model. */
export interface DiffusersComponent {
  readonly name: string;
  readonly path: string;
  /** What `model_index.json` says, as in diffusers; of a component saved alone, `_class_name` of its configuration. */
  readonly className: string;
  readonly config: DiffusersConfig;
  /** Opens its weights; close the reader when done. Throws `DataError` when missing, ambiguous or pickled. */
  openWeights(options?: { readonly variant?: string }): Promise<TensorReader>;
}

/** A pipeline folder. */
export interface DiffusersFolder {
  readonly path: string;
  readonly index: ModelIndex;
  /** Reads the configuration of a component. Throws `DataError` when the folder has none of that name. */
  component(name: string): Promise<DiffusersComponent>;
}

/** Names of a component's configuration, most usual first. */
const CONFIG_NAMES = ['config.json', 'scheduler_config.json', 'preprocessor_config.json', 'tokenizer_config.json'];

/** Opens a pipeline folder. Throws `DataError` when `path` has no `model_index.json`. */
export async function openDiffusersFolder(path: string): Promise<DiffusersFolder> {
  const file = join(path, 'model_index.json');
  if (!existsSync(file)) {
    throw new DataError(
      existsSync(path) ? `${path} has no model_index.json` : `there is no folder called ${path}`,
      existsSync(join(path, 'config.json'))
        ? 'it holds a single model: give the folder of the pipeline that it belongs to'
        : 'give the folder of a run, or a diffusers model folder',
    );
  }
  const index = parseModelIndex(await readConfigFile(file), file);
  return {
    path,
    index,
    async component(name) {
      const reference = index.components.get(name);
      if (!reference) {
        const near = nearestName(name, index.components.keys());
        throw new DataError(
          `${path} (${index.className}) has no component "${name}"`,
          near ? `did you mean "${near}"?` : `it has: ${[...index.components.keys()].join(', ')}`,
        );
      }
      return openDiffusersComponent(join(path, name), reference);
    },
  };
}

/**
 * Opens a component folder: a part of a pipeline, or a model saved alone. Throws `DataError` when it has no
 * configuration, or one without a class.
 */
export async function openDiffusersComponent(
  path: string,
  reference?: ComponentReference,
): Promise<DiffusersComponent> {
  const configName = CONFIG_NAMES.find((name) => existsSync(join(path, name)));
  if (!configName) throw new DataError(`${path} has no ${CONFIG_NAMES[0]}`, 'check that the folder is complete');
  const config = await readConfigFile(join(path, configName));
  const className = reference?.className ?? config._class_name;
  if (typeof className !== 'string') {
    throw new DataError(
      `${join(path, configName)} names no class in _class_name`,
      'add it, or open the whole pipeline folder',
    );
  }
  return {
    name: basename(resolve(path)),
    path,
    className,
    config,
    openWeights: ({ variant } = {}) => openWeights(path, variant),
  };
}

/** A component to write: a model with weights, or a scheduler without. */
export interface ComponentToWrite {
  /** Its Python library. */
  readonly library?: string;
  readonly className: string;
  /** Keys as diffusers names them; `_class_name` and `_diffusers_version` are added. */
  readonly config: DiffusersConfig;
  readonly tensors?: SafetensorsInput;
}

/** A pipeline to write. */
export interface PipelineToWrite {
  /** E.g. `DDPMPipeline`. */
  readonly className: string;
  readonly components: Readonly<Record<string, ComponentToWrite>>;
  /** Further keys of `model_index.json`. */
  readonly options?: DiffusersConfig;
}

/**
 * Writes a pipeline folder that diffusers loads. `model_index.json` comes last, so a folder that has one is complete.
 * Throws `DataError` when it cannot be written, or would replace files and `overwrite` is not true; `ConfigError` for a
 * component name that is no folder name.
 */
export async function writeDiffusersFolder(
  path: string,
  pipeline: PipelineToWrite,
  options: WeightsWriteOptions = {},
): Promise<void> {
  const references: Record<string, readonly [string, string]> = {};
  const components = Object.entries(pipeline.components);
  const odd = components.find(([name]) => !/^[\w-]+$/.test(name));
  if (odd) throw new ConfigError(`"${odd[0]}" cannot be a component: it is no folder name`);
  await refuseOverwriting([join(path, 'model_index.json')], options);
  for (const [name, component] of components) await refuseReplacing(join(path, name), component, options);
  for (const [name, component] of components) {
    await writeDiffusersComponent(join(path, name), component, options);
    references[name] = [component.library ?? 'diffusers', component.className];
  }
  const json = { ...pipeline.options, _class_name: pipeline.className, ...references };
  await writeConfigFile(join(path, 'model_index.json'), json);
}

/**
 * Writes one component: weights first, then its configuration (`scheduler_config.json` for one without weights).
 * Throws `DataError` when it cannot be written, or would replace files and `overwrite` is not true.
 */
export async function writeDiffusersComponent(
  path: string,
  component: ComponentToWrite,
  options: WeightsWriteOptions = {},
): Promise<void> {
  const { className, config, tensors } = component;
  await refuseReplacing(path, component, options);
  if (tensors) await writeWeights(path, tensors, options);
  await writeConfigFile(configPath(path, component), { ...config, _class_name: className });
}

function configPath(path: string, { tensors }: ComponentToWrite): string {
  return join(path, tensors ? 'config.json' : 'scheduler_config.json');
}

async function refuseReplacing(path: string, component: ComponentToWrite, options: WeightsWriteOptions): Promise<void> {
  await refuseOverwriting([configPath(path, component)], options);
  if (!component.tensors || options.overwrite) return;
  const [weights] = await findReplacedWeights(path, options.variant);
  if (weights !== undefined) throw alreadyThere(weights);
}
