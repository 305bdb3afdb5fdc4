/** @file Every intermediate state of 149 diffusers scheduler configurations, from goldens of tools/oracle/schedulers.py. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  type DiscreteProcess,
  fromSchedulerConfig,
  type GridRequest,
  noiseSource,
  pyramidStages,
  type RunOptions,
  type State,
} from '../index.ts';
import { distance, enlargeNearest, float32s, SAMPLE_SIZE, toyNetwork } from './toy-networks.fixture.ts';

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

/** Cases where diffusers itself loses digits: UnCLIP takes α = 1 − (1 − ᾱ_t/ᾱ_s) in float32. */
const TOLERANCES: Readonly<Record<string, number>> = { unclip: 1e-3 };

describe('step-by-step parity with diffusers', () => {
  it.each(cases.map((spec) => [spec.name, spec] as const))('%s', async (_name, spec) => {
    const plan = fromSchedulerConfig({ _class_name: spec.cls, ...spec.config });
    const grid = plan.grid({ steps: spec.steps, ...spec.grid });
    const denoise = plan.denoiser(toyNetwork(spec.cls, spec.config, spec.learned), {
      sampleSize: SAMPLE_SIZE,
      lastAxis: 4,
    });
    const states: State[] = [];
    const { x0, mask, emitMask } = spec.arrays ?? {};
    await plan.solve(denoise, float32s(spec.start), grid, {
      ...spec.step,
      sampleSize: SAMPLE_SIZE,
      enlarge: enlargeNearest,
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
