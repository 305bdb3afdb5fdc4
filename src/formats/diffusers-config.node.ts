/** @file The JSON files of a diffusers folder: `model_index.json`, `config.json`, `scheduler_config.json`. */
import { DataError } from '../tensor/index.ts';
import { atomicWrite } from './atomic-write.node.ts';
import { readJsonObject } from './json-file.node.ts';
import { formatPythonJson } from './python-json.ts';

/** A diffusers configuration as JSON; unknown keys are kept. */
export type DiffusersConfig = Readonly<Record<string, unknown>>;

/** Version written as `_diffusers_version` into configurations that name none. */
export const DIFFUSERS_VERSION = '0.42.1';

/** Reads one configuration. Throws `DataError` when the file is missing or holds no JSON object, see `readJsonObject`. */
export function readConfigFile(path: string): Promise<DiffusersConfig> {
  return readJsonObject(path, 'check that this is a diffusers folder');
}

/** Writes one configuration as diffusers does: sorted keys, two spaces, infinities by name, a final newline. */
export async function writeConfigFile(path: string, config: DiffusersConfig): Promise<void> {
  const complete: DiffusersConfig = { _diffusers_version: DIFFUSERS_VERSION, ...config };
  const sorted = Object.fromEntries(Object.entries(complete).sort(([a], [b]) => (a < b ? -1 : 1)));
  await atomicWrite(path, `${formatPythonJson(sorted)}\n`);
}

/** A component of a pipeline as `model_index.json` names it, e.g. `['diffusers', 'UNet2DModel']`. */
export interface ComponentReference {
  readonly library: string;
  readonly className: string;
}

/** What `model_index.json` says. */
export interface ModelIndex {
  readonly className: string;
  /** Components that exist; those written `[null, null]` are left out. */
  readonly components: ReadonlyMap<string, ComponentReference>;
  /** The whole file, pipeline options included. */
  readonly json: DiffusersConfig;
}

/** Understands a `model_index.json`. Throws `DataError` when it names no pipeline class. */
export function parseModelIndex(json: DiffusersConfig, path: string): ModelIndex {
  // a pipeline with code of its own is written as [file, class]
  const className = Array.isArray(json._class_name) ? json._class_name.join('.') : json._class_name;
  if (typeof className !== 'string') {
    throw new DataError(`${path} names no pipeline in _class_name`, 'check that this is a diffusers model_index.json');
  }
  const components = new Map<string, ComponentReference>();
  for (const [name, value] of Object.entries(json)) {
    if (name.startsWith('_') || !Array.isArray(value) || value.length !== 2) continue;
    const [library, componentClass] = value as unknown[];
    if (typeof library !== 'string' || typeof componentClass !== 'string') continue;
    if (!/^[\w-]+$/.test(name)) throw new DataError(`${path} names the component "${name}", which is no folder name`);
    components.set(name, { library, className: componentClass });
  }
  return { className, components, json };
}
