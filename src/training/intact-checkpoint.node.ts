/** @file The checkpoint to go on from: the newest that is as it was written; damaged ones are named and set aside. */
import { existsSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { writeError } from '../formats/index.node.ts';
import { DataError } from '../tensor/index.ts';
import { listCheckpoints, readIntactState } from './checkpoint.node.ts';
import type { RunState } from './run-state.ts';

/** A checkpoint that cannot be used. */
export interface DamagedCheckpoint {
  readonly path: string;
  /** Names the file and what is wrong with it. */
  readonly reason: string;
}

export interface FoundCheckpoint {
  /** The newest intact one; undefined when the run has written none yet. */
  readonly checkpoint: { readonly path: string; readonly state: RunState } | undefined;
  /** Newer ones, newest first. */
  readonly damaged: readonly DamagedCheckpoint[];
}

/**
 * Looks for the newest intact checkpoint of the run in `out`, without changing anything.
 * Throws `DataError` naming every damaged file when there are checkpoints and none is intact.
 */
export async function findIntactCheckpoint(out: string): Promise<FoundCheckpoint> {
  const damaged: DamagedCheckpoint[] = [];
  for (const { path } of (await listCheckpoints(join(out, 'checkpoints'))).reverse()) {
    try {
      return { checkpoint: { path, state: await readIntactState(path) }, damaged };
    } catch (error) {
      if (!(error instanceof DataError)) throw error;
      damaged.push({ path, reason: error.message });
    }
  }
  if (damaged.length === 0) return { checkpoint: undefined, damaged };
  const model = join(out, 'model');
  const learned = existsSync(model) ? `; what the run has learned is still in ${model}` : '';
  throw new DataError(`no checkpoint of ${out} is intact:${damaged.map(({ reason }) => `\n  ${reason}`).join('')}`, {
    api: `restore one from a copy, or start another run${learned}`,
    cli: `restore one from a copy, or start another run with --out${learned}`,
  });
}

/**
 * Renames a damaged checkpoint so that it neither counts as one nor is in the way of the next of its step; an earlier one
 * stays. Returns its new path. Throws `DataError` when the folder cannot be written.
 */
export async function setAside(path: string): Promise<string> {
  let aside = `${path}.damaged`;
  for (let number = 2; existsSync(aside); number++) aside = `${path}.damaged-${number}`;
  try {
    await rename(path, aside);
  } catch (cause) {
    throw writeError(aside, cause);
  }
  return aside;
}
