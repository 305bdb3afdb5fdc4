/** @file Which schedulers have a stochasticity η to choose, and which values it has. */
import { SettingError } from '../../../tensor/index.ts';
import type { SchedulerClass } from './defaults.ts';
import type { SchedulerConfig, SchedulerOptions } from './read.ts';

/** SDE variants of DPM-Solver draw noise, the others do not. */
const whereSde = ({ algorithm_type: algorithm }: SchedulerOptions): boolean => algorithm.startsWith('sde-');

/** Schedulers whose sampling η changes: always, or with some options. */
const TAKE_ETA: Readonly<Partial<Record<SchedulerClass, true | ((options: SchedulerOptions) => boolean)>>> = {
  DDIMScheduler: true,
  DDIMParallelScheduler: true,
  EulerAncestralDiscreteScheduler: true,
  KDPM2AncestralDiscreteScheduler: true,
  DPMSolverSDEScheduler: true,
  DPMSolverMultistepScheduler: whereSde,
  EDMDPMSolverMultistepScheduler: whereSde,
  CosineDPMSolverMultistepScheduler: true,
  TCDScheduler: true,
  LTXEulerAncestralRFScheduler: true,
  RePaintScheduler: true,
};

/** Whether a run with this scheduler depends on η. */
export function takesEta({ className, options }: SchedulerConfig): boolean {
  const taken = TAKE_ETA[className];
  return typeof taken === 'function' ? taken(options) : taken === true;
}

/** Throws `ConfigError` for an η outside of [0, 1], or where `solver` would ignore it. */
export function checkEta(eta: number, config: SchedulerConfig, solver: string = config.className): void {
  if (!(eta >= 0 && eta <= 1)) {
    throw new SettingError((nameOf) => [`${nameOf('eta')} is a number from 0, no noise, to 1, got ${eta}`]);
  }
  if (takesEta(config)) return;
  throw new SettingError((nameOf) => [
    `${nameOf('eta')} is nothing that ${solver} has`,
    `leave it out, or choose a ${nameOf('solver')} such as ddim or euler-a`,
  ]);
}
