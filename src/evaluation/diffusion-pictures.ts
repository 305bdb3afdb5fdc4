/** @file What diffusion does to pictures: noised along the forward process, and brought back by a model. */
import {
  consecutiveSeeds,
  type Network,
  type Point,
  type Process,
  perSampleNoise,
  pointAt,
  type SamplingPlan,
} from '../diffusion/gaussian/index.ts';

/** One picture at several points: `pictures[k]` [D], in about [-1, 1], belongs to the k-th point. */
export type Stages = readonly Float32Array[];

/** `count` points of a process, even in its own time, from its start to its end; at whole times where those are steps. */
export function evenPoints(process: Process, count: number): Point[] {
  const span = process.end - process.start;
  const whole = span >= 10 * count;
  return Array.from({ length: count }, (_, i) => {
    const t = process.start + (span * i) / (count - 1);
    return pointAt(process, whole ? Math.round(t) : t);
  });
}

/** Factor that brings a state to unit variance, so that every process can be looked at. */
const visible = ({ alpha, sigma }: Point): number => 1 / Math.hypot(alpha, sigma);

/**
 * `x_t = α·x₀ + σ·ε` at each of `points`, the same ε throughout, at unit variance. `pictures`: [N, D]; picture i has the
 * noise of seed `seed + i`.
 */
export function forwardPictures(
  pictures: Float32Array,
  points: readonly Point[],
  { sampleSize, seed = 0 }: { readonly sampleSize: number; readonly seed?: number },
): Stages[] {
  const seeds = consecutiveSeeds(seed, pictures.length / sampleSize);
  const noise = perSampleNoise('philox', seeds)(pictures.length, -1);
  return seeds.map((_, n) =>
    points.map((point) =>
      Float32Array.from({ length: sampleSize }, (_, i) => {
        const at = n * sampleSize + i;
        return visible(point) * (point.alpha * pictures[at]! + point.sigma * noise[at]!);
      }),
    ),
  );
}

/** Options of `reversePictures`. */
export interface ReverseOptions {
  readonly sampleSize: number;
  readonly count: number;
  readonly steps: number;
  /** Points to keep, even along the steps, both ends among them. */
  readonly stages: number;
  readonly seed?: number;
  readonly signal?: AbortSignal | undefined;
}

/** A model at work, from noise to data. */
export interface ReversePictures {
  readonly points: readonly Point[];
  /** States x_t of each sample, at unit variance. */
  readonly states: readonly Stages[];
  /** The network's x̂₀ of each sample; the finished picture at the last point. */
  readonly predictions: readonly Stages[];
}

/** Samples with `plan` and keeps states and x̂₀ on the way. */
export async function reversePictures(
  plan: SamplingPlan,
  network: Network,
  { sampleSize, count, steps, stages, seed = 0, signal }: ReverseOptions,
): Promise<ReversePictures> {
  const grid = plan.grid({ steps });
  const total = grid.length - 1;
  const keep = [...new Set(Array.from({ length: stages }, (_, i) => Math.round((i * total) / (stages - 1))))];
  const seeds = consecutiveSeeds(seed, count);
  const noise = perSampleNoise('philox', seeds);
  const scale = plan.initialScale(grid);
  let x = noise(count * sampleSize, -1).map((value: number) => value * scale) as Float32Array;
  const kept: { readonly state: ArrayLike<number>; readonly x0: ArrayLike<number> }[] = [];
  await plan.solve(plan.denoiser(network, { sampleSize }), x, grid, {
    noise,
    signal,
    onStep: ({ step, x: next, x0 }) => {
      if (keep.includes(step)) kept.push({ state: x, x0: Float32Array.from(x0) });
      x = next as Float32Array;
      if (step + 1 === total) kept.push({ state: next, x0: next });
    },
  });
  const points = keep.map((index) => grid[index]!);
  const stagesOf = (which: 'state' | 'x0'): Stages[] =>
    seeds.map((_, n) =>
      kept.map((one, k) => {
        const factor = which === 'state' ? visible(points[k]!) : 1;
        return Float32Array.from({ length: sampleSize }, (_, i) => factor * one[which][n * sampleSize + i]!);
      }),
    );
  return { points, states: stagesOf('state'), predictions: stagesOf('x0') };
}
