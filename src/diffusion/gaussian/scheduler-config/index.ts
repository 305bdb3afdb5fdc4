/** @file `fromSchedulerConfig`: a diffusers scheduler config becomes process, grid and solver. */
import { ConfigError } from '../../../tensor/index.ts';
import type { SchedulerClass } from './defaults.ts';
import { completePlan, type PlanParts, type SamplingPlan } from './plan.ts';
import { readSchedulerConfig, type SchedulerOptions } from './read.ts';
import { ddimPlan, ddpmPlan } from './variance-preserving.ts';

const BUILDERS: Partial<Record<SchedulerClass, (options: SchedulerOptions) => PlanParts>> = {
  DDPMScheduler: ddpmPlan,
  DDPMParallelScheduler: ddpmPlan,
  DDIMScheduler: ddimPlan,
  DDIMParallelScheduler: ddimPlan,
};

/**
 * Builds the plan of a parsed `scheduler_config.json`:
 * `const plan = fromSchedulerConfig(json); plan.solve(plan.denoiser(network), x, plan.grid({ steps: 20 }), {})`.
 * Throws `ConfigError` as `readSchedulerConfig` does.
 */
export function fromSchedulerConfig(json: unknown): SamplingPlan {
  const config = readSchedulerConfig(json);
  const build = BUILDERS[config.className];
  if (build === undefined) throw new ConfigError(`${config.className} has no solver here`);
  return completePlan(config, build(config.options));
}

export { SCHEDULER_DEFAULTS, type SchedulerClass } from './defaults.ts';
export type { GridRequest, RunOptions, SamplingPlan, StateLayout } from './plan.ts';
export {
  readSchedulerConfig,
  type SchedulerConfig,
  type SchedulerOptions,
  writeSchedulerConfig,
} from './read.ts';
