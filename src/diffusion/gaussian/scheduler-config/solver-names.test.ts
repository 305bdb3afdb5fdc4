import { expect, test } from 'vitest';
import {
  fromSchedulerConfig,
  readSolverName,
  SOLVER_NAMES,
  schedulerForSolver,
  writeSchedulerConfig,
} from './index.ts';

const ddpm = writeSchedulerConfig('DDPMScheduler', {
  beta_schedule: 'squaredcos_cap_v2',
  prediction_type: 'v_prediction',
  num_train_timesteps: 500,
});

test('every short name makes a plan of the model, with as many steps as asked for', () => {
  for (const solver of SOLVER_NAMES) {
    const config = schedulerForSolver(ddpm, solver);
    expect(config, solver).toMatchObject({
      beta_schedule: 'squaredcos_cap_v2',
      prediction_type: 'v_prediction',
      num_train_timesteps: 500,
    });
    const plan = fromSchedulerConfig(config);
    expect(plan.grid({ steps: 10 }).length, solver).toBeGreaterThanOrEqual(11);
  }
});

test('keeps the clipping of the model', () => {
  expect(schedulerForSolver(ddpm, 'ddim').clip_sample).toBe(true);
  expect(schedulerForSolver(ddpm, 'unipc')).toMatchObject({ thresholding: true, sample_max_value: 1 });
  const free = writeSchedulerConfig('DDPMScheduler', { clip_sample: false });
  expect(schedulerForSolver(free, 'unipc').thresholding).toBe(false);
});

test('a class name carries over what the config says, as diffusers does', () => {
  const config = schedulerForSolver({ ...ddpm, timestep_spacing: 'leading' }, 'UniPCMultistepScheduler');
  expect(config).toMatchObject({ timestep_spacing: 'leading', thresholding: false, solver_order: 2 });
});

test('carries a grid where the class has an option for it', () => {
  expect(schedulerForSolver(ddpm, 'dpm++2m-karras').use_karras_sigmas).toBe(true);
  expect(schedulerForSolver(ddpm, 'dpm++2m-sde-beta')).toMatchObject({
    algorithm_type: 'sde-dpmsolver++',
    use_beta_sigmas: true,
  });
  expect(schedulerForSolver(ddpm, 'ddim-linspace').timestep_spacing).toBe('linspace');
  expect(readSolverName('euler-a-kl_optimal')).toEqual({
    name: 'euler-a',
    grid: 'kl_optimal',
    gridOptions: undefined,
  });
  expect(readSolverName('UniPCMultistepScheduler').grid).toBeUndefined();
});

test('names the nearest solver', () => {
  expect(() => schedulerForSolver(ddpm, 'unipcc')).toThrow(/no solver 'unipcc'\n {2}hint: did you mean 'unipc'/);
});
