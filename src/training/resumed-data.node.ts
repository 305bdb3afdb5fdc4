/** @file The data of a resumed run, found again by its contents wherever it lies now. */
import { existsSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import type { DataSplits } from '../data/index.node.ts';
import { ConfigError, DataError } from '../tensor/index.ts';
import type { TrainingConfig } from './config.ts';
import type { StartEvent } from './events.ts';
import { type OpenDataCallbacks, openTrainingData } from './open-training-data.node.ts';
import { isDataFolder } from './run-path.node.ts';

/** Where the folder `spec` lies, seen from the run in `run`; null for built-in data. */
export function pathFromRun(run: string, spec: string): string | null {
  return isDataFolder(spec) ? relative(resolve(run), resolve(spec)) : null;
}

/** What is known of the data that a run has learned from. */
export interface KnownData {
  /** Undefined when the run was broken off before it noted any. */
  readonly fingerprint: string | undefined;
  /** See `RunState.dataFromRun`. */
  readonly fromRun: string | null;
  /** As its last session noted it. */
  readonly noted: StartEvent['data'] | undefined;
}

/** The data of a resumed run, and where it is now. */
export interface FoundData {
  readonly data: DataSplits;
  /** A built-in name, or an absolute path. */
  readonly spec: string;
}

/**
 * Opens the data of the run in `run`: `asked`, else where it was, else where it lies as seen from a run that was moved with it.
 * Throws `DataError` when it is in neither place, `ConfigError` when it is there and is not what the run learned from.
 */
export async function openResumedData(
  run: string,
  { data: settings }: TrainingConfig,
  { asked, ...known }: KnownData & { readonly asked: string | undefined },
  callbacks: OpenDataCallbacks,
): Promise<FoundData> {
  const places = asked === undefined ? placesOf(run, settings.spec, known.fromRun) : [locate(asked)];
  const present = places.filter((place) => !isDataFolder(place) || existsSync(place));
  if (asked === undefined && present.length === 0) {
    throw new DataError(`the pictures of the run ${run} are no longer in ${places.join(' or ')}`, {
      api: 'say where they are with data',
      cli: `say where they are: inkwash train <folder> --resume --out ${run}`,
    });
  }
  let other: DataSplits | undefined;
  for (const spec of asked === undefined ? present : places) {
    const data = await openTrainingData({ ...settings, spec }, callbacks);
    if (known.fingerprint === undefined || data.train.fingerprint === known.fingerprint) return { data, spec };
    other ??= data;
  }
  throw new ConfigError(
    `the pictures in ${present[0] ?? places[0]} are not those the run was trained on: ${difference(known, other!)}`,
    {
      api: 'restore them, name the folder that holds them with data, or start another run',
      cli: `restore them, name the folder that holds them (inkwash train <folder> --resume --out ${run}), or start another run`,
    },
  );
}

/** A built-in name as it is, the path of a folder made absolute, so that it holds from everywhere. */
export function locate(spec: string): string {
  return isDataFolder(spec) ? resolve(spec) : spec;
}

function placesOf(run: string, spec: string, fromRun: string | null): string[] {
  return [...new Set([locate(spec), ...(fromRun === null ? [] : [resolve(run, fromRun)])])];
}

/** What the data is now against what it was. */
function difference({ noted, fingerprint }: KnownData, { train }: DataSplits): string {
  const now = facts({ train: train.length, imageShape: train.imageShape });
  const before = noted && facts(noted);
  if (before !== undefined && before !== now) return `they were ${before}, these are ${now}`;
  return `the fingerprint was ${fingerprint}, it is ${train.fingerprint}`;
}

function facts({
  train,
  imageShape: [channels, height, width],
}: Pick<StartEvent['data'], 'train' | 'imageShape'>): string {
  return `${train} pictures of ${width}×${height}, ${channels === 1 ? 'grey' : `${channels} channels`}`;
}
