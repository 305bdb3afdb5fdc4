/** @file Whether inkwash and diffusers sampled the same: the times the network is asked at, the start and every state. */
import { distance, float32s } from '../../../src/diffusion/gaussian/scheduler-config/toy-networks.fixture.ts';
import type { Difference } from './fuzz.ts';
import type { SchedulerSpec } from './scheduler-configs.ts';
import type { SchedulerAnswer, SchedulerRun } from './scheduler-run.ts';

/** Largest distance of equal states, relative to the largest element. */
export const ROUNDING = 2e-5;
/** How many times diffusers' own rounding may be exceeded. */
const AMPLIFIED = 8;

/** The first time at which the network is asked otherwise. */
export function differentCalls(here: readonly number[], there: readonly number[]): Difference | undefined {
  if (here.length !== there.length) {
    const detail = `here ${shortened(here)}, there ${shortened(there)}`;
    return { cause: 'another number of evaluations', detail };
  }
  const scale = Math.max(1e-3, ...there.map(Math.abs));
  const at = here.findIndex((t, i) => !(Math.abs(t - there[i]!) <= 1e-5 * scale));
  if (at < 0) return undefined;
  return {
    cause: 'other times',
    detail: `evaluation ${at} of ${here.length}: here t = ${here[at]}, there ${there[at]}`,
  };
}

const shortened = (times: readonly number[]): string =>
  `${times.length} times: ${times.slice(0, 6).map((t) => +t.toFixed(4))}…`;

/** diffusers' state after our step `i`. */
function stateThere(answer: SchedulerAnswer, here: SchedulerRun, i: number): Float32Array {
  return float32s(answer.states[answer.stepwise ? here.asked[i]! - 1 : i]!);
}

/** Distances of all states, relative to the largest element. */
export function distances(here: SchedulerRun, answer: SchedulerAnswer): number[] {
  return here.states.map((x, i) => {
    const there = stateThere(answer, here, i);
    return there.length === x.length ? distance(x, there) : Number.POSITIVE_INFINITY;
  });
}

/** What diffusers gave without its last evaluation, and without that evaluation's state if it has one. */
const withoutLast = (answer: SchedulerAnswer): SchedulerAnswer => ({ ...answer, calls: answer.calls.slice(0, -1) });

/** The cause given where diffusers evaluates once more at the end, and all before is equal. */
export const ONE_MORE = 'one evaluation more there, all before equal';

/** Compares times, then the start and every state; rounding is measured where they are farther apart than `ROUNDING`. */
export async function compareSchedulers(
  spec: SchedulerSpec,
  here: SchedulerRun,
  answer: SchedulerAnswer,
  again: (changed: SchedulerSpec) => Promise<SchedulerAnswer | undefined>,
): Promise<Difference | undefined> {
  const times = differentCalls(here.calls, answer.calls);
  if (times !== undefined) {
    const shorter = withoutLast(answer);
    if (differentCalls(here.calls, shorter.calls) !== undefined) return times;
    const states = await differentStates(here, shorter, async () => {
      const exact = await again({ ...spec, exact: answer.calls });
      return exact && withoutLast(exact);
    });
    return states ?? { cause: ONE_MORE };
  }
  return differentStates(here, answer, () => again({ ...spec, exact: answer.calls }));
}

/** The first state, the start included, that differs by more than rounding. */
async function differentStates(
  here: SchedulerRun,
  answer: SchedulerAnswer,
  ask: () => Promise<SchedulerAnswer | undefined>,
): Promise<Difference | undefined> {
  const far = [distance(here.start, float32s(answer.start)), ...distances(here, answer)];
  if (far.every((value) => value <= ROUNDING)) return undefined;
  const exact = await ask();
  const comparable = exact !== undefined && differentCalls(exact.calls, answer.calls) === undefined;
  const own = far.map((_, i) => {
    if (!comparable) return 0;
    if (i === 0) return distance(float32s(exact.start), float32s(answer.start));
    return distance(stateThere(exact, here, i - 1), stateThere(answer, here, i - 1));
  });
  const beyond = far.findIndex((value, i) => !(value <= Math.max(ROUNDING, AMPLIFIED * own[i]!)));
  if (beyond < 0) return undefined;
  const numbers = `${far[beyond]!.toExponential(1)} (rounding ${own[beyond]!.toExponential(1)}), end ${far.at(-1)!.toExponential(1)}`;
  return beyond === 0
    ? { cause: 'another start', detail: numbers }
    : { cause: 'other states', detail: `step ${beyond} of ${far.length - 1}: ${numbers}`, part: beyond - 1 };
}
