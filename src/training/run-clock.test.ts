import { expect, test } from 'vitest';
import { parseTrainingConfig, type TrainingConfigInput } from './config.ts';
import { RunClock } from './run-clock.ts';
import { plannedLearningRate, type SchedulePlan } from './schedule.ts';

/** A machine: seconds of each part, a step's by the time it begins. */
interface Machine {
  readonly prepare: number;
  readonly step: (time: number) => number;
  readonly validation: number;
  readonly checkpoint: number;
  /** Seconds of 8 pictures. */
  readonly chunk: number;
  readonly closing: number;
}

/** Runs the loop of a training on a machine, with validations every 20 seconds; returns its time, rates and pictures. */
function run(minutes: number, machine: Machine, over: TrainingConfigInput = {}) {
  const config = parseTrainingConfig({ data: { spec: 'x' }, minutes, learningRate: 1, warmupSteps: 4, ...over });
  const clock = new RunClock(config, 64);
  let time = machine.prepare;
  let plan: SchedulePlan | undefined;
  const rates: number[] = [];
  for (let validated = time; !plan || rates.length < plan.totalSteps; ) {
    rates.push(plannedLearningRate(rates.length, config, plan));
    const seconds = machine.step(time);
    time += seconds;
    if (rates.length > 1) clock.step(seconds);
    if (clock.measured === 2) {
      clock.sampling(machine.chunk);
      clock.chore('validation', machine.validation, { measuring: true });
      clock.chore('checkpoint', machine.checkpoint, { measuring: true });
      time += machine.chunk + machine.validation + machine.checkpoint;
    }
    if (clock.measured >= 2)
      plan = (plan ? clock.correct(plan, rates.length, time, 1) : clock.plan(rates.length, time, 1)) ?? plan;
    if (time - validated < 20) continue;
    clock.chore('validation', machine.validation);
    validated = time += machine.validation;
  }
  time += machine.validation + machine.checkpoint;
  let pictures = 0;
  for (; pictures === 0 || clock.allows(pictures, time); pictures += 8) time += machine.chunk;
  return { seconds: time + machine.closing, rates, pictures };
}

const steady: Machine = {
  prepare: 3,
  step: () => 0.17,
  validation: 0.6,
  checkpoint: 0.2,
  chunk: 0.9,
  closing: 0.4,
};

test.each([0.2, 0.5, 1, 3, 20])('ends in time on a steady machine: %d minutes', (minutes) => {
  const { seconds, rates, pictures } = run(minutes, steady);
  expect(Math.abs(seconds / (60 * minutes) - 1)).toBeLessThan(0.05);
  expect(rates.at(-1)).toBeLessThan(0.1);
  expect(pictures).toBe(minutes < 0.6 ? Math.floor((minutes * 12) / 0.9) * 8 : 64);
});

test.each<[string, (time: number) => number]>([
  ['becomes three times as slow half way', (time) => (time < 50 ? 0.1 : 0.3)],
  ['becomes three times as fast half way', (time) => (time < 50 ? 0.3 : 0.1)],
  ['is slow for a while after the plan was made', (time) => (time > 55 && time < 75 ? 0.9 : 0.15)],
  ['swings', (time) => 0.2 * (1.5 + Math.sin(time))],
  ['takes seconds a step', () => 2.5],
])('ends in time, and with the rate at its end, on a machine that %s', (_, step) => {
  const { seconds, rates } = run(1.5, { ...steady, step });
  expect(Math.abs(seconds / 90 - 1)).toBeLessThan(0.1);
  expect(rates.at(-1)).toBeLessThan(0.1);
  const falling = rates.slice(rates.lastIndexOf(1));
  for (const [i, rate] of falling.entries()) expect(rate).toBeLessThanOrEqual(falling[i - 1] ?? 1);
  // no step of the decay is skipped over
  const drops = falling.map((rate, i) => (falling[i - 1] ?? 1) - rate);
  expect(Math.max(...drops)).toBeLessThan(4 / falling.length + 0.05);
});

test('a time too short for anything still trains a step and draws a few pictures', () => {
  const { rates, pictures } = run(0.05, steady);
  expect(rates.length).toBeLessThan(8);
  expect(pictures).toBe(8);
});
