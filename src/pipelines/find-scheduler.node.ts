/** @file The scheduler that a user names: a solver, a class, a JSON file, a model folder or a run. */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import {
  fromSchedulerConfig,
  planForSolver,
  type SamplingPlan,
  SCHEDULER_DEFAULTS,
  SOLVER_NAMES,
  writeSchedulerConfig,
} from '../diffusion/gaussian/index.ts';
import { openDiffusersComponent, openDiffusersFolder, readConfigFile } from '../formats/index.node.ts';
import type { ImageModelNotes } from '../models/index.node.ts';
import { ConfigError, DataError, nearestName } from '../tensor/index.ts';
import { isRunFolder, parseTrainingConfig, readRunConfig, trainingScheduler } from '../training/index.node.ts';

/** A scheduler and how its model is sampled. */
export interface FoundScheduler {
  /** How it samples, with the solver in use. */
  readonly plan: SamplingPlan;
  /** The JSON of the model's own `scheduler_config.json`. */
  readonly own: Readonly<Record<string, unknown>>;
  /** The solver in use; undefined when the config's own class samples. */
  readonly solver: string | undefined;
  /** The model's own number of steps, where it says. */
  readonly steps: number | undefined;
}

/**
 * Finds the scheduler of `subject`: a short solver name (`dpm++2m` or `dpm++2m-karras`, on diffusers' default β), a scheduler class, a
 * `scheduler_config.json`, the folder of a scheduler or a model (of any network), or a run, trained or not.
 * `solver` replaces the model's own. Throws `ConfigError` with the nearest name for an unknown one, `DataError` for a
 * path without a scheduler.
 */
export async function findScheduler(subject: string, solver?: string): Promise<FoundScheduler> {
  const { json: own, sampling } = await ownScheduler(subject);
  const name = solver ?? sampling?.solver;
  const plan = name === undefined ? fromSchedulerConfig(own) : planForSolver(own, name);
  return { own, plan, solver: name, steps: sampling?.steps };
}

/** The scheduler that `inkwash train` would give a model of `data`. */
export function defaultScheduler(data: string, solver?: string): FoundScheduler {
  const config = parseTrainingConfig({ data: { spec: data }, steps: 1 });
  const own = trainingScheduler(config);
  const name = solver ?? config.sampling.solver;
  return { own, plan: planForSolver(own, name), solver: name, steps: config.sampling.steps };
}

/** Whether `path` holds a model that can be sampled, or a run of one. */
export function isModelFolder(path: string): boolean {
  return isRunFolder(path) || existsSync(join(path, 'model_index.json'));
}

type Own = { readonly json: FoundScheduler['own']; readonly sampling?: ImageModelNotes['sampling'] };

async function ownScheduler(subject: string): Promise<Own> {
  const classes = Object.keys(SCHEDULER_DEFAULTS);
  if (SOLVER_NAMES.some((name) => subject === name || subject.startsWith(`${name}-`))) {
    const json = writeSchedulerConfig('DDPMScheduler', { clip_sample: false });
    return { json, sampling: { solver: subject, steps: 50, guidance: 1 } };
  }
  if (classes.includes(subject)) return { json: { _class_name: subject } };
  if (existsSync(subject)) return schedulerAt(subject);
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

async function schedulerAt(path: string): Promise<Own> {
  if (statSync(path).isFile()) return { json: await readConfigFile(path) };
  if (isRunFolder(path)) {
    const model = join(path, 'model');
    if (existsSync(join(model, 'model_index.json'))) return schedulerAt(model);
    const config = await readRunConfig(path);
    return { json: trainingScheduler(config), sampling: config.sampling };
  }
  if (existsSync(join(path, 'scheduler_config.json'))) {
    return { json: await readConfigFile(join(path, 'scheduler_config.json')) };
  }
  const { index } = await openDiffusersFolder(path);
  const { className, config } = await openDiffusersComponent(
    join(path, 'scheduler'),
    index.components.get('scheduler'),
  );
  const notes = join(path, 'inkwash.json');
  const { sampling } = existsSync(notes) ? ((await readConfigFile(notes)) as ImageModelNotes) : {};
  return { json: { ...config, _class_name: className }, sampling };
}
