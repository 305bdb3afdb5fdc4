/**
 * @file Random scheduler configurations beside diffusers: the times the network is asked at, the start and every state.
 *
 *     INKWASH_PYTHON=venv/bin/python npm run fuzz:schedulers -- --seed 1 --count 2000 [--only DDIM]
 *
 * "Agrees" means: the network is asked as often and at the same times, and all states are equal to float32 rounding. That is
 * 2·10⁻⁵ of the largest element, or, where a configuration amplifies rounding, a few times the distance between diffusers
 * and diffusers computed in float64.
 */
import {
  fromSchedulerConfig,
  noiseSource,
  type RunOptions,
  type State,
} from '../../../src/diffusion/gaussian/index.ts';
import {
  distance,
  enlargeNearest,
  float32s,
  SAMPLE_SIZE,
  toyNetwork,
} from '../../../src/diffusion/gaussian/scheduler-config/toy-networks.fixture.ts';
import { TorchCpuGenerator } from '../../../src/tensor/index.ts';
import { type Difference, runFuzz } from './fuzz.ts';
import { drawScheduler, type SchedulerSpec } from './scheduler-configs.ts';
import { SCHEDULER_DEPARTURES } from './scheduler-departures.ts';

/** What diffusers gave. */
export interface SchedulerAnswer {
  /** Times the network was asked at. */
  readonly calls: readonly number[];
  readonly start: string;
  /** After every call of `step` if `stepwise`, otherwise after every whole step. */
  readonly states: readonly string[];
  readonly stepwise: boolean;
  readonly arrays: Readonly<Record<string, string>>;
}

/** What inkwash gave: the same, and how often the network had been asked after each step. */
export interface SchedulerRun {
  readonly calls: readonly number[];
  readonly start: State;
  readonly states: readonly State[];
  readonly asked: readonly number[];
}

const ROUNDING = 2e-5;
/** How many times diffusers' own rounding may be exceeded. */
const AMPLIFIED = 8;

/** Masks and known data that scheduler_loops.py makes up. */
function extras({ cls, step }: SchedulerSpec): RunOptions {
  if (cls === 'RePaintScheduler') {
    const x0 = new TorchCpuGenerator(5).randn(2 * SAMPLE_SIZE).map((value) => Math.min(1, Math.max(-1, value)));
    return { known: { x0, mask: x0.map((_, i) => (i % SAMPLE_SIZE < 8 ? 1 : 0)) } };
  }
  if (cls === 'RFD4ProteinaScheduler' && step.masked) {
    return { emitMask: Float32Array.from({ length: 2 * SAMPLE_SIZE }, (_, i) => (i < 24 ? 1 : 0)) };
  }
  return {};
}

export async function runScheduler(spec: SchedulerSpec): Promise<SchedulerRun> {
  const { cls, config, steps, grid: request, step: options, learned } = spec;
  const plan = fromSchedulerConfig({ _class_name: cls, ...config });
  const grid = plan.grid({ steps, ...request });
  const calls: number[] = [];
  const toy = toyNetwork(cls, config, learned);
  const denoise = plan.denoiser(
    (x, point, step) => {
      calls.push(point.t);
      return toy(x, point, step);
    },
    { sampleSize: SAMPLE_SIZE, lastAxis: 4 },
  );
  const scale = plan.initialScale(grid);
  const start = new TorchCpuGenerator(7).randn(2 * SAMPLE_SIZE).map((value) => value * scale);
  const states: State[] = [];
  const asked: number[] = [];
  await plan.solve(denoise, start, grid, {
    ...options,
    ...extras(spec),
    sampleSize: SAMPLE_SIZE,
    enlarge: enlargeNearest,
    noise: noiseSource('torch-cpu', 11),
    onStep: ({ x }) => {
      states.push(x);
      asked.push(calls.length);
    },
  });
  return { calls, start, states, asked };
}

/** The first time at which the network is asked otherwise. */
function differentCalls(here: readonly number[], there: readonly number[]): Difference | undefined {
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

export async function compareSchedulers(
  spec: SchedulerSpec,
  here: SchedulerRun,
  answer: SchedulerAnswer,
  again: (changed: SchedulerSpec) => Promise<SchedulerAnswer | undefined>,
): Promise<Difference | undefined> {
  if (!(distance(here.start, float32s(answer.start)) < 1e-6)) return { cause: 'another start' };
  const times = differentCalls(here.calls, answer.calls);
  if (times !== undefined) return times;
  const far = distances(here, answer);
  const at = far.findIndex((value) => !(value <= ROUNDING));
  if (at < 0) return undefined;
  const exact = await again({ ...spec, exact: true });
  const comparable = exact !== undefined && differentCalls(exact.calls, answer.calls) === undefined;
  const own = here.states.map((_, i) =>
    comparable ? distance(stateThere(exact, here, i), stateThere(answer, here, i)) : 0,
  );
  const beyond = far.findIndex((value, i) => !(value <= Math.max(ROUNDING, AMPLIFIED * own[i]!)));
  if (beyond < 0) return undefined;
  const detail = `step ${beyond + 1} of ${far.length}: ${far[beyond]!.toExponential(1)} (rounding ${own[beyond]!.toExponential(1)}), end ${far.at(-1)!.toExponential(1)}`;
  return { cause: 'other states', detail };
}

/** Every state is finite: what leads through NaN leads nowhere. */
const usable = ({ states }: SchedulerAnswer): boolean => states.every((x) => float32s(x).every(Number.isFinite));

if (process.argv[1] === import.meta.filename) {
  await runFuzz<SchedulerSpec, SchedulerAnswer, SchedulerRun>({
    script: 'scheduler_fuzz.py',
    draw: drawScheduler,
    group: ({ cls }) => cls.replace('Scheduler', ''),
    usable,
    run: runScheduler,
    compare: compareSchedulers,
    departures: SCHEDULER_DEPARTURES,
  });
}
