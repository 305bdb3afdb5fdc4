/** @file Moving parameters between modules, engines and checkpoints. */
import type { Engine } from '../runtime/index.ts';
import {
  castArray,
  DataError,
  formatShape,
  type Hint,
  type NdArray,
  nearestName,
  type Shape,
  sameShape,
} from '../tensor/index.ts';
import type { Module } from './module.ts';
import type { Parameter } from './parameter.ts';

/** Named tensors that are read when asked for: an open safetensors file, for one. */
export interface TensorSource {
  /** File name, for messages. */
  readonly path?: string;
  readonly entries: ReadonlyMap<string, { readonly shape: Shape }>;
  read(name: string, options?: { readonly toFloat32?: boolean }): Promise<NdArray>;
  /** A reading for later, and for every time it is asked for, also when the source is closed by then. */
  later?(name: string, options?: { readonly toFloat32?: boolean }): () => NdArray;
}

/** Where parameters come from. */
export type ParameterSource = TensorSource | ReadonlyMap<string, NdArray>;

export interface LoadOptions {
  /** Write into this engine; otherwise the values become what engines start from. */
  readonly engine?: Engine;
  /** Leave tensors aside that the module has no parameter for. By default they are an error, as they hint at another network. */
  readonly ignoreExtra?: boolean;
  /** Keep the initial values of parameters that the source lacks. By default they are an error. */
  readonly ignoreMissing?: boolean;
}

/** Keys that did not match. */
export interface LoadReport {
  readonly missing: readonly string[];
  readonly unexpected: readonly string[];
}

/**
 * Loads every parameter of `module` by checkpoint key; half precision becomes float32. Nothing is loaded unless all fits.
 * Throws one `DataError` that names all missing keys, unexpected keys and wrong shapes; those that are ignored are reported.
 */
export async function loadParameters(
  module: Module,
  source: ParameterSource,
  { engine, ignoreExtra = false, ignoreMissing = false }: LoadOptions = {},
): Promise<LoadReport> {
  const tensors = source instanceof Map ? source : (source as TensorSource).entries;
  const stored = new Map<string, string>();
  for (const name of tensors.keys()) stored.set(module.migrateKey(name), name);
  const parameters = module.namedParameters();
  const missing = [...parameters.keys()].filter((key) => !stored.has(key));
  const unexpected = [...stored].filter(([key]) => !parameters.has(key)).map(([, name]) => name);
  const matched = [...parameters].filter(([key]) => stored.has(key));
  const wrong = matched.flatMap(([key, parameter]) => {
    const { shape } = tensors.get(stored.get(key)!)!;
    return sameShape(shape, parameter.shape)
      ? []
      : [`${key}: expected ${formatShape(parameter.shape)}, found ${formatShape(shape)}`];
  });
  const [lacking, extra] = [ignoreMissing ? [] : missing, ignoreExtra ? [] : unexpected];
  if (wrong.length + lacking.length + extra.length > 0) {
    throw mismatch(sourceName(source), lacking, extra, wrong);
  }
  for (const [key, parameter] of matched) {
    const name = stored.get(key)!;
    if (engine) await engine.write(parameter, await readTensor(source, name, parameter));
    else parameter.setInitial(await initialFrom(source, name, parameter), { repeatable: true });
  }
  return { missing, unexpected };
}

/** What a parameter starts from: read when an engine asks for it, where the source can do that. */
async function initialFrom(source: ParameterSource, name: string, parameter: Parameter): Promise<() => NdArray> {
  if (!(source instanceof Map)) {
    const read = (source as TensorSource).later?.(name, { toFloat32: parameter.dtype === 'float32' });
    if (read) return () => castArray(read(), parameter.dtype);
  }
  const value = await readTensor(source, name, parameter);
  return () => value;
}

async function readTensor(source: ParameterSource, name: string, parameter: Parameter): Promise<NdArray> {
  const array =
    source instanceof Map
      ? (source.get(name) as NdArray)
      : await (source as TensorSource).read(name, { toFloat32: parameter.dtype === 'float32' });
  return castArray(array, parameter.dtype);
}

function sourceName(source: ParameterSource): string {
  return source instanceof Map ? 'the checkpoint' : ((source as TensorSource).path ?? 'the checkpoint');
}

/** At most ten lines of a kind. */
function listed(title: string, lines: readonly string[]): string {
  if (lines.length === 0) return '';
  const shown = lines.slice(0, 10).map((line) => `\n    ${line}`);
  const rest = lines.length > 10 ? `\n    … and ${lines.length - 10} more` : '';
  return `\n  ${lines.length} ${title}:${shown.join('')}${rest}`;
}

function mismatch(file: string, missing: string[], unexpected: string[], wrong: string[]): DataError {
  return new DataError(
    `${file} does not fit the network${listed('missing', missing)}${listed('unexpected', unexpected)}${listed('of another shape', wrong)}`,
    remedy(missing, unexpected, wrong),
  );
}

function remedy(missing: readonly string[], unexpected: readonly string[], wrong: readonly string[]): Hint {
  if (wrong.length > 0) {
    return 'the configuration belongs to another network: compare block_out_channels and the like with the checkpoint';
  }
  const check = 'check that the configuration belongs to these weights';
  if (missing[0] === undefined) {
    return {
      api: `${check}, or set ignoreExtra to load without what is unexpected`,
      cli: `${check}, or add --ignore-extra to go on without what is unexpected`,
    };
  }
  const near = nearestName(missing[0], unexpected);
  return near === undefined ? check : `the names differ: is '${near}' what the network calls '${missing[0]}'?`;
}

/** Reads every parameter, frozen ones included, from `engine`: what a checkpoint stores. */
export async function readParameters(module: Module, engine: Engine): Promise<Map<string, NdArray>> {
  const tensors = new Map<string, NdArray>();
  for (const [key, parameter] of module.namedParameters()) tensors.set(key, await engine.read(parameter));
  return tensors;
}
