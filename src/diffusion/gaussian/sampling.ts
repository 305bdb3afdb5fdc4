/** @file Sampling with a plan: seeded start noise, one stream per sample, then the plan's solver. */
import { ConfigError } from '../../tensor/index.ts';
import type { Network } from './denoiser.ts';
import { classifierFree } from './guidance/classifier-free.ts';
import { noiseSource, type Rng } from './noise-sources.ts';
import type { RunOptions, SamplingPlan } from './scheduler-config/plan.ts';
import type { NoiseSource } from './solver.ts';
import type { State } from './state.ts';

/** Options of `sampleWithPlan`. */
export interface SamplingOptions extends Omit<RunOptions, 'noise' | 'whole' | 'sampleSize'> {
  /** One per sample: what a sample looks like depends on its own seed, never on the batch it is in. */
  readonly seeds: readonly number[];
  /** Elements of one sample. */
  readonly sampleSize: number;
  readonly steps: number;
  /** Training times in place of the scheduler's own grid of `steps` steps. */
  readonly timesteps?: readonly number[] | undefined;
  /** Default philox. */
  readonly rng?: Rng;
  /** Length of the last axis of the state, for networks that widen it (PiFlow). */
  readonly lastAxis?: number | undefined;
}

/** The seeds of `count` samples: `seed`, `seed + 1`, … */
export function consecutiveSeeds(seed: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => seed + i);
}

/** Each sample's own stream of noise, side by side. */
export function perSampleNoise(rng: Rng, seeds: readonly number[]): NoiseSource {
  const sources = seeds.map((seed) => noiseSource(rng, seed));
  return (length, step) => {
    const size = length / seeds.length;
    const noise = new Float32Array(length);
    sources.forEach((source, i) => {
      noise.set(source(size, step), i * size);
    });
    return noise;
  };
}

/**
 * Draws samples from pure noise: start noise of the scale the scheduler expects, `steps` steps, the state at the end,
 * flattened [seeds.length, sampleSize]. Throws `ConfigError` for an impossible seed or number of steps.
 */
export async function sampleWithPlan(
  plan: SamplingPlan,
  network: Network,
  { seeds, sampleSize, lastAxis, steps, timesteps, rng = 'philox', ...run }: SamplingOptions,
): Promise<State> {
  const odd = seeds.find((seed) => !Number.isSafeInteger(seed) || seed < 0);
  if (odd !== undefined) throw new ConfigError(`a seed is a whole number from 0 to 2^53, got ${odd}`);
  const noise = perSampleNoise(rng, seeds);
  const grid = plan.grid({ steps, timesteps });
  if (timesteps?.some((t, i) => grid[i]?.t !== t)) {
    throw new ConfigError(
      'this solver chooses its own grid and takes no timesteps',
      'name one that takes them, such as dpm++2m or ddim',
    );
  }
  const scale = plan.initialScale(grid);
  // step -1 comes before every step of the solver
  const start = noise(seeds.length * sampleSize, -1).map((value: number) => value * scale);
  return plan.solve(plan.denoiser(network, { sampleSize, lastAxis }), start, grid, { ...run, sampleSize, noise });
}

/** The classes wanted, and how strongly. */
export interface ClassCondition {
  /** One per sample. */
  readonly labels: readonly number[];
  /** Label that stands for no class; guidance other than 1 needs it. */
  readonly nullLabel: number | undefined;
  /** w of classifier-free guidance: 0 ignores the class, 1 follows the network, above 1 exaggerates. */
  readonly scale: number;
}

/**
 * A class-conditional network with classifier-free guidance. Two runs of one program, not one of twice the batch: on a
 * CPU that costs a tenth more at most, needs half the memory, and the program serves unguided samples too.
 * Throws `ConfigError` when guidance is asked of a network without a class for none.
 */
export function guidedByClass(
  networkFor: (labels: readonly number[]) => Network,
  { labels, nullLabel, scale }: ClassCondition,
): Network {
  if (scale === 1) return networkFor(labels);
  if (nullLabel === undefined) {
    throw new ConfigError('this network has no class for "none", which guidance needs', 'leave guidance out');
  }
  return classifierFree(networkFor(labels), networkFor(labels.map(() => nullLabel)), { scale });
}
