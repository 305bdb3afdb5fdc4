/** @file Checkpoints on disk: all variables and where the run stands, written aside and renamed, so each is whole. */
import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { atomicWrite, openSafetensors, writeError, writeSafetensors } from '../formats/index.node.ts';
import type { Variable } from '../graph/index.ts';
import type { Engine } from '../runtime/index.ts';
import { DataError, type NdArray, sameShape } from '../tensor/index.ts';
import type { TrainerState } from './diffusion-trainer.ts';
import type { SchedulePlan } from './schedule.ts';

/** Where a run stands; everything else follows from its configuration. */
export interface RunState {
  /** Updates made. */
  readonly step: number;
  /** Batches taken from the loader. */
  readonly loaderStep: number;
  readonly seed: number;
  /** Seconds of training so far, over all sessions. */
  readonly elapsed: number;
  readonly schedule: SchedulePlan | null;
  /** Lowest validation loss so far. */
  readonly bestLoss: number | null;
  readonly bestStep: number | null;
  /** Fingerprint of the training pictures. */
  readonly data: string;
  /** Hash of the configuration. */
  readonly config: string;
}

const GROUPS = ['parameters', 'ema', 'optimizer'] as const satisfies readonly (keyof TrainerState)[];
const NAME = /^step-(\d{6,})$/;

/** Folder name of the checkpoint after `step` updates. */
export function checkpointName(step: number): string {
  return `step-${String(step).padStart(6, '0')}`;
}

/** The checkpoints in `folder`, oldest first; half-written ones are not among them. */
export async function listCheckpoints(folder: string): Promise<{ readonly step: number; readonly path: string }[]> {
  const names = await readdir(folder).catch(() => []);
  return names
    .flatMap((name) => {
      const match = NAME.exec(name);
      return match ? [{ step: Number(match[1]), path: join(folder, name) }] : [];
    })
    .sort((a, b) => a.step - b.step);
}

/** Removes what a killed process left half-written. */
export async function removeUnfinished(folder: string): Promise<void> {
  for (const name of await readdir(folder).catch(() => [])) {
    if (name.endsWith('.tmp')) await rm(join(folder, name), { recursive: true, force: true });
  }
}

/**
 * Writes the variables of `groups` and `state` as `folder/step-…`, then removes the oldest beyond `keep`.
 * Throws `DataError` when it cannot be written; older checkpoints then stay as they were.
 */
export async function writeCheckpoint(
  folder: string,
  engine: Engine,
  groups: TrainerState,
  state: RunState,
  keep: number,
): Promise<string> {
  const path = join(folder, checkpointName(state.step));
  const temporary = `${path}.${randomUUID().slice(0, 8)}.tmp`;
  try {
    await mkdir(temporary, { recursive: true });
    for (const group of GROUPS) {
      await writeSafetensors(join(temporary, `${group}.safetensors`), await readAll(engine, groups[group]));
    }
    await atomicWrite(join(temporary, 'state.json'), `${JSON.stringify(state, undefined, 2)}\n`);
    await rm(path, { recursive: true, force: true });
    await rename(temporary, path);
  } catch (cause) {
    await rm(temporary, { recursive: true, force: true }).catch(() => undefined);
    throw writeError(path, cause);
  }
  const all = await listCheckpoints(folder);
  for (const old of all.slice(0, Math.max(0, all.length - keep))) await rm(old.path, { recursive: true, force: true });
  return path;
}

/** The present values of `variables`, copied to the host. */
export async function readAll(engine: Engine, variables: ReadonlyMap<string, Variable>): Promise<Map<string, NdArray>> {
  const values = new Map<string, NdArray>();
  for (const [name, variable] of variables) values.set(name, await engine.read(variable));
  return values;
}

/** Reads where the run stood. Throws `DataError` when the file is missing or damaged. */
export async function readRunState(path: string): Promise<RunState> {
  try {
    return JSON.parse(await readFile(join(path, 'state.json'), 'utf8')) as RunState;
  } catch (cause) {
    throw new DataError(
      `could not read the checkpoint ${path}: ${(cause as Error).message}`,
      'remove it to continue from the one before',
      { cause },
    );
  }
}

/**
 * Puts a checkpoint's values into the engine's variables. Throws `DataError` naming the file and the tensor when one is
 * missing, of another shape or cut short; some variables may then hold new values already.
 */
export async function restoreCheckpoint(path: string, engine: Engine, groups: TrainerState): Promise<void> {
  for (const group of GROUPS) {
    const reader = await openSafetensors(join(path, `${group}.safetensors`));
    try {
      for (const [name, variable] of groups[group]) {
        const value = await reader.read(name);
        if (!sameShape(value.shape, variable.shape)) {
          throw new DataError(
            `"${name}" of ${reader.path} has the shape [${value.shape}], the network needs [${variable.shape}]`,
            'the checkpoint belongs to another configuration',
          );
        }
        await engine.write(variable, value);
      }
    } finally {
      await reader.close();
    }
  }
}
