/** @file The diffusion of a configuration as the scheduler config that diffusers reads. */
import { writeSchedulerConfig } from '../diffusion/gaussian/scheduler-config/index.ts';
import type { TrainingConfig } from './config.ts';

/** The scheduler that a trained model is saved with. */
export function trainingScheduler({ diffusion }: Pick<TrainingConfig, 'diffusion'>): Record<string, unknown> {
  return writeSchedulerConfig('DDPMScheduler', { ...diffusion, variance_type: 'fixed_small', clip_sample: true });
}
