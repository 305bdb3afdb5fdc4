/** @file safetensors on disk: read tensor by tensor through a file handle, sharded or not; written whole or not at all. */
import { type FileHandle, open } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { DataError, type NdArray, nearestName } from '../tensor/index.ts';
import { atomicWrite } from './atomic-write.node.ts';
import { readJsonObject } from './json-file.node.ts';
import { KeptFile } from './kept-file.node.ts';
import { LFS_POINTER_BYTES } from './lfs-pointer.ts';
import { readProblem } from './read-problem.node.ts';
import {
  parseSafetensorsHeader,
  planSafetensors,
  type SafetensorsEntry,
  type SafetensorsInput,
  type SafetensorsWriteOptions,
  safetensorsHeaderLength,
} from './safetensors.ts';
import { decodeTensor } from './safetensors-dtype.ts';

/** Tensors by name, read from disk when asked for, so that files larger than memory work. Close it when done. */
export interface TensorReader {
  /** The file, or the index of a sharded set. */
  readonly path: string;
  readonly entries: ReadonlyMap<string, SafetensorsEntry>;
  readonly metadata: Readonly<Record<string, string>>;
  /** Reads one tensor. Throws `DataError` when there is none of that name, or the file fails. */
  read(name: string, options?: { readonly toFloat32?: boolean }): Promise<NdArray>;
  /**
   * A reading of one tensor for later and for as often as it is called, also when this is closed by then: of large models, few
   * tensors are in memory at once. It throws `DataError` when the file was changed in its place since.
   */
  later(name: string, options?: { readonly toFloat32?: boolean }): () => NdArray;
  close(): Promise<void>;
}

/** Opens one file and checks its header. Throws `DataError` when it is missing, truncated or malformed. */
export async function openSafetensors(path: string): Promise<TensorReader> {
  const file = await openFile(path);
  try {
    const info = await file.stat();
    if (!info.isFile()) throw new DataError(`${path} is no file`, 'give the path of a .safetensors file');
    const { size } = info;
    const beginning = await readAt(file, 0, Math.min(LFS_POINTER_BYTES, size), path);
    const length = safetensorsHeaderLength(beginning, size, path);
    const header = parseSafetensorsHeader(await readAt(file, 8, length, path), size, path);
    const { entries, metadata, dataStart } = header;
    let kept: KeptFile | undefined;
    return {
      path,
      entries,
      metadata,
      async read(name, { toFloat32 = false } = {}) {
        const entry = entries.get(name) ?? missingTensor(name, path, entries.keys());
        const bytes = await readAt(file, dataStart + entry.begin, entry.end - entry.begin, path);
        return decodeTensor(bytes, entry.dtype, entry.shape, toFloat32);
      },
      later(name, { toFloat32 = false } = {}) {
        const entry = entries.get(name) ?? missingTensor(name, path, entries.keys());
        kept ??= new KeptFile(path, info);
        const from = kept;
        return () => {
          const bytes = from.read(dataStart + entry.begin, entry.end - entry.begin);
          return decodeTensor(bytes, entry.dtype, entry.shape, toFloat32);
        };
      },
      close: () => file.close(),
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/**
 * Opens a sharded set through its `….safetensors.index.json` (`weight_map`: tensor → file beside it).
 * Throws `DataError` when the index is malformed, a shard is missing, or a tensor is not where the index says.
 */
export async function openSafetensorsIndex(path: string): Promise<TensorReader> {
  const weightMap = await readWeightMap(path);
  const shards = new Map<string, TensorReader>();
  try {
    for (const shard of new Set(weightMap.values())) {
      if (basename(shard) !== shard) {
        throw new DataError(
          `${path} points to ${shard}, shards lie beside their index`,
          'fix the index, or download it again',
        );
      }
      shards.set(shard, await openSafetensors(join(dirname(path), shard)));
    }
    const entries = new Map<string, SafetensorsEntry>();
    for (const [name, shard] of weightMap) {
      const reader = shards.get(shard)!;
      entries.set(name, reader.entries.get(name) ?? missingTensor(name, reader.path, reader.entries.keys()));
    }
    return {
      path,
      entries,
      metadata: Object.assign({}, ...[...shards.values()].map((reader) => reader.metadata)) as Record<string, string>,
      async read(name, options) {
        const shard = weightMap.get(name) ?? missingTensor(name, path, entries.keys());
        return shards.get(shard)!.read(name, options);
      },
      later(name, options) {
        const shard = weightMap.get(name) ?? missingTensor(name, path, entries.keys());
        return shards.get(shard)!.later(name, options);
      },
      close: () => closeAll(shards.values()),
    };
  } catch (error) {
    await closeAll(shards.values());
    throw error;
  }
}

async function closeAll(readers: Iterable<TensorReader>): Promise<void> {
  for (const reader of readers) await reader.close();
}

async function readWeightMap(path: string): Promise<Map<string, string>> {
  const { weight_map: map } = await readJsonObject(path);
  if (map === null || typeof map !== 'object' || Object.values(map).some((file) => typeof file !== 'string')) {
    throw new DataError(`${path} has no weight_map from tensor names to files`, 'download it again');
  }
  return new Map(Object.entries(map as Record<string, string>));
}

/** Writes a safetensors file, whole or not at all. Throws `DataError` when the path cannot be written. */
export async function writeSafetensors(
  path: string,
  tensors: SafetensorsInput,
  options: SafetensorsWriteOptions = {},
): Promise<void> {
  const { prefix, parts } = planSafetensors(tensors, options);
  await atomicWrite(path, encoded(prefix, parts));
}

/** Encodes tensor by tensor, so that a converted copy of one at a time is in memory. */
function* encoded(prefix: Uint8Array, parts: readonly { bytes(): Uint8Array }[]): Generator<Uint8Array> {
  yield prefix;
  for (const part of parts) yield part.bytes();
}

function missingTensor(name: string, path: string, names: Iterable<string>): never {
  const near = nearestName(name, names);
  throw new DataError(
    `${path} holds no tensor "${name}"`,
    near ? `did you mean "${near}"?` : 'check that it is the right file',
  );
}

async function openFile(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT')
      throw new DataError(`there is no file ${path}`, 'check the path', { cause });
    throw new DataError(`could not open ${path}: ${readProblem(cause)}`, 'check the path and its permissions', {
      cause,
    });
  }
}

/** Exactly `length` bytes from `position`, in a buffer of its own. */
async function readAt(file: FileHandle, position: number, length: number, path: string): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; ) {
    const { bytesRead } = await file.read(bytes, at, Math.min(length - at, 2 ** 30), position + at);
    if (bytesRead === 0) {
      throw new DataError(
        `${path} ended at byte ${position + at}, expected ${position + length}`,
        'copy or download it again',
      );
    }
    at += bytesRead;
  }
  return bytes;
}
