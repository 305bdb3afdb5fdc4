/** @file The scheduler config that a name or a path stands for. */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import {
  SCHEDULER_DEFAULTS,
  SOLVER_NAMES,
  schedulerForSolver,
  unknownSchedulerKeys,
  writeSchedulerConfig,
} from '../diffusion/gaussian/index.ts';
import { type DiffusersFolder, openDiffusersFolder, readConfigFile } from '../formats/index.node.ts';
import { type ImageModelNotes, ignoredKeys, readNotes } from '../models/index.node.ts';
import { ConfigError, DataError, nearestName } from '../tensor/index.ts';
import { isRunFolder, readRunConfig, trainingScheduler } from '../training/index.node.ts';
import { kindForScheduler, PIPELINE_KINDS, type PipelineKind } from './kinds.ts';

/** A scheduler config, and what stands beside it. */
export interface OwnScheduler {
  /** The JSON of a `scheduler_config.json`, its class the one that samples. */
  readonly json: Readonly<Record<string, unknown>>;
  /** How its model is sampled unless asked otherwise. */
  readonly sampling?: ImageModelNotes['sampling'];
  /** The pipeline it was found in, or the one it belongs to. */
  readonly kind: PipelineKind;
}

/** Told of what was ignored. */
type OnWarning = (message: string) => void;

/**
 * Finds the scheduler of `subject`: a short solver name (on diffusers' default β), a scheduler class, a
 * `scheduler_config.json`, the folder of a scheduler or of a pipeline (of any network), or a run, trained or not.
 * Throws `ConfigError` with the nearest name for an unknown one, `DataError` for a path without a scheduler.
 */
export async function ownScheduler(subject: string, onWarning: OnWarning = console.warn): Promise<OwnScheduler> {
  const classes = Object.keys(SCHEDULER_DEFAULTS);
  if (SOLVER_NAMES.some((name) => subject === name || subject.startsWith(`${name}-`))) {
    const json = writeSchedulerConfig('DDPMScheduler', { clip_sample: false });
    return found(json, { solver: subject, steps: 50, guidance: 1 });
  }
  if (classes.includes(subject)) return found({ _class_name: subject });
  if (existsSync(subject)) return schedulerAt(subject, onWarning);
  if (/[/\\]|\.json$/.test(subject)) {
    throw new DataError(
      `there is no file or folder called ${subject}`,
      'give a scheduler_config.json or a model folder',
    );
  }
  const near = nearestName(subject, [...SOLVER_NAMES, ...classes]);
  throw new ConfigError(
    `there is no scheduler '${subject}'`,
    `${near ? `did you mean '${near}'? ` : ''}give one of ${SOLVER_NAMES.join(', ')}, a scheduler class of diffusers, or a path`,
  );
}

/**
 * The scheduler of an open pipeline folder: of the class that `model_index.json` names, whatever its own file says, or the
 * class that the pipeline makes of any. Throws `DataError` when it names none.
 */
export async function schedulerOfPipeline(
  folder: DiffusersFolder,
  onWarning: OnWarning = console.warn,
): Promise<OwnScheduler> {
  const { className, config, path } = await folder.component('scheduler');
  const unknown = unknownSchedulerKeys(config);
  if (unknown.length > 0) onWarning(`${path}: ${ignoredKeys(className, unknown, optionNames(className))}`);
  const json = { ...config, _class_name: className };
  const kind = PIPELINE_KINDS.get(folder.index.className);
  return {
    json: kind?.scheduler === undefined ? json : schedulerForSolver(json, kind.scheduler),
    kind: kind ?? kindForScheduler(className),
  };
}

function found(json: OwnScheduler['json'], sampling?: ImageModelNotes['sampling']): OwnScheduler {
  return { json, sampling, kind: kindForScheduler(json._class_name) };
}

async function schedulerAt(path: string, onWarning: OnWarning): Promise<OwnScheduler> {
  if (statSync(path).isFile()) return schedulerFile(path, onWarning);
  if (isRunFolder(path)) {
    const model = join(path, 'model');
    if (existsSync(join(model, 'model_index.json'))) return schedulerAt(model, onWarning);
    const config = await readRunConfig(path);
    return found(trainingScheduler(config), config.sampling);
  }
  const file = join(path, 'scheduler_config.json');
  if (existsSync(file)) return schedulerFile(file, onWarning);
  if (!existsSync(join(path, 'model_index.json'))) refuseBareComponent(path);
  const { sampling } = await readNotes(path, onWarning);
  return { ...(await schedulerOfPipeline(await openDiffusersFolder(path), onWarning)), sampling };
}

async function schedulerFile(file: string, onWarning: OnWarning): Promise<OwnScheduler> {
  const json = await readConfigFile(file);
  const unknown = unknownSchedulerKeys(json);
  const { _class_name: className } = json;
  if (unknown.length > 0) {
    onWarning(`${file}: ${ignoredKeys(String(className ?? 'it'), unknown, optionNames(className))}`);
  }
  return found(json);
}

function optionNames(className: unknown): string[] {
  return Object.keys(SCHEDULER_DEFAULTS[className as keyof typeof SCHEDULER_DEFAULTS] ?? {});
}

/** Throws `ConfigError` for a folder that holds a network and no scheduler, with where the scheduler may be. */
function refuseBareComponent(path: string): void {
  if (!existsSync(join(path, 'config.json'))) return;
  throw schedulerMissing(path);
}

/** The error for a network saved alone where its scheduler is needed. */
export function schedulerMissing(path: string): ConfigError {
  const near = schedulerNear(path);
  const where = near === undefined ? '' : `; it may be that of ${near}`;
  return new ConfigError(`${path} holds a network saved alone, without the scheduler that samples it`, {
    api: `set scheduler${where}`,
    cli: `add --scheduler ${near ?? 'DDPMScheduler, or the file or folder of its scheduler'}`,
  });
}

/** Where the scheduler of a network saved alone may be: the pipeline around it, or a folder of that name in or beside it. */
export function schedulerNear(path: string): string | undefined {
  const above = join(path, '..');
  if (existsSync(join(above, 'model_index.json'))) return above;
  return [join(path, 'scheduler'), join(above, 'scheduler')].find((folder) =>
    existsSync(join(folder, 'scheduler_config.json')),
  );
}
