/**
 * @file Random scheduler configurations beside diffusers: the times the network is asked at, the start and every state.
 *
 *     INKWASH_PYTHON=venv/bin/python npm run fuzz:schedulers -- --seed 1 --count 2000 [--only DDIM]
 *
 * "Agrees" means: the network is asked as often and at the same times, and all states are equal to float32 rounding. That is
 * 2·10⁻⁵ of the largest element, or, where a configuration amplifies rounding, a few times the distance between diffusers
 * and diffusers computed in float64.
 */
import { float32s } from '../../../src/diffusion/gaussian/scheduler-config/toy-networks.fixture.ts';
import { runFuzz } from './fuzz.ts';
import { compareSchedulers } from './scheduler-compare.ts';
import { drawScheduler, type SchedulerSpec } from './scheduler-configs.ts';
import { SCHEDULER_DEPARTURES } from './scheduler-departures.ts';
import { runScheduler, type SchedulerAnswer, type SchedulerRun } from './scheduler-run.ts';

/** Every state is finite: what leads through NaN leads nowhere. */
const usable = ({ states }: SchedulerAnswer): boolean => states.every((x) => float32s(x).every(Number.isFinite));

await runFuzz<SchedulerSpec, SchedulerAnswer, SchedulerRun>({
  script: 'scheduler_fuzz.py',
  draw: drawScheduler,
  group: ({ cls }) => cls.replace('Scheduler', ''),
  usable,
  run: runScheduler,
  compare: compareSchedulers,
  departures: SCHEDULER_DEPARTURES,
});
