/** @file Checkpoints on disk: all variables and where the run stands, written aside and renamed, so each is whole. */
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile, rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { atomicWrite, makeFolder, openSafetensors, writeError, writeSafetensors } from '../formats/index.node.ts';
import type { Variable } from '../graph/index.ts';
import type { Engine } from '../runtime/index.ts';
import { DataError, type NdArray, sameShape } from '../tensor/index.ts';
import { expectation, misfitPath, misfitValue } from '../tensor/misfit.ts';
import type { TrainerState } from './diffusion-trainer.ts';
import { type FileSum, fileSum, fileSumSchema, findChange } from './file-sum.node.ts';
import { type RunState, runStateSchema } from './run-state.ts';

const GROUPS = ['parameters', 'ema', 'optimizer'] as const satisfies readonly (keyof TrainerState)[];
const NAME = /^step-(\d{6,})$/;
const fileOf = (group: (typeof GROUPS)[number]): string => `${group}.safetensors`;

/** `state.json`: where the run stands, and what the files beside it are like. */
const storedSchema = runStateSchema.extend({ files: z.record(z.string(), fileSumSchema) });

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
 * Writes the variables of `groups` and `state` as `folder/step-…`, then removes the oldest beyond `keep`; returns their names.
 * Throws `DataError` when it cannot be written; older checkpoints then stay as they were.
 */
export async function writeCheckpoint(
  folder: string,
  engine: Engine,
  groups: TrainerState,
  state: RunState,
  keep: number,
): Promise<string[]> {
  const path = join(folder, checkpointName(state.step));
  const temporary = `${path}.${randomUUID().slice(0, 8)}.tmp`;
  try {
    await makeFolder(temporary);
    const files: Record<string, FileSum> = {};
    for (const group of GROUPS) {
      const file = join(temporary, fileOf(group));
      await writeSafetensors(file, await readAll(engine, groups[group]));
      files[fileOf(group)] = await fileSum(file);
    }
    const stored: z.output<typeof storedSchema> = { ...state, files };
    await atomicWrite(join(temporary, 'state.json'), `${JSON.stringify(stored, undefined, 2)}\n`);
    // one of the same step goes only when the new one is in its place
    if (existsSync(path)) await rename(path, `${temporary}.old.tmp`);
    await rename(temporary, path);
    await rm(`${temporary}.old.tmp`, { recursive: true, force: true });
  } catch (cause) {
    await rm(temporary, { recursive: true, force: true }).catch(() => undefined);
    throw writeError(path, cause);
  }
  const all = await listCheckpoints(folder);
  const old = all.slice(0, Math.max(0, all.length - keep));
  for (const one of old) await rm(one.path, { recursive: true, force: true });
  return old.map((one) => basename(one.path));
}

/** The present values of `variables`, copied to the host. */
export async function readAll(engine: Engine, variables: ReadonlyMap<string, Variable>): Promise<Map<string, NdArray>> {
  const values = new Map<string, NdArray>();
  for (const [name, variable] of variables) values.set(name, await engine.read(variable));
  return values;
}

/**
 * Reads where the run stood, once every file of the checkpoint has been found as it was written.
 * Throws `DataError` naming the file that is missing, cut short or changed.
 */
export async function readIntactState(path: string): Promise<RunState> {
  const file = join(path, 'state.json');
  const { files, ...state } = await readStored(file);
  if (checkpointName(state.step) !== basename(path)) throw new DataError(`${file} is that of step ${state.step}`);
  for (const name of GROUPS.map(fileOf)) {
    const change = await findChange(join(path, name), files[name]);
    if (change !== undefined) throw new DataError(`${join(path, name)} ${change}`);
  }
  return state;
}

async function readStored(file: string): Promise<z.output<typeof storedSchema>> {
  let json: unknown;
  try {
    json = JSON.parse(await readFile(file, 'utf8'));
  } catch (cause) {
    throw new DataError(`${file} cannot be read: ${(cause as Error).message}`, undefined, { cause });
  }
  const result = storedSchema.safeParse(json);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const got = misfitValue(issue, json);
  throw new DataError(`${file} is not the state of a run: ${misfitPath(issue)} is ${expectation(issue!)}, got ${got}`);
}

/**
 * Puts a checkpoint's values into the engine's variables. Throws `DataError` naming the file and the tensor when one is
 * missing, of another shape or cut short; some variables may then hold new values already.
 */
export async function restoreCheckpoint(path: string, engine: Engine, groups: TrainerState): Promise<void> {
  for (const group of GROUPS) {
    const reader = await openSafetensors(join(path, fileOf(group)));
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
