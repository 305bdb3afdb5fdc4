/** @file The values that diffusers' own scheduler tests expect, met by the plans of the same configs. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  combine,
  type Denoiser,
  fromSchedulerConfig,
  ipndm,
  noiseSource,
  type SamplingPlan,
  type State,
} from '../index.ts';
import { completePlan } from './plan.ts';

interface Golden {
  readonly cls: string;
  readonly test: string;
  readonly base: Record<string, unknown> | null;
  readonly overrides: Record<string, unknown>;
  readonly extra: readonly string[];
  readonly abs_sum: readonly [number, number] | null;
  readonly abs_mean: readonly [number, number] | null;
}

const { goldens } = JSON.parse(
  readFileSync(new URL('../../../../test/golden/schedulers/published.json', import.meta.url), 'utf8'),
) as { goldens: Golden[] };

/** arange(n)/n laid out [spatial…, batch] and permuted to [batch, spatial…], as the recipe says. */
function deterministic(dims: readonly number[], reversed: boolean): Float32Array {
  const [batch, ...rest] = dims as [number, ...number[]];
  const size = rest.reduce((a, b) => a * b, 1);
  const total = batch * size;
  return Float32Array.from({ length: total }, (_, i) => {
    const index = (i % size) * batch + Math.floor(i / size);
    return (reversed ? total - 1 - index : index) / total;
  });
}

/** The toy network of the recipe: `x·t/(t + 1)`. */
const network = (x: State, { t }: { t: number }): State => combine([t / (t + 1), x]);

/** Schedulers whose tests hand the *scaled* state to `step`; the same slip is made here on purpose. */
const SCALED_IN_PLACE = /^(Euler|Heun|LMS|KDPM2)/;
/** Schedulers that start from `x·init_noise_sigma`. */
const SIGMA_START = /^(Euler|Heun|LMS|KDPM2|EDMEuler|CMStochastic)/;
/** The tests of this one never scale the network's input. */
const UNSCALED = /^EDMDPM/;

/** The plan's denoiser as the test loop of `cls` would call it. */
function testDenoiser(plan: SamplingPlan, cls: string, sampleSize: number): Denoiser {
  if (!SCALED_IN_PLACE.test(cls) && !UNSCALED.test(cls)) return plan.denoiser(network, { sampleSize });
  const { scaleInput: _, ...reading } = plan.reading;
  const denoise = completePlan(plan.config, { ...plan, reading }).denoiser(network, { sampleSize });
  if (UNSCALED.test(cls)) return denoise;
  return (x, point, step) => {
    const factor = plan.reading.scaleInput!(point);
    for (let i = 0; i < x.length; i++) x[i] = x[i]! * factor;
    return denoise(x, point, step);
  };
}

function stepsOf(golden: Golden): number {
  if (typeof golden.overrides.num_inference_steps === 'number') return golden.overrides.num_inference_steps;
  if (golden.cls === 'DDPMScheduler') return 1000;
  if (golden.extra.includes('num_inference_steps = 1')) return 1;
  return 10;
}

/** Where the image-to-image tests start: given outright, or two steps before the end. */
function startOf({ extra }: Golden, steps: number): number {
  const given = /t_start = (\d+)/.exec(extra.join(';'));
  return given === null ? steps - 2 : Number(given[1]);
}

/** The multistep test of consistency models names its two timesteps. */
const isTwoStepConsistency = ({ cls, test }: Golden): boolean =>
  cls === 'CMStochasticIterativeScheduler' && test.endsWith('multistep');

async function run(golden: Golden): Promise<State> {
  const cls = golden.cls.replace(/1D$/, '');
  const base = golden.base ?? goldens.find((other) => other.cls === cls)!.base!;
  const { num_inference_steps: _steps, ...overrides } = golden.overrides;
  const config: Record<string, unknown> = { _class_name: cls, ...base, ...overrides };
  if (golden.test.includes('karras')) config.use_karras_sigmas = true;
  const plan = fromSchedulerConfig(config);
  const steps = stepsOf(golden);
  const dims = golden.cls.endsWith('1D') ? [4, 3, 8] : [4, 3, 8, 8];
  let x: State = deterministic(dims, false);
  const whole = plan.grid(isTwoStepConsistency(golden) ? { timesteps: [106, 0] } : { steps });
  let grid = whole;
  if (SIGMA_START.test(cls)) x = combine([plan.initialScale(whole), x]);
  if (golden.test.includes('with_noise')) {
    grid = whole.slice(startOf(golden, steps));
    const { alpha, sigma } = grid[0]!;
    x = combine([alpha, x], [sigma, deterministic(dims, true)]);
  }
  if (cls === 'IPNDMScheduler') {
    // the test runs one scheduler object twice, so the second pass starts with the slopes of the first
    const history: State[] = [];
    const denoise = plan.denoiser(network);
    x = await ipndm(denoise, x, grid, { history });
    return ipndm(denoise, x, grid, { history });
  }
  return plan.solve(testDenoiser(plan, cls, x.length / 4), x, grid, {
    whole,
    noise: noiseSource('torch-cpu', 0),
    ...(cls === 'TCDScheduler' ? { eta: 0 } : {}),
  });
}

describe('published goldens', () => {
  it.each(goldens.map((golden) => [`${golden.cls} ${golden.test}`, golden] as const))('%s', async (_name, golden) => {
    const x = await run(golden);
    const sum = Array.from(x, Math.abs).reduce((total, value) => total + value, 0);
    if (golden.abs_sum !== null) expect(Math.abs(sum - golden.abs_sum[0])).toBeLessThan(golden.abs_sum[1]);
    if (golden.abs_mean !== null) {
      expect(Math.abs(sum / x.length - golden.abs_mean[0])).toBeLessThan(golden.abs_mean[1]);
    }
  });
});
