/** @file The folder of a run: `config.json`, `events.jsonl`, `checkpoints/`, `samples/`, `model/`. */
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { atomicWrite, makeFolder, writeError } from '../formats/index.node.ts';
import { ConfigError, DataError } from '../tensor/index.ts';
import { removeUnfinished } from './checkpoint.node.ts';
import { parseTrainingConfig, type TrainingConfig } from './config.ts';
import { type NewTrainingEvent, parseEvents, type TrainingEvent } from './events.ts';

/** What a run writes into its folder. */
const CONTENTS = ['config.json', 'events.jsonl', 'checkpoints', 'samples', 'model'];

/** Whether `path` holds a run; one that lost its events still counts. */
export function isRunFolder(path: string): boolean {
  const has = (name: string): boolean => existsSync(join(path, name));
  return has('config.json') && (has('events.jsonl') || has('checkpoints'));
}

/** A run's folder, open for writing. */
export class RunFolder {
  readonly path: string;
  /** Called with every event. */
  readonly #onEvent: (event: TrainingEvent) => void;
  /** Lines that could not be written yet. */
  #unwritten = '';

  private constructor(path: string, onEvent: (event: TrainingEvent) => void) {
    this.path = path;
    this.#onEvent = onEvent;
  }

  /** Makes the folder. Throws `ConfigError` when a run, or another file, is in its place; `DataError` when it cannot be written. */
  static async create(
    path: string,
    config: TrainingConfig,
    onEvent: (event: TrainingEvent) => void,
  ): Promise<RunFolder> {
    refuseExisting(path);
    const folder = new RunFolder(path, onEvent);
    await folder.writeConfig(config);
    try {
      for (const name of ['checkpoints', 'samples']) await makeFolder(join(path, name));
      appendFileSync(join(path, 'events.jsonl'), '');
    } catch (cause) {
      throw writeError(path, cause);
    }
    return folder;
  }

  /** Opens the folder of a run to continue it. Throws `DataError` when it cannot be written. */
  static async open(path: string, onEvent: (event: TrainingEvent) => void): Promise<RunFolder> {
    const file = join(path, 'events.jsonl');
    try {
      const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
      // a crash may have cut the last line short
      appendFileSync(file, text === '' || text.endsWith('\n') ? '' : '\n');
    } catch (cause) {
      throw writeError(file, cause);
    }
    const folder = new RunFolder(path, onEvent);
    await removeUnfinished(folder.checkpoints);
    return folder;
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
      appendFileSync(join(this.path, 'events.jsonl'), this.#unwritten);
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

/** The default folder for a run on `spec`: `runs/<name>`, with a number where that is taken. */
export function freeRunFolder(spec: string): string {
  const plain = join('runs', basename(resolve(spec)));
  let path = plain;
  for (let number = 2; existsSync(path); number++) path = `${plain}-${number}`;
  return path;
}

/** Throws `ConfigError` when `path` holds a run, or anything that a run would write over. */
export function refuseExisting(path: string): void {
  if (isRunFolder(path)) {
    throw new ConfigError(
      `${path} already holds a run`,
      'continue it with --resume, or choose another folder with --out',
    );
  }
  const taken = CONTENTS.find((name) => existsSync(join(path, name)));
  if (taken === undefined) return;
  throw new ConfigError(
    `${path} already has a ${taken}, which a run would write over`,
    'choose a new folder with --out',
  );
}

/** Reads a run's configuration. Throws `DataError` when there is none or it is damaged. */
export async function readRunConfig(path: string): Promise<TrainingConfig> {
  const file = join(path, 'config.json');
  if (!isRunFolder(path)) {
    throw new DataError(
      existsSync(path) ? `${path} holds no run` : `there is no folder called ${path}`,
      'give the folder of a run, e.g. runs/avatars',
    );
  }
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
