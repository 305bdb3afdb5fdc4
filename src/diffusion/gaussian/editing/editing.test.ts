import { describe, expect, it } from 'vitest';
import {
  addNoise,
  cosineProcess,
  countEvaluations,
  ddim,
  ddimInversion,
  dpmSolver,
  fromSchedulerConfig,
  type Grid,
  gaussianDenoiser,
  gaussianFlow,
  gridFromLevel,
  inpaintingSolver,
  mixtureDenoiser,
  noiseSource,
  pointAt,
  reconstruct,
  repaint,
  repaintSchedule,
  slerp,
  strengthGrid,
} from '../index.ts';

const process = cosineProcess();
const grid = (steps: number): Grid =>
  Array.from({ length: steps + 1 }, (_, i) => pointAt(process, 0.95 - (0.93 * i) / steps));
const data = { mean: 0.4, std: 0.7 };
const x0 = Float64Array.of(1, -0.5, 0.3);

describe('image to image', () => {
  it('runs the share of steps that the strength says', () => {
    expect(strengthGrid(grid(10), 0.3)).toHaveLength(4);
    expect(strengthGrid(grid(10), 1)).toHaveLength(11);
    expect(() => strengthGrid(grid(10), 0.05)).toThrow(/leaves none to run/);
    expect(() => strengthGrid(grid(10), 1.5)).toThrow(/lies in \[0, 1\]/);
  });

  it('starts at a noise level asked for', () => {
    const tail = gridFromLevel(grid(20), 1);
    expect(tail[0]!.sigma / tail[0]!.alpha).toBeLessThanOrEqual(1);
    expect(() => gridFromLevel(grid(20), 1e-9)).toThrow(/higher level/);
  });

  it('stays near the picture at low strength and forgets it at full strength', async () => {
    const noise = noiseSource('philox', 3)(3, 0);
    const distance = async (strength: number) => {
      const tail = strengthGrid(grid(20), strength);
      const y = await dpmSolver(gaussianDenoiser(data), addNoise(x0, noise, tail[0]!), tail);
      return Math.hypot(...Array.from(y, (value, i) => value - x0[i]!));
    };
    expect(await distance(0.1)).toBeLessThan(await distance(1));
  });
});

describe('interpolation', () => {
  it('meets its ends and keeps the norm between them', () => {
    const [a, b] = [noiseSource('philox', 1)(4000, 0), noiseSource('philox', 2)(4000, 0)];
    const norm = (x: ArrayLike<number>) => Math.sqrt(Array.from(x).reduce((sum, value) => sum + value ** 2, 0));
    expect(slerp(a, b, 0)[7]).toBeCloseTo(a[7]!, 6);
    expect(slerp(a, b, 1)[7]).toBeCloseTo(b[7]!, 6);
    expect(norm(slerp(a, b, 0.5)) / norm(a)).toBeCloseTo(1, 1);
    expect(Array.from(slerp(a, a, 0.3))).toEqual(Array.from(a));
  });
});

describe('DDIM inversion', () => {
  it('finds the noise that the exact flow carries the data to', async () => {
    const fine = grid(400);
    const noise = await ddimInversion(gaussianDenoiser(data), x0, fine);
    const exact = gaussianFlow(x0, fine[400]!, fine[0]!, data);
    for (let i = 0; i < 3; i++) expect(Math.abs(noise[i]! - exact[i]!)).toBeLessThan(0.02);
  });

  it('reconstructs the data, the better the more it is refined', async () => {
    const coarse = grid(12);
    const errors = await Promise.all(
      [0, 2, 6].map(
        async (refinements) => (await reconstruct(gaussianDenoiser(data), x0, coarse, { refinements })).error,
      ),
    );
    expect(errors[1]!).toBeLessThan(errors[0]! / 3);
    expect(errors[2]!).toBeLessThan(1e-2 * errors[0]!);
  });

  it('inverts a grid that ends in clean data', async () => {
    const plan = fromSchedulerConfig({ _class_name: 'DDIMScheduler', clip_sample: false });
    const { error } = await reconstruct(gaussianDenoiser(data), x0, plan.grid({ steps: 50 }), { refinements: 3 });
    expect(error).toBeLessThan(0.05);
  });
});

describe('inpainting', () => {
  const corners = mixtureDenoiser([
    { mean: [1, 1], std: 0.05 },
    { mean: [-1, -1], std: 0.05 },
  ]);
  const known = { x0: Float64Array.of(1, 0), mask: Float64Array.of(1, 0) };
  const fine = grid(60);
  const start = () => Float64Array.from(noiseSource('philox', 8)(2, 0));

  it('keeps the known part to the bit and invents the rest to fit', async () => {
    const noise = Float64Array.from(noiseSource('philox', 9)(2, 0));
    const plan = fromSchedulerConfig({ _class_name: 'DDIMScheduler', clip_sample: false });
    const y = await inpaintingSolver(ddim, known, noise)(corners, start(), plan.grid({ steps: 50 }));
    expect(y[0]).toBe(1);
    expect(Math.abs(y[1]! - 1)).toBeLessThan(0.3);
  });

  it('jumps back up as RePaint’s schedule says', () => {
    expect(repaintSchedule(4, 10, 10)).toEqual([1, 1, 1, 1]);
    const moves = repaintSchedule(20, 5, 2);
    expect(moves.reduce((a, b) => a + b, 0)).toBe(20);
    expect(moves.filter((move) => move < 0)).toHaveLength(15);
  });

  it('brings the invented part into agreement by resampling', async () => {
    const denoise = countEvaluations(corners);
    const y = await repaint(denoise, start(), fine, known, {
      noise: noiseSource('philox', 4),
      jumpLength: 6,
      jumpSamples: 3,
    });
    expect(Math.abs(y[0]! - 1)).toBeLessThan(0.2);
    expect(Math.abs(y[1]! - 1)).toBeLessThan(0.3);
    expect(denoise.calls).toBe(repaintSchedule(60, 6, 3).filter((move) => move > 0).length);
  });
});
