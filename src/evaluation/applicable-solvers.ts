/** @file Which solvers fit a model: those that can run its forward process. */
import { fromSchedulerConfig, planForSolver, readSchedulerConfig, SOLVER_NAMES } from '../diffusion/gaussian/index.ts';
import { ConfigError } from '../tensor/index.ts';

/** Solvers for one model. */
export interface ApplicableSolvers {
  readonly solvers: readonly string[];
  /** The one whose fine trajectory the others are measured against; deterministic where the model has such a solver. */
  readonly reference: string;
  /** Whether a grid of any training times can be searched. */
  readonly searchable: boolean;
}

/** Schedulers that share a process, by the process of the model's own; the reference first. */
const FAMILIES = {
  'rectified-flow': ['FlowMatchHeunDiscreteScheduler', 'FlowMatchEulerDiscreteScheduler'],
  edm: ['EDMDPMSolverMultistepScheduler', 'EDMEulerScheduler'],
} as const;

/** Networks distilled to jump to the data, and schedulers that convert to no other. */
const ALONE =
  /^(LCM|TCD|SCM|FlowMatchLCM|CMStochasticIterative|ScoreSdeVe|CosineDPMSolverMultistep|IPNDM|DDPMWuerstchen|CogVideoX\w+)Scheduler$/;

/** Solvers that fit the model of a scheduler config. Throws `ConfigError` as `readSchedulerConfig` does. */
export function applicableSolvers(json: unknown): ApplicableSolvers {
  const { className } = readSchedulerConfig(json);
  const { process } = fromSchedulerConfig(json);
  if (ALONE.test(className)) return { solvers: [className], reference: className, searchable: false };
  const family = process.name in FAMILIES ? FAMILIES[process.name as keyof typeof FAMILIES] : undefined;
  if (family) return { solvers: family, reference: family[0], searchable: false };
  const solvers = SOLVER_NAMES.filter((name) => fits(json, name));
  // its corrector makes it of order 3 on any grid; on a cosine schedule 64 steps end nearer than 200 of dpm++2m
  const reference = solvers.includes('unipc') ? 'unipc' : (solvers[0] ?? className);
  return { solvers, reference, searchable: true };
}

function fits(json: unknown, solver: string): boolean {
  try {
    planForSolver(json, solver);
    return true;
  } catch (error) {
    // some β schedules exist for DDPM alone
    if (error instanceof ConfigError) return false;
    throw error;
  }
}
