/** @file Every intermediate state of 124 diffusers scheduler configurations, from goldens of tools/oracle/schedulers.py. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  type DiscreteProcess,
  fromSchedulerConfig,
  type GridRequest,
  type Network,
  noiseSource,
  type Point,
  pyramidStages,
  type RunOptions,
  type State,
} from '../index.ts';

interface Case {
  readonly name: string;
  readonly cls: string;
  readonly steps: number;
  readonly config: Record<string, unknown>;
  readonly step: RunOptions;
  readonly grid: GridRequest;
  readonly learned: boolean;
  readonly times: readonly number[];
  readonly start: string;
  readonly states: readonly string[];
  /** What else the run is given. */
  readonly arrays?: { readonly x0?: string; readonly mask?: string; readonly emitMask?: string };
}

interface PyramidTable {
  readonly config: Record<string, unknown>;
  readonly entry: readonly number[];
  readonly start: readonly number[];
  readonly end: readonly number[];
  readonly first: readonly number[];
  readonly last: readonly number[];
}

interface BetaTable {
  readonly config: Record<string, unknown>;
  readonly sha256: string | null;
  readonly alphas_cumprod: string;
}

const { betas, cases, pyramids } = JSON.parse(
  readFileSync(new URL('../../../../test/golden/schedulers/steps.json', import.meta.url), 'utf8'),
) as { betas: BetaTable[]; cases: Case[]; pyramids: PyramidTable[] };

function float32s(base64: string): Float32Array {
  const bytes = Uint8Array.from(Buffer.from(base64, 'base64'));
  return new Float32Array(bytes.buffer);
}

/** The oracle's toy network. */
const toy = (x: State, { t }: { t: number }): State =>
  x.map((value: number) => (0.5 * value) / (1 + value * value) + 0.1 * value + ((0.05 * t) / 1000 - 0.02));

/** Two channels for one: the toy output, then its tanh as the variance; samples of 16 elements. */
function toyWithVariance(x: State, point: { t: number }): State {
  const output = toy(x, point);
  const both = new Float32Array(2 * x.length);
  for (let sample = 0; sample < x.length; sample += 16) {
    both.set(output.subarray(sample, sample + 16), 2 * sample);
    both.set(output.subarray(sample, sample + 16).map(Math.tanh), 2 * sample + 16);
  }
  return both;
}

/** The toy networks of classes whose network is no ordinary one. */
const SPECIAL: Readonly<Record<string, Network>> = {
  ScoreSdeVeScheduler: (x, point) => {
    const output = toy(x, point);
    return x.map((value: number, i: number) => -(value + output[i]!) / (1 + point.t ** 2));
  },
  // a flow map is told where it goes
  FlowMapEulerDiscreteScheduler: (x, point: Point) =>
    toy(x, point).map((value: number) => value + (0.02 * point.target!) / 1000),
};

/** PiFlow's network: `count` predictions in place of every row of 4. */
function widened(count: number): Network {
  return (x, point) => {
    const output = toy(x, point);
    return Float32Array.from({ length: count * x.length }, (_, i) => {
      const [row, k] = [Math.floor(i / (4 * count)), Math.floor(i / 4) % count];
      return output[4 * row + (i % 4)]! * (1 - 0.05 * k);
    });
  };
}

function networkOf({ cls, config, learned }: Case): Network {
  if (cls === 'PiflowScheduler') return widened((config.n_grid as number | undefined) ?? 10);
  return SPECIAL[cls] ?? (learned ? toyWithVariance : toy);
}

/** Every element of rows of 4 twice, and every row twice: from 4×4 to 8×8. */
function nearest(x0: State, { factor }: { factor: number }): State {
  const length = x0.length * factor ** 2;
  const width = 4 * factor;
  return Float32Array.from({ length }, (_, i) => {
    const [row, column] = [Math.floor(i / width), i % width];
    return x0[4 * Math.floor(row / factor) + Math.floor(column / factor)]!;
  });
}

/** Largest difference of two states, relative to the largest element of the expected one. */
function distance(actual: State, expected: State): number {
  let difference = 0;
  let scale = 0;
  for (let i = 0; i < expected.length; i++) {
    difference = Math.max(difference, Math.abs(actual[i]! - expected[i]!));
    scale = Math.max(scale, Math.abs(expected[i]!));
  }
  return difference / scale;
}

/** Cases where diffusers itself loses digits: UnCLIP takes α = 1 − (1 − ᾱ_t/ᾱ_s) in float32. */
const TOLERANCES: Readonly<Record<string, number>> = { unclip: 1e-3 };

describe('step-by-step parity with diffusers', () => {
  it.each(cases.map((spec) => [spec.name, spec] as const))('%s', async (_name, spec) => {
    const plan = fromSchedulerConfig({ _class_name: spec.cls, ...spec.config });
    const grid = plan.grid({ steps: spec.steps, ...spec.grid });
    const denoise = plan.denoiser(networkOf(spec), { sampleSize: 16, lastAxis: 4 });
    const states: State[] = [];
    const { x0, mask, emitMask } = spec.arrays ?? {};
    await plan.solve(denoise, float32s(spec.start), grid, {
      ...spec.step,
      sampleSize: 16,
      enlarge: nearest,
      known: x0 && mask ? { x0: float32s(x0), mask: float32s(mask) } : undefined,
      emitMask: emitMask === undefined ? undefined : float32s(emitMask),
      noise: noiseSource('torch-cpu', 11),
      onStep: ({ x }) => void states.push(x),
    });
    expect(states).toHaveLength(spec.states.length);
    const distances = states.map((x, i) => distance(x, float32s(spec.states[i]!)));
    expect(Math.max(...distances)).toBeLessThan(TOLERANCES[spec.name] ?? 2e-5);
  });
});

describe('stages of a pyramid', () => {
  it.each(pyramids.map((table) => [JSON.stringify(table.config), table] as const))('%s', (_name, table) => {
    const { config } = fromSchedulerConfig({ _class_name: 'HeliosScheduler', ...table.config });
    const stages = pyramidStages(config.options);
    stages.forEach((stage, i) => {
      expect(stage.entrySigma).toBeCloseTo(table.entry[i]!, 12);
      expect(stage.startSigma).toBeCloseTo(table.start[i]!, 12);
      expect(stage.endSigma).toBeCloseTo(table.end[i]!, 12);
      expect(stage.times[0]).toBeCloseTo(table.first[i]!, 9);
      expect(stage.times[1]).toBeCloseTo(table.last[i]!, 9);
    });
    expect(stages).toHaveLength(table.entry.length);
  });
});

describe('beta schedules', () => {
  it.each(betas.map((table) => [JSON.stringify(table.config), table] as const))('%s', (_name, table) => {
    const plan = fromSchedulerConfig({ _class_name: 'DDPMScheduler', ...table.config });
    const { alphasCumprod } = plan.process as DiscreteProcess;
    const last = alphasCumprod.length - 1;
    const some = alphasCumprod.map((_, i) => alphasCumprod[last - i]!).filter((_, i) => i % 37 === 0);
    expect(distance(some, float32s(table.alphas_cumprod))).toBeLessThan(5e-7);
    expect(some[0] === 0).toBe(table.config.rescale_betas_zero_snr === true);
    if (table.sha256 === null) return;
    const bytes = new Uint8Array(alphasCumprod.buffer);
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(table.sha256);
  });
});
