/** @file Every intermediate state of 83 diffusers scheduler configurations, from goldens of tools/oracle/schedulers.py. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type DiscreteProcess, fromSchedulerConfig, noiseSource, type State } from '../index.ts';

interface Case {
  readonly name: string;
  readonly cls: string;
  readonly steps: number;
  readonly config: Record<string, unknown>;
  readonly step: { readonly eta?: number; readonly order?: number };
  readonly grid: { readonly mu?: number };
  readonly learned: boolean;
  readonly times: readonly number[];
  readonly start: string;
  readonly states: readonly string[];
}

interface BetaTable {
  readonly config: Record<string, unknown>;
  readonly sha256: string | null;
  readonly alphas_cumprod: string;
}

const { betas, cases } = JSON.parse(
  readFileSync(new URL('../../../../test/golden/schedulers/steps.json', import.meta.url), 'utf8'),
) as { betas: BetaTable[]; cases: Case[] };

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
    const denoise = plan.denoiser(spec.learned ? toyWithVariance : toy, { sampleSize: 16 });
    const states: State[] = [];
    await plan.solve(denoise, float32s(spec.start), grid, {
      ...spec.step,
      noise: noiseSource('torch-cpu', 11),
      onStep: ({ x }) => void states.push(x),
    });
    expect(states).toHaveLength(spec.states.length);
    const distances = states.map((x, i) => distance(x, float32s(spec.states[i]!)));
    expect(Math.max(...distances)).toBeLessThan(TOLERANCES[spec.name] ?? 2e-5);
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
