/** @file The folder of a run: `config.json`, `events.jsonl`, `checkpoints/`, `samples/`, `model/`. */
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { atomicWrite, makeFolder, writeError } from '../formats/index.node.ts';
import { ConfigError, DataError } from '../tensor/index.ts';
import { removeUnfinished } from './checkpoint.node.ts';
import { parseTrainingConfig, type TrainingConfig } from './config.ts';
import { type NewTrainingEvent, parseEvents, type TrainingEvent } from './events.ts';
import { RunLock } from './run-lock.node.ts';
import { claimRunFolder } from './run-path.node.ts';

/** What a run writes into its folder. */
const CONTENTS = ['config.json', 'events.jsonl', 'checkpoints', 'samples', 'model'];

/** Whether `path` holds a run; one that lost its events still counts. */
export function isRunFolder(path: string): boolean {
  const has = (name: string): boolean => existsSync(join(path, name));
  return has('config.json') && (has('events.jsonl') || has('checkpoints'));
}

/** A run's folder, open for writing by this process alone until it is closed. */
export class RunFolder {
  readonly path: string;
  readonly #lock: RunLock;
  /** Called with every event. */
  readonly #onEvent: (event: TrainingEvent) => void;
  /** Lines that could not be written yet. */
  #unwritten = '';

  private constructor(path: string, lock: RunLock, onEvent: (event: TrainingEvent) => void) {
    this.path = path;
    this.#lock = lock;
    this.#onEvent = onEvent;
  }

  /**
   * Makes the folder `out`, by default a new one of the data's name. Throws `ConfigError` when a run, or another file, is
   * in its place; `DataError` when it cannot be written, or another process is making the same run.
   */
  static async create(
    out: string | undefined,
    config: TrainingConfig,
    onEvent: (event: TrainingEvent) => void,
  ): Promise<RunFolder> {
    if (out !== undefined) await makeFolder(out).catch((cause) => Promise.reject(writeError(out, cause)));
    const path = out ?? (await claimRunFolder(config.data.spec));
    const folder = new RunFolder(path, await RunLock.take(path), onEvent);
    try {
      refuseExisting(path);
      await folder.writeConfig(config);
      for (const name of ['checkpoints', 'samples']) await makeFolder(join(path, name));
      appendFileSync(join(path, 'events.jsonl'), '');
      return folder;
    } catch (cause) {
      folder.close();
      throw writeError(path, cause);
    }
  }

  /** Opens the folder of a run to continue it. Throws `DataError` when there is none, it is in use, or cannot be written. */
  static async open(path: string, onEvent: (event: TrainingEvent) => void): Promise<RunFolder> {
    requireRun(path);
    const folder = new RunFolder(path, await RunLock.take(path), onEvent);
    const file = join(path, 'events.jsonl');
    try {
      const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
      // a crash may have cut the last line short
      appendFileSync(file, text === '' || text.endsWith('\n') ? '' : '\n');
      await removeUnfinished(folder.checkpoints);
      return folder;
    } catch (cause) {
      folder.close();
      throw writeError(file, cause);
    }
  }

  /** Gives the folder free for other processes. */
  close(): void {
    this.#lock.release();
  }

  /** Throws `DataError` when another process has taken the folder over; nothing is written then. */
  checkHeld(): void {
    this.#lock.check();
  }

  get checkpoints(): string {
    return join(this.path, 'checkpoints');
  }
  get samples(): string {
    return join(this.path, 'samples');
  }
  get model(): string {
    return join(this.path, 'model');
  }

  writeConfig(config: TrainingConfig): Promise<void> {
    return atomicWrite(join(this.path, 'config.json'), `${JSON.stringify(config, undefined, 2)}\n`);
  }

  /** Appends an event. When the disk refuses, the line is kept and tried again with the next event. */
  record(event: NewTrainingEvent): void {
    const timed = { time: new Date().toISOString(), ...event } as TrainingEvent;
    const first = this.#unwritten === '';
    this.#unwritten += `${JSON.stringify(timed)}\n`;
    let failure: string | undefined;
    try {
      if (!this.#lock.lost) appendFileSync(join(this.path, 'events.jsonl'), this.#unwritten);
      this.#unwritten = '';
    } catch (error) {
      failure = (error as Error).message;
    }
    this.#onEvent(timed);
    if (failure !== undefined && first) {
      this.record({ type: 'warning', step: event.step, message: `events.jsonl could not be written: ${failure}` });
    }
  }
}

/** Throws `ConfigError` when `path` holds a run, or anything that a run would write over. */
export function refuseExisting(path: string): void {
  if (isRunFolder(path)) {
    throw new ConfigError(`${path} already holds a run`, 'continue it with resume, or choose another folder as out');
  }
  const taken = CONTENTS.find((name) => existsSync(join(path, name)));
  if (taken === undefined) return;
  throw new ConfigError(`${path} already has a ${taken}, which a run would write over`, 'choose a new folder as out');
}

function requireRun(path: string): void {
  if (isRunFolder(path)) return;
  throw new DataError(
    existsSync(path) ? `${path} holds no run` : `there is no folder called ${path}`,
    'give the folder of a run, e.g. runs/avatars',
  );
}

/** Reads a run's configuration. Throws `DataError` when there is none or it is damaged. */
export async function readRunConfig(path: string): Promise<TrainingConfig> {
  requireRun(path);
  const file = join(path, 'config.json');
  let json: unknown;
  try {
    json = JSON.parse(await readFile(file, 'utf8'));
  } catch (cause) {
    throw new DataError(`could not read ${file}: ${(cause as Error).message}`, 'restore the file', { cause });
  }
  return parseTrainingConfig(json as object);
}

/** Reads a run's events, see `parseEvents`; none where the file is lost. */
export async function readEvents(path: string): Promise<TrainingEvent[]> {
  const file = join(path, 'events.jsonl');
  return existsSync(file) ? parseEvents(await readFile(file, 'utf8')) : [];
}
