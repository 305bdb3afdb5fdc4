/** @file `fromSchedulerConfig`: a diffusers scheduler config becomes process, grid and solver. */
import { cogVideoXDdimPlan, cogVideoXDpmPlan, wuerstchenPlan } from './cogvideox.ts';
import { minimaxH3Plan, proteinaPlan } from './data-time.ts';
import type { SchedulerClass } from './defaults.ts';
import { consistencyDecoderPlan, lcmPlan, tcdPlan } from './distilled.ts';
import { dpmInversePlan, dpmMultistepPlan, dpmSinglestepPlan } from './dpm.ts';
import { consistencyModelPlan, cosineDpmPlan, edmDpmPlan, edmEulerPlan } from './edm.ts';
import { flowEulerPlan, flowHeunPlan, flowLcmPlan, ipndmPlan, ltxEulerAncestralPlan, scmPlan } from './flow.ts';
import { flowMapPlan, piflowPlan } from './flow-maps.ts';
import { heliosDmdPlan, heliosPlan } from './helios.ts';
import { deisPlan, saSolverPlan, unipcPlan } from './multistep.ts';
import { completePlan, type PlanParts, type SamplingPlan } from './plan.ts';
import { readSchedulerConfig, type SchedulerOptions } from './read.ts';
import { repaintPlan } from './repaint.ts';
import { karrasVePlan, scoreSdeVePlan, scoreSdeVpPlan } from './score-sde.ts';
import {
  dpmSdePlan,
  eulerAncestralPlan,
  eulerPlan,
  heunPlan,
  kdpm2AncestralPlan,
  kdpm2Plan,
  lmsPlan,
} from './sigma-space.ts';
import { ddimInversePlan, ddimPlan, ddpmPlan, pndmPlan, unclipPlan } from './variance-preserving.ts';

const BUILDERS: Readonly<Record<SchedulerClass, (options: SchedulerOptions) => PlanParts>> = {
  DDPMScheduler: ddpmPlan,
  DDPMParallelScheduler: ddpmPlan,
  DDIMScheduler: ddimPlan,
  DDIMParallelScheduler: ddimPlan,
  DDIMInverseScheduler: ddimInversePlan,
  CogVideoXDDIMScheduler: cogVideoXDdimPlan,
  CogVideoXDPMScheduler: cogVideoXDpmPlan,
  UnCLIPScheduler: unclipPlan,
  DDPMWuerstchenScheduler: wuerstchenPlan,
  PNDMScheduler: pndmPlan,
  DPMSolverMultistepScheduler: dpmMultistepPlan,
  DPMSolverMultistepInverseScheduler: dpmInversePlan,
  DPMSolverSinglestepScheduler: dpmSinglestepPlan,
  UniPCMultistepScheduler: unipcPlan,
  DEISMultistepScheduler: deisPlan,
  SASolverScheduler: saSolverPlan,
  EulerDiscreteScheduler: eulerPlan,
  EulerAncestralDiscreteScheduler: eulerAncestralPlan,
  HeunDiscreteScheduler: heunPlan,
  KDPM2DiscreteScheduler: kdpm2Plan,
  KDPM2AncestralDiscreteScheduler: kdpm2AncestralPlan,
  DPMSolverSDEScheduler: dpmSdePlan,
  LMSDiscreteScheduler: lmsPlan,
  IPNDMScheduler: ipndmPlan,
  LCMScheduler: lcmPlan,
  TCDScheduler: tcdPlan,
  EDMEulerScheduler: edmEulerPlan,
  EDMDPMSolverMultistepScheduler: edmDpmPlan,
  CosineDPMSolverMultistepScheduler: cosineDpmPlan,
  CMStochasticIterativeScheduler: consistencyModelPlan,
  SCMScheduler: scmPlan,
  FlowMatchEulerDiscreteScheduler: flowEulerPlan,
  FlowMatchHeunDiscreteScheduler: flowHeunPlan,
  FlowMatchLCMScheduler: flowLcmPlan,
  FlowMapEulerDiscreteScheduler: flowMapPlan,
  PiflowScheduler: piflowPlan,
  LTXEulerAncestralRFScheduler: ltxEulerAncestralPlan,
  MiniMaxH3Scheduler: minimaxH3Plan,
  RFD4ProteinaScheduler: proteinaPlan,
  HeliosScheduler: heliosPlan,
  HeliosDMDScheduler: heliosDmdPlan,
  RePaintScheduler: repaintPlan,
  ConsistencyDecoderScheduler: consistencyDecoderPlan,
  ScoreSdeVeScheduler: scoreSdeVePlan,
  ScoreSdeVpScheduler: scoreSdeVpPlan,
  KarrasVeScheduler: karrasVePlan,
};

/**
 * Builds the plan of a parsed `scheduler_config.json`:
 * `const plan = fromSchedulerConfig(json); plan.solve(plan.denoiser(network), x, plan.grid({ steps: 20 }), {})`.
 * Throws `ConfigError` as `readSchedulerConfig` does.
 */
export function fromSchedulerConfig(json: unknown): SamplingPlan {
  const config = readSchedulerConfig(json);
  return completePlan(config, BUILDERS[config.className](config.options));
}

export { REQUIRED_OPTIONS, SCHEDULER_DEFAULTS, type SchedulerClass } from './defaults.ts';
export { type PyramidStage, pyramidStages } from './helios.ts';
export type { GridRequest, RunOptions, SamplingPlan, StateLayout } from './plan.ts';
export {
  readSchedulerConfig,
  type SchedulerConfig,
  type SchedulerOptions,
  unknownSchedulerKeys,
  writeSchedulerConfig,
} from './read.ts';
export {
  type NamedSolver,
  readSolverName,
  SOLVER_NAMES,
  type SolverName,
  schedulerForSolver,
  takesGrids,
} from './solver-names.ts';
