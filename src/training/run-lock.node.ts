/** @file The lock of a run: one process at a time writes into its folder, and the lock of a dead one is recognised. */
import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync, statSync, unlinkSync, utimesSync } from 'node:fs';
import { mkdir, open, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { writeError } from '../formats/index.node.ts';
import { DataError } from '../tensor/index.ts';
import { processIdentitySchema, processState, thisProcess } from './process-identity.node.ts';

/** Name of the lock in the folder of a run. */
export const LOCK_FILE = 'lock.json';
/** The holder of a lock gives a sign of life this often, and is taken for dead after so long without one. Milliseconds. */
const SIGN_EVERY = 5_000;
const SILENT_AFTER = 60_000;
/** Looks at a lock that others are fighting for, 20 ms apart. */
const ATTEMPTS = 100;

const lockSchema = processIdentitySchema.extend({
  /** Of this one lock. */
  token: z.string(),
  /** Number of the folder in its file system: a copied folder is not in use. */
  folder: z.string(),
  /** ISO 8601. */
  since: z.string(),
});

/** Who writes into a run. */
export type RunLockHolder = z.output<typeof lockSchema>;

/** A lock as it was found. */
interface FoundLock {
  /** Undefined for one that is damaged, or still being written. */
  readonly holder: RunLockHolder | undefined;
  readonly live: boolean;
}

/** Who writes into the run in `folder` now; undefined when nobody does, or nobody alive. */
export function runLockHolder(folder: string): RunLockHolder | undefined {
  const found = findLock(folder);
  return found?.live ? found.holder : undefined;
}

/** The right to write into a run's folder, held until `release` or the end of the process. */
export class RunLock {
  readonly #folder: string;
  readonly #token: string;
  readonly #signs: NodeJS.Timeout;
  readonly #onExit = (): void => this.release();
  #lost = false;

  private constructor(folder: string, token: string) {
    this.#folder = folder;
    this.#token = token;
    this.#signs = setInterval(() => this.#giveSign(), SIGN_EVERY).unref();
    process.on('exit', this.#onExit);
  }

  /** Locks the run in `folder`, which exists. Throws `DataError` when it is in use, or cannot be written. */
  static async take(folder: string): Promise<RunLock> {
    const token = randomUUID();
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      if (await createLock(folder, token)) return new RunLock(folder, token);
      const found = findLock(folder);
      if (found?.live) throw inUse(folder, found.holder);
      if (found && (await replaceDead(folder, found.holder, token))) return new RunLock(folder, token);
    }
    throw inUse(folder, undefined);
  }

  /** Whether `check` has found that another process took the run over. */
  get lost(): boolean {
    return this.#lost;
  }

  /** Throws `DataError` when another process has taken the run over, as it may after a minute without a sign of life. */
  check(): void {
    const holder = findLock(this.#folder)?.holder;
    if (holder === undefined || holder.token === this.#token) return;
    this.#lost = true;
    throw new DataError(
      `the run ${this.#folder} was taken over by ${nameOf(holder)} while this one stood still`,
      'let that one go on, or stop it and resume the run again',
    );
  }

  /** Gives the run free; more than once does no harm. */
  release(): void {
    clearInterval(this.#signs);
    process.off('exit', this.#onExit);
    try {
      if (readLock(this.#folder)?.token === this.#token) unlinkSync(join(this.#folder, LOCK_FILE));
    } catch {
      // the folder is gone, or the disk refuses: a lock that stays is recognised as dead
    }
  }

  #giveSign(): void {
    try {
      const now = new Date();
      if (readLock(this.#folder)?.token === this.#token) utimesSync(join(this.#folder, LOCK_FILE), now, now);
    } catch {
      // tried again with the next sign
    }
  }
}

/** Writes the lock unless there is one. Returns whether it did. */
async function createLock(folder: string, token: string): Promise<boolean> {
  const path = join(folder, LOCK_FILE);
  try {
    const since = new Date().toISOString();
    const holder: RunLockHolder = { ...thisProcess(), token, folder: folderNumber(folder), since };
    const file = await open(path, 'wx');
    try {
      await file.writeFile(`${JSON.stringify(holder)}\n`);
    } catch (error) {
      await rm(path, { force: true });
      throw error;
    } finally {
      await file.close();
    }
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw writeError(path, error);
  }
}

/**
 * Puts the lock `token` in the place of a dead one. Of several processes that found it dead, one gets here at a time, and
 * the others then find another lock than they judged. Returns false to look again.
 */
async function replaceDead(folder: string, dead: RunLockHolder | undefined, token: string): Promise<boolean> {
  const path = join(folder, LOCK_FILE);
  const turn = `${path}.turn`;
  try {
    await mkdir(turn);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw writeError(path, error);
    // left by a process that died in its turn
    if (isSilent(turn)) await rmdir(turn).catch(() => undefined);
    await sleep(20);
    return false;
  }
  try {
    if (readLock(folder)?.token !== dead?.token) return false;
    await rm(path, { force: true });
    return await createLock(folder, token);
  } finally {
    await rmdir(turn).catch(() => undefined);
  }
}

function findLock(folder: string): FoundLock | undefined {
  const path = join(folder, LOCK_FILE);
  if (!existsSync(path)) return undefined;
  const holder = readLock(folder);
  const state = holder ? processState(holder) : 'unknown';
  if (state === 'unknown') return { holder, live: !isSilent(path) };
  return { holder, live: state === 'alive' && holder?.folder === folderNumber(folder) };
}

function folderNumber(folder: string): string {
  return String(statSync(folder, { bigint: true }).ino);
}

/** The lock's contents; undefined when there is none, or none that can be read. */
function readLock(folder: string): RunLockHolder | undefined {
  try {
    const result = lockSchema.safeParse(JSON.parse(readFileSync(join(folder, LOCK_FILE), 'utf8')));
    return result.data;
  } catch {
    return undefined;
  }
}

/** Whether `path` has given no sign of life for long; one that is gone is silent. */
function isSilent(path: string): boolean {
  const info = statSync(path, { throwIfNoEntry: false });
  return info === undefined || Date.now() - info.mtimeMs > SILENT_AFTER;
}

function nameOf({ pid, host, since }: RunLockHolder): string {
  return `process ${pid} on ${host} (since ${since})`;
}

function inUse(folder: string, holder: RunLockHolder | undefined): DataError {
  const gone = holder && processState(holder) === 'alive' ? '' : '; if it no longer runs, try again in a minute';
  return new DataError(
    `the run ${folder} is in use${holder ? ` by ${nameOf(holder)}` : ''}`,
    `wait until it is done, or stop it${gone}`,
  );
}
