import { describe, expect, it } from 'vitest';
import { ConfigError } from '../../tensor/index.ts';
import {
  fromSchedulerConfig,
  GRID_NAMES,
  gaussianDenoiser,
  gaussianFlow,
  type Network,
  noiseSource,
  planForSolver,
  type SamplingPlan,
  SOLVER_NAMES,
  sigmaRatio,
  takesGrids,
} from './index.ts';

const model = {
  _class_name: 'DDPMScheduler',
  beta_schedule: 'squaredcos_cap_v2',
  prediction_type: 'v_prediction',
  clip_sample: false,
};
const data = { mean: 0.2, std: 0.3 };
/** The perfect v-prediction, in the frame of unit variance that networks are asked in. */
const network: Network = async (x, { t, alpha, sigma }, step) => {
  const norm = Math.hypot(alpha, sigma);
  const [a, s] = [alpha / norm, sigma / norm];
  const { x0, eps } = await gaussianDenoiser(data)(x, { t, alpha: a, sigma: s }, step);
  return eps.map((value: number, i: number) => a * value - s * x0[i]!) as Float32Array;
};

/** Root-mean-square distance of a run from the exact flow. */
async function errorOf(plan: SamplingPlan, steps: number): Promise<number> {
  const grid = plan.grid({ steps });
  const noise = noiseSource('philox', 3)(400, 0);
  const scale = plan.initialScale(grid);
  const end = await plan.solve(
    plan.denoiser(network),
    noise.map((value: number) => value * scale),
    grid,
    {},
  );
  const exact = gaussianFlow(noise, { t: 0, alpha: 0, sigma: 1 }, { t: 0, alpha: 1, sigma: 0 }, data);
  const squares = Array.from(end, (value, i) => (value - exact[i]!) ** 2);
  return Math.sqrt(squares.reduce((sum, square) => sum + square, 0) / squares.length);
}

describe('a named grid', () => {
  const solvers = SOLVER_NAMES.filter(takesGrids);

  it.each(GRID_NAMES)('%s goes on every solver that takes grids, with as many steps as asked for', (grid) => {
    for (const solver of solvers) {
      const points = planForSolver(model, `${solver}-${grid}`).grid({ steps: 7 });
      expect(points, solver).toHaveLength(8);
      const levels = points.map(sigmaRatio);
      // only the level nearest to the data may be repeated
      for (let i = 0; i < 6; i++) expect(levels[i + 1], solver).toBeLessThan(levels[i]!);
      expect(levels[7]).toBeLessThanOrEqual(levels[6]!);
    }
  });

  it('visits the levels it visits where diffusers has an option for it', () => {
    for (const grid of ['karras', 'exponential', 'beta'] as const) {
      const [carried, placed] = ['dpm++2m', 'euler-a'].map((solver) =>
        planForSolver(model, `${solver}-${grid}`).grid({ steps: 6 }).map(sigmaRatio),
      );
      for (const [i, level] of carried!.entries())
        expect(Math.abs(placed![i]! - level)).toBeLessThanOrEqual(1e-5 * level);
    }
  });

  it('gives way to times that are given', () => {
    const plan = planForSolver(model, 'dpm++2m-kl_optimal');
    expect(plan.grid({ timesteps: [900, 500, 100] }).map(({ t }) => t)).toEqual([900, 500, 100, -1]);
  });

  it('is refused where it cannot be, with a way out', () => {
    expect(() => planForSolver(model, 'dpm++2m-karas')).toThrow(
      /no grid 'karas' for dpm\+\+2m[\s\S]*'dpm\+\+2m-karras'/,
    );
    expect(() => planForSolver(model, 'pndm-karras')).toThrow(/even steps[\s\S]*lms-karras/);
    const short = { ...model, beta_schedule: 'linear' };
    expect(() => planForSolver(short, 'unipc-ays-svd').grid({ steps: 5 })).toThrow(ConfigError);
  });
});

describe('a solver by its short name', () => {
  it('ends every step of DDIM where the next begins, whatever divides the training times', async () => {
    // 1000/400 steps: diffusers lands 2 training steps below where the next evaluation is 2 or 3 below
    const ddim = planForSolver(model, 'ddim');
    expect(await errorOf(ddim, 400)).toBeLessThan(await errorOf(ddim, 100));
    const asDiffusers = fromSchedulerConfig({ ...model, _class_name: 'DDIMScheduler', timestep_spacing: 'trailing' });
    expect(await errorOf(asDiffusers, 400)).toBeGreaterThan(10 * (await errorOf(ddim, 400)));
  });

  it('is what diffusers does when a class is named', async () => {
    const ours = planForSolver(
      { ...model, _class_name: 'DDIMScheduler', timestep_spacing: 'trailing' },
      'DDIMScheduler',
    );
    const asDiffusers = fromSchedulerConfig({ ...model, _class_name: 'DDIMScheduler', timestep_spacing: 'trailing' });
    expect(await errorOf(ours, 30)).toBe(await errorOf(asDiffusers, 30));
  });

  it('starts Heun where a cosine schedule can be stepped from', async () => {
    expect(await errorOf(planForSolver(model, 'heun'), 5)).toBeLessThan(0.1);
    // as is HeunDiscreteScheduler of diffusers, which agrees step by step (scheduler-config/parity.test.ts)
    expect(await errorOf(planForSolver(model, 'heun-trailing'), 5)).toBeGreaterThan(1);
  });

  it('clips the data as the model says, with noise that agrees', async () => {
    const clipping = { ...model, clip_sample: true, clip_sample_range: 0.25 };
    for (const solver of SOLVER_NAMES) {
      const plan = planForSolver(clipping, solver);
      const point = plan.grid({ steps: 10 })[4]!;
      const x = noiseSource('philox', 5)(64, 0);
      const { x0, eps } = await plan.denoiser(network)(x, point, 4);
      expect(Math.max(...x0.map(Math.abs)), solver).toBeCloseTo(0.25, 6);
      const again = x0.map((value: number, i: number) => point.alpha * value + point.sigma * eps[i]!);
      expect(Math.max(...again.map((value: number, i: number) => Math.abs(value - x[i]!))), solver).toBeLessThan(1e-4);
    }
  });
});
