/** @file Where inkwash departs from diffusers' schedulers on purpose, and how the fuzz recognises it. */
import type { Departure } from './fuzz.ts';
import type { SchedulerSpec } from './scheduler-configs.ts';
import type { SchedulerAnswer, SchedulerRun } from './scheduler-fuzz.ts';

export const SCHEDULER_DEPARTURES: readonly Departure<SchedulerSpec, SchedulerAnswer, SchedulerRun>[] = [];
