/** @file One scheduler configuration run by inkwash on the oracle's toy network, as scheduler_loops.py runs it in diffusers. */
import {
  fromSchedulerConfig,
  noiseSource,
  type RunOptions,
  type State,
} from '../../../src/diffusion/gaussian/index.ts';
import {
  enlargeNearest,
  SAMPLE_SIZE,
  toyNetwork,
} from '../../../src/diffusion/gaussian/scheduler-config/toy-networks.fixture.ts';
import { TorchCpuGenerator } from '../../../src/tensor/index.ts';
import type { SchedulerSpec } from './scheduler-configs.ts';

/** What diffusers gave. */
export interface SchedulerAnswer {
  /** Times the network was asked at. */
  readonly calls: readonly number[];
  readonly start: string;
  /** After every call of `step` if `stepwise`, otherwise after every whole step. */
  readonly states: readonly string[];
  readonly stepwise: boolean;
  /** Whether torch rounds the root of the noisiest level correctly on that machine; null where there is none. */
  readonly exactRoot: boolean | null;
  readonly arrays: Readonly<Record<string, string>>;
}

/** What inkwash gave: the same, and how often the network had been asked after each step. */
export interface SchedulerRun {
  readonly calls: readonly number[];
  readonly start: State;
  readonly states: readonly State[];
  readonly asked: readonly number[];
}

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
