/** @file Finding and writing the weights of one component of a diffusers folder. */
import { readdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { DataError } from '../tensor/index.ts';
import { atomicWrite } from './atomic-write.node.ts';
import { alreadyThere, type OverwriteOptions } from './output-files.node.ts';
import { readProblem } from './read-problem.node.ts';
import { openSafetensors, openSafetensorsIndex, type TensorReader, writeSafetensors } from './safetensors.node.ts';
import {
  planSafetensors,
  type SafetensorsInput,
  type SafetensorsTensor,
  type SafetensorsWriteOptions,
} from './safetensors.ts';

/** Weight files by the library that writes them: diffusers, transformers. */
const BASE_NAMES = ['diffusion_pytorch_model', 'model'];
const PICKLES = ['.bin', '.ckpt', '.pt', '.pth', '.pkl'];

const weightsName = (base: string, variant?: string): string => `${base}${variant ? `.${variant}` : ''}.safetensors`;
const indexName = (base: string, variant?: string): string =>
  `${base}.safetensors.index${variant ? `.${variant}` : ''}.json`;

/**
 * The weight file, or the index of the shards, in the component folder `folder`. Without `variant` the plain file is
 * taken, else the only variant there is. Throws `DataError` when weights are missing, ambiguous, or pickled.
 */
export async function findWeights(folder: string, variant?: string): Promise<string> {
  const names = await listFolder(folder);
  const base = BASE_NAMES.find((candidate) => names.some((name) => name.startsWith(`${candidate}.`))) ?? BASE_NAMES[0]!;
  const variants = variantsOf(names, base);
  const forms = (wanted?: string): string[] =>
    [weightsName(base, wanted), indexName(base, wanted)].filter((name) => names.includes(name));
  const one = (found: readonly string[]): string => {
    if (found.length > 1) {
      throw new DataError(
        `${folder} holds both ${found.join(' and ')}`,
        'one of them is stale: delete it (with its shards), or move it elsewhere',
      );
    }
    return join(folder, found[0]!);
  };
  const wanted = forms(variant);
  if (wanted.length > 0) return one(wanted);
  if (variant !== undefined && (variants.length > 0 || forms().length > 0)) {
    const present = [...(forms().length > 0 ? ['no variant'] : []), ...variants];
    throw new DataError(
      `${folder} has no weights of the variant "${variant}"`,
      variants.length > 0 ? `it has: ${present.join(', ')}` : { api: 'leave variant out', cli: 'leave --variant out' },
    );
  }
  if (variants.length === 1) return one(forms(variants[0]));
  if (variants.length > 1) {
    throw new DataError(`${folder} has weights of several variants: ${variants.join(', ')}`, {
      api: 'say which: set variant',
      cli: `say which: --variant ${variants[0]}`,
    });
  }
  const pickles = names.filter((name) => PICKLES.some((extension) => name.endsWith(extension)));
  if (pickles.length > 0) {
    throw new DataError(
      `${folder} holds only pickled weights (${pickles.join(', ')}); inkwash never reads pickle, because it can run code`,
      'convert them in Python: load the model with from_pretrained and call save_pretrained(folder, safe_serialization=True)',
    );
  }
  throw new DataError(
    `${folder} holds no weights: expected ${weightsName(BASE_NAMES[0]!)} or ${indexName(BASE_NAMES[0]!)}`,
    `it has: ${names.join(', ') || 'nothing'}`,
  );
}

/** Opens the weights of a component folder, see `findWeights`. */
export async function openWeights(folder: string, variant?: string): Promise<TensorReader> {
  const path = await findWeights(folder, variant);
  return path.endsWith('.json') ? openSafetensorsIndex(path) : openSafetensors(path);
}

async function listFolder(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).sort();
  } catch (cause) {
    throw new DataError(`could not open the folder ${folder}: ${readProblem(cause)}`, 'check the path', {
      cause,
    });
  }
}

/** Variants such as `fp16` of which there is a whole file or an index. */
function variantsOf(names: readonly string[], base: string): string[] {
  const pattern = new RegExp(`^${base}(?:\\.([^.]+)\\.safetensors|\\.safetensors\\.index\\.([^.]+)\\.json)$`);
  const found = names.flatMap((name) => {
    const match = pattern.exec(name);
    const variant = match?.[1] ?? match?.[2];
    return variant === undefined || isShard(name) ? [] : [variant];
  });
  return [...new Set(found)];
}

