/** @file What a sampler is given by mistake is refused with where, what and a remedy. */
import { describe, expect, it } from 'vitest';
import { ConfigError, EngineError, ShapeError } from '../../tensor/index.ts';
import {
  ddim,
  ddpm,
  denoiser,
  dpmFast,
  dpmSolver,
  fromSchedulerConfig,
  gaussianDenoiser,
  kdpm2,
  noiseSource,
  type Rng,
  type State,
  tcd,
  unipc,
} from './index.ts';

const plan = fromSchedulerConfig({ _class_name: 'DDIMScheduler' });
const identity = plan.denoiser((x) => x);
const x = new Float32Array(4).fill(0.5);

describe('steps and grids', () => {
  it.each([0, -3, 2.5, Number.NaN])('refuses %d steps', (steps) => {
    expect(() => plan.grid({ steps })).toThrow(/positive integer/);
  });

  it.each([
    'DDIMScheduler',
    'DPMSolverMultistepScheduler',
    'EulerDiscreteScheduler',
    'FlowMatchEulerDiscreteScheduler',
    'EDMEulerScheduler',
  ])('refuses more steps than %s was trained on', (_class_name) => {
    expect(() => fromSchedulerConfig({ _class_name }).grid({ steps: 1001 })).toThrow(/more than the 1000/);
  });

  it('refuses more steps than a model was distilled on', () => {
    expect(() => fromSchedulerConfig({ _class_name: 'LCMScheduler' }).grid({ steps: 51 })).toThrow(/distilled on/);
  });

  it('refuses timesteps that do not descend or leave the training range', () => {
    expect(() => plan.grid({ timesteps: [500, 700] })).toThrow(/must descend: 500 is followed by 700/);
    expect(() => plan.grid({ timesteps: [500, 500] })).toThrow(/must descend/);
    expect(() => plan.grid({ timesteps: [1000, 2] })).toThrow(/lies outside 0 … 999/);
    expect(() => plan.grid({ timesteps: [] })).toThrow(/empty/);
  });

  it('refuses a grid that does not descend, naming the two points', async () => {
    const grid = plan.grid({ steps: 3 });
    await expect(ddim(identity, x, [...grid].reverse())).rejects.toThrow(/does not descend: σ\/α is 0 at point 0/);
    await expect(ddim(identity, x, grid.slice(0, 1))).rejects.toThrow(/at least 2 points/);
  });
});

describe('the network', () => {
  it('is caught returning NaN, with step and time', async () => {
    const network = (state: State, _point: unknown, step: number) =>
      step < 2 ? state : (state.map(() => Number.NaN) as State);
    const run = plan.solve(plan.denoiser(network), x, plan.grid({ steps: 5 }), {});
    await expect(run).rejects.toThrow(EngineError);
    await expect(run).rejects.toThrow(/output is NaN at element 0, step 2 \(t = 400/);
  });

  it('is caught returning infinity', async () => {
    const network = () => Float32Array.of(0, 0, Number.POSITIVE_INFINITY, 0);
    await expect(plan.solve(plan.denoiser(network), x, plan.grid({ steps: 5 }), {})).rejects.toThrow(
      /Infinity at element 2/,
    );
  });

  it('is caught returning the wrong number of elements', async () => {
    const run = plan.solve(
      plan.denoiser(() => new Float32Array(3)),
      x,
      plan.grid({ steps: 5 }),
      {},
    );
    await expect(run).rejects.toThrow(ShapeError);
    await expect(run).rejects.toThrow(/3 elements for a state of 4/);
  });

  it('needs to predict its variance where that is asked for', async () => {
    const run = ddpm(
      denoiser((state) => state),
      x,
      plan.grid({ steps: 5 }),
      {
        varianceType: 'learned_range',
        noise: noiseSource('philox', 0),
      },
    );
    await expect(run).rejects.toThrow(/needs a network that predicts its variance/);
  });
});

describe('options', () => {
  it('explains that a stochastic solver needs noise', async () => {
    await expect(ddpm(identity, x, plan.grid({ steps: 5 }))).rejects.toThrow(/pass noise: noiseSource/);
  });

  it('refuses noise of the wrong length', async () => {
    const run = ddpm(identity, x, plan.grid({ steps: 5 }), { noise: () => new Float32Array(2) });
    await expect(run).rejects.toThrow(ShapeError);
  });

  it('suggests the generator that was meant', () => {
    expect(() => noiseSource('torch-cup' as Rng, 0)).toThrow(/did you mean 'torch-cpu'/);
  });

  it('refuses orders that do not exist', () => {
    expect(() => dpmSolver(gaussianDenoiser(), x, plan.grid({ steps: 5 }), { order: 4 })).toThrow(
      /orders 1, 2 and 3, got 4/,
    );
    expect(() => unipc(gaussianDenoiser(), x, plan.grid({ steps: 5 }), { order: 0 })).toThrow(ConfigError);
    expect(() => tcd(gaussianDenoiser(), x, plan.grid({ steps: 5 }), { eta: 2 })).toThrow(/eta lies in \[0, 1\]/);
  });

  it('suggests the algorithm that was meant', () => {
    const algorithm = 'dpm-solver++' as 'dpmsolver++';
    expect(() => dpmSolver(gaussianDenoiser(), x, plan.grid({ steps: 5 }), { algorithm })).toThrow(
      /did you mean 'dpmsolver\+\+'/,
    );
  });

  it('explains that a solver needs the process between grid points', () => {
    expect(() => kdpm2(gaussianDenoiser(), x, plan.grid({ steps: 5 }))).toThrow(/levelOf\(process\)/);
  });

  it('refuses DPM fast down to clean data', () => {
    expect(() =>
      dpmFast(gaussianDenoiser(), x, plan.grid({ steps: 5 }), { evaluations: 9, level: plan.level }),
    ).toThrow(/positive noise level/);
  });
});
