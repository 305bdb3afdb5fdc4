/** @file Room `training`, the part that runs everywhere: steps, optimizers, schedules, configurations, events. */
export * from './config.ts';
export * from './config-keys.ts';
export * from './diffusion-trainer.ts';
export * from './ema.ts';
export type * from './events.ts';
export { parseEvents } from './events.ts';
export * from './gradient-clipping.ts';
export * from './interval.ts';
export * from './learning-rate.ts';
export * from './optimizers/adamw.ts';
export type * from './optimizers/optimizer.ts';
export * from './presets.ts';
export * from './resolve-config.ts';
export type { RunState } from './run-state.ts';
export * from './schedule.ts';
export * from './train-step.ts';
export * from './training-scheduler.ts';
