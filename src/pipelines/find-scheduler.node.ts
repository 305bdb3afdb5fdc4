/** @file The scheduler that a user names, as a plan: a solver, a class, a JSON file, a model folder or a run. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fromSchedulerConfig, planForSolver, type SamplingPlan } from '../diffusion/gaussian/index.ts';
import { isRunFolder, parseTrainingConfig, trainingScheduler } from '../training/index.node.ts';
import { ownScheduler } from './own-scheduler.node.ts';

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

/** Options of `findScheduler`. */
export interface FindSchedulerOptions {
  /** Told of keys that are ignored. Default: the console. */
  readonly onWarning?: (message: string) => void;
}

/**
 * Finds the scheduler of `subject`, see `ownScheduler`; `solver` replaces the model's own.
 * Throws `ConfigError` with the nearest name for an unknown one, `DataError` for a path without a scheduler.
 */
export async function findScheduler(
  subject: string,
  solver?: string,
  { onWarning }: FindSchedulerOptions = {},
): Promise<FoundScheduler> {
  const { json: own, sampling } = await ownScheduler(subject, onWarning);
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

/** Whether `path` holds a model: a run, a pipeline, or a network saved alone. */
export function isModelFolder(path: string): boolean {
  return isRunFolder(path) || ['model_index.json', 'config.json'].some((name) => existsSync(join(path, name)));
}
