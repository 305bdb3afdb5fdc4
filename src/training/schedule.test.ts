import { expect, test } from 'vitest';
import { parseTrainingConfig, type TrainingConfigInput } from './config.ts';
import { planByClock, planBySteps, plannedLearningRate } from './schedule.ts';

const config = (over: TrainingConfigInput) =>
  parseTrainingConfig({ data: { spec: 'x' }, learningRate: 1, warmupSteps: 2, ...over });

test('plans runs of steps and epochs at once', () => {
  expect(planBySteps(config({ steps: 100, hold: 0.5 }), 7)).toEqual({ totalSteps: 100, start: 50, end: 100 });
  expect(planBySteps(config({ epochs: 3, hold: 0 }), 7)).toEqual({ totalSteps: 21, start: 0, end: 21 });
  expect(planBySteps(config({ epochs: 3, accumulate: 2 }), 8)?.totalSteps).toBe(12);
  expect(planBySteps(config({ epochs: 0.01 }), 7)?.totalSteps).toBe(1);
  expect(planBySteps(config({ minutes: 1 }), 7)).toBeUndefined();
});

test('plans a run of minutes once its hold has passed, by the measured rate', () => {
  const timed = config({ minutes: 1, hold: 0.5 });
  const measured = { step: 20, secondsPerStep: 1, reserve: 10 };
  expect(planByClock(timed, { ...measured, elapsed: 24 })).toBeUndefined();
  expect(planByClock(timed, { ...measured, elapsed: 25 })).toEqual({ totalSteps: 45, start: 20, end: 45 });
});

test('measures for a while even when the rate is to decay from the start', () => {
  const timed = config({ minutes: 1, hold: 0 });
  expect(planByClock(timed, { step: 5, secondsPerStep: 0.1, reserve: 0, elapsed: 1 })).toBeUndefined();
  expect(planByClock(timed, { step: 9, secondsPerStep: 0.1, reserve: 0, elapsed: 1.8 })?.totalSteps).toBe(591);
});

test('always leaves a step to decay in, however slow the machine', () => {
  const slow = { step: 3, secondsPerStep: 60, reserve: 100, elapsed: 180 };
  expect(planByClock(config({ minutes: 1 }), slow)).toEqual({ totalSteps: 4, start: 3, end: 4 });
});

test('warms up, holds and decays to zero', () => {
  const linear = config({ steps: 10, hold: 0.5, decay: 'linear' });
  const plan = planBySteps(linear, 1);
  const rates = Array.from({ length: 10 }, (_, step) => plannedLearningRate(step, linear, plan));
  expect(rates.map((rate) => Number(rate.toFixed(6)))).toEqual([0.5, 1, 1, 1, 1, 1, 0.8, 0.6, 0.4, 0.2]);
  expect(plannedLearningRate(1e6, linear, undefined)).toBe(1);
});