const isShard = (name: string): boolean => /-\d{5}-of-\d{5}\.safetensors$/.test(name);

/** Options of `writeWeights`. */
export interface WeightsWriteOptions extends SafetensorsWriteOptions, OverwriteOptions {
  /** Written into the file name, e.g. `fp16`; it converts nothing by itself, see `floatsAs`. */
  readonly variant?: string;
  /** Larger sets are written as shards of at most this many bytes of tensors, with an index. */
  readonly maxShardBytes?: number;
}

/** The files in `folder` that `writeWeights` would replace or remove. */
export async function findReplacedWeights(folder: string, variant?: string): Promise<string[]> {
  const base = BASE_NAMES[0]!;
  const names = await readdir(folder).catch(() => [] as string[]);
  const whole = [weightsName(base, variant), indexName(base, variant)];
  return names
    .filter((name) => whole.includes(name) || isShardOf(name, base, variant))
    .map((name) => join(folder, name));
}

/**
 * Writes the weights of a diffusers component into `folder`; with `overwrite` in the place of older ones, of which the other
 * form (whole file against shards) is removed so that nothing ambiguous stays. Returns the path to open.
 * Throws `DataError` when there are weights already and `overwrite` is not true, or when it cannot be written.
 */
export async function writeWeights(
  folder: string,
  tensors: SafetensorsInput,
  options: WeightsWriteOptions = {},
): Promise<string> {
  const { variant, maxShardBytes = 10_000_000_000, overwrite = false, ...rest } = options;
  const [replaced] = overwrite ? [] : await findReplacedWeights(folder, variant);
  if (replaced !== undefined) throw alreadyThere(replaced);
  const base = BASE_NAMES[0]!;
  // `format` is what Python loaders check before they read
  const write: SafetensorsWriteOptions = { ...rest, metadata: { format: 'pt', ...rest.metadata } };
  const named: [string, SafetensorsTensor][] = tensors instanceof Map ? [...tensors] : Object.entries(tensors);
  const groups = groupBySize(named, maxShardBytes, write);
  const single = join(folder, weightsName(base, variant));
  const index = join(folder, indexName(base, variant));
  if (groups.length === 1) {
    await writeSafetensors(single, tensors, write);
    await removeShards(folder, base, variant, new Set());
    await rm(index, { force: true });
    return single;
  }
  const weightMap: Record<string, string> = {};
  const written = new Set<string>();
  let totalSize = 0;
  for (const [i, { group, bytes }] of groups.entries()) {
    const count = `${String(i + 1).padStart(5, '0')}-of-${String(groups.length).padStart(5, '0')}`;
    const name = `${basename(single, '.safetensors')}-${count}.safetensors`;
    await writeSafetensors(join(folder, name), new Map(group), write);
    for (const [tensor] of group) weightMap[tensor] = name;
    written.add(name);
    totalSize += bytes;
  }
  const json = { metadata: { total_size: totalSize }, weight_map: weightMap };
  await atomicWrite(index, `${JSON.stringify(json, undefined, 2)}\n`);
  await removeShards(folder, base, variant, written);
  await rm(single, { force: true });
  return index;
}

/** Fills shards in the order given; a tensor larger than a shard gets one of its own. */
function groupBySize(
  named: readonly [string, SafetensorsTensor][],
  maxShardBytes: number,
  write: SafetensorsWriteOptions,
): { group: [string, SafetensorsTensor][]; bytes: number }[] {
  const groups: { group: [string, SafetensorsTensor][]; bytes: number }[] = [{ group: [], bytes: 0 }];
  for (const entry of named) {
    const plan = planSafetensors(new Map([entry]), write);
    const bytes = plan.totalBytes - plan.prefix.byteLength;
    const last = groups.at(-1)!;
    if (last.group.length > 0 && last.bytes + bytes > maxShardBytes) groups.push({ group: [entry], bytes });
    else {
      last.group.push(entry);
      last.bytes += bytes;
    }
  }
  return groups;
}

async function removeShards(
  folder: string,
  base: string,
  variant: string | undefined,
  keep: ReadonlySet<string>,
): Promise<void> {
  for (const name of await listFolder(folder)) {
    if (isShardOf(name, base, variant) && !keep.has(name)) await rm(join(folder, name), { force: true });
  }
}

function isShardOf(name: string, base: string, variant: string | undefined): boolean {
  const prefix = `${base}${variant ? `.${variant}` : ''}-`;
  return name.startsWith(prefix) && isShard(name.slice(prefix.length - 1));
}
