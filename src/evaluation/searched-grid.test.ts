import { describe, expect, it } from 'vitest';
import {
  consecutiveSeeds,
  GRID_NAMES,
  type Grid,
  mixtureDenoiser,
  type Network,
  perSampleNoise,
  planForSolver,
} from '../diffusion/gaussian/index.ts';
import { rmsDistance } from './rms-distance.ts';
import { gridSearch, searchEvaluations, TEACHER_STEPS } from './searched-grid.ts';

const model = {
  _class_name: 'DDPMScheduler',
  beta_schedule: 'squaredcos_cap_v2',
  prediction_type: 'v_prediction',
  clip_sample: false,
};
const ideal = mixtureDenoiser([
  { mean: [0.9, 0.2], std: 0.2, weight: 2 },
  { mean: [-0.7, 0.6], std: 0.1 },
  { mean: [-0.1, -1], std: 0.3 },
]);
let evaluated = 0;
const network: Network = async (x, { t, alpha, sigma }, step) => {
  evaluated += x.length;
  const norm = Math.hypot(alpha, sigma);
  const [a, s] = [alpha / norm, sigma / norm];
  const { x0, eps } = await ideal(x, { t, alpha: a, sigma: s }, step);
  return eps.map((value: number, i: number) => a * value - s * x0[i]!) as Float32Array;
};
const sampleSize = 2;

describe('a grid searched on a mixture of Gaussians', () => {
  const count = 192;
  const search = (solver: string) =>
    gridSearch(planForSolver(model, solver), {
      teacher: planForSolver(model, 'unipc'),
      networkFor: () => network,
      sampleSize,
      count,
    });
  const grids = (solver: string, steps: number): Grid[] =>
    GRID_NAMES.map((name) => planForSolver(model, `${solver}-${name}`).grid({ steps }));

  /** Distance to a fine run, from noise that the search has not seen. */
  async function heldOut(solver: string): Promise<(grid: Grid) => Promise<number>> {
    const plan = planForSolver(model, solver);
    const noise = perSampleNoise('philox', consecutiveSeeds(1000, 512))(1024, -1);
    const end = (grid: Grid) => {
      const scale = plan.initialScale(grid);
      return plan.solve(
        plan.denoiser(network, { sampleSize }),
        noise.map((value: number) => value * scale),
        grid,
        {},
      );
    };
    const target = await end(plan.grid({ steps: 500 }));
    return async (grid) => rmsDistance(await end(grid), target);
  }

  it.each(['dpm++2m', 'unipc', 'euler'])(
    'beats every fixed grid of %s on noise it has not seen',
    async (solver) => {
      const { find } = search(solver);
      const error = await heldOut(solver);
      for (const steps of [5, 6, 8, 10]) {
        const fixed = grids(solver, steps);
        const errors = await Promise.all(fixed.map(error));
        expect(await error(await find(steps, fixed)), `${steps} steps`).toBeLessThan(Math.min(...errors));
      }
    },
    60_000,
  );

  it('visits training times, so that they can be given to a sampler', async () => {
    const grid = await search('dpm++2m').find(5);
    const times = grid.slice(0, -1).map(({ t }) => t);
    expect(times.every(Number.isInteger)).toBe(true);
    expect(planForSolver(model, 'dpm++2m').grid({ timesteps: times })).toEqual(grid);
  });

  it('costs no more than it says', async () => {
    evaluated = 0;
    const fixed = grids('dpm++2m', 5);
    await search('dpm++2m').find(5, fixed);
    expect(evaluated / (count * sampleSize)).toBeLessThanOrEqual(searchEvaluations(5, fixed.length) + TEACHER_STEPS);
  });
});
