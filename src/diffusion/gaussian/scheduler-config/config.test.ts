import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ConfigError } from '../../../tensor/index.ts';
import {
  fromSchedulerConfig,
  readSchedulerConfig,
  SCHEDULER_DEFAULTS,
  type SchedulerClass,
  writeSchedulerConfig,
} from '../index.ts';

/** Defaults of the classes as diffusers' signatures have them. */
const published = JSON.parse(
  readFileSync(new URL('../../../../test/golden/schedulers/defaults.json', import.meta.url), 'utf8'),
) as { classes: Record<SchedulerClass, Record<string, unknown>> };

const CLASSES = Object.keys(SCHEDULER_DEFAULTS) as SchedulerClass[];

describe('scheduler configs', () => {
  it.each(CLASSES)('%s has the options and defaults of diffusers', (className) => {
    const ours = Object.fromEntries(
      Object.entries(SCHEDULER_DEFAULTS[className]).map(([key, value]) => [
        key,
        value === Number.NEGATIVE_INFINITY ? '-inf' : value,
      ]),
    );
    expect(ours).toEqual(published.classes[className]);
  });

  it.each(CLASSES)('%s comes back from what is written', (className) => {
    const json = JSON.parse(JSON.stringify(writeSchedulerConfig(className)));
    const { options, unknownKeys } = readSchedulerConfig(json);
    expect(unknownKeys).toEqual([]);
    expect(options).toEqual(readSchedulerConfig({ _class_name: className }).options);
  });

  it('keeps what it is given and completes the rest', () => {
    const json = writeSchedulerConfig('UniPCMultistepScheduler', { solver_order: 3, use_karras_sigmas: true });
    expect(json).toMatchObject({
      _class_name: 'UniPCMultistepScheduler',
      solver_order: 3,
      use_karras_sigmas: true,
      beta_end: 0.02,
    });
    expect(json).toHaveProperty('_diffusers_version');
  });

  it('reads a published Stable Diffusion config', () => {
    const plan = fromSchedulerConfig({
      _class_name: 'PNDMScheduler',
      _diffusers_version: '0.6.0',
      beta_end: 0.012,
      beta_schedule: 'scaled_linear',
      beta_start: 0.00085,
      num_train_timesteps: 1000,
      set_alpha_to_one: false,
      skip_prk_steps: true,
      steps_offset: 1,
      trained_betas: null,
      clip_sample: false,
    });
    expect(plan.config.unknownKeys).toEqual([]);
    expect(plan.grid({ steps: 50 })[0]!.t).toBe(981);
    expect(plan.evaluations(plan.grid({ steps: 50 }))).toBe(51);
  });

  it('reports unknown keys and goes on', () => {
    expect(readSchedulerConfig({ _class_name: 'DDIMScheduler', beta_strat: 0.1 }).unknownKeys).toEqual(['beta_strat']);
  });

  it('reads the infinities that Python writes', () => {
    const read = (value: unknown) =>
      readSchedulerConfig({ _class_name: 'DPMSolverMultistepScheduler', lambda_min_clipped: value }).options;
    expect(read('-inf').lambda_min_clipped).toBe(Number.NEGATIVE_INFINITY);
    expect(read(-5.1).lambda_min_clipped).toBe(-5.1);
  });

  it('treats solver types of other families as diffusers does', () => {
    expect(() =>
      fromSchedulerConfig({ _class_name: 'UniPCMultistepScheduler', solver_type: 'midpoint' }),
    ).not.toThrow();
    expect(() =>
      fromSchedulerConfig({
        _class_name: 'DPMSolverMultistepScheduler',
        algorithm_type: 'deis',
        solver_type: 'logrho',
      }),
    ).not.toThrow();
  });
});

describe('the orders of a plan', () => {
  const orders = (config: Record<string, unknown>, steps: number) => {
    const plan = fromSchedulerConfig(config);
    return plan.orders(plan.grid({ steps }));
  };

  it('rise with the history and fall towards the data', () => {
    const dpm = { _class_name: 'DPMSolverMultistepScheduler', solver_order: 3 };
    expect(orders(dpm, 7)).toEqual([1, 2, 3, 3, 3, 2, 1]);
    expect(orders(dpm, 16).slice(-3)).toEqual([3, 3, 1]);
    expect(orders({ _class_name: 'UniPCMultistepScheduler', solver_order: 3 }, 6)).toEqual([1, 2, 3, 3, 2, 1]);
    expect(orders({ _class_name: 'DPMSolverSinglestepScheduler', solver_order: 2 }, 6)).toEqual([1, 2, 1, 2, 1, 1]);
    expect(orders({ _class_name: 'LMSDiscreteScheduler' }, 6)).toEqual([1, 2, 3, 4, 4, 4]);
  });

  it('stay the same in one-step methods, but for the step into clean data', () => {
    expect(orders({ _class_name: 'HeunDiscreteScheduler' }, 4)).toEqual([2, 2, 2, 1]);
    expect(orders({ _class_name: 'DDIMScheduler' }, 3)).toEqual([1, 1, 1]);
  });
});

describe('bad scheduler configs', () => {
  const read = (config: unknown) => () => fromSchedulerConfig(config);

  it('suggests the scheduler that was meant', () => {
    expect(read({ _class_name: 'DDMIScheduler' })).toThrow(/did you mean 'DDIMScheduler'/);
    expect(read({ _class_name: 'DDMIScheduler' })).toThrow(ConfigError);
  });

  it('says where the job of other schedulers is done', () => {
    expect(read({ _class_name: 'RePaintScheduler' })).toThrow(/use repaint\(\)/);
    expect(read({ _class_name: 'AmusedScheduler' })).toThrow(/discrete tokens/);
  });

  it('needs an object with a class name', () => {
    expect(read(null)).toThrow(/JSON object/);
    expect(read([])).toThrow(/JSON object/);
    expect(read({})).toThrow(/_class_name/);
  });

  it('refuses an unknown choice with the nearest', () => {
    expect(read({ _class_name: 'DDIMScheduler', beta_schedule: 'scaled_liner' })).toThrow(
      /did you mean 'scaled_linear'/,
    );
  });

  it('refuses an option of the wrong type', () => {
    expect(read({ _class_name: 'DDIMScheduler', num_train_timesteps: 'many' })).toThrow(
      /num_train_timesteps.*expected a number/,
    );
    expect(read({ _class_name: 'DDIMScheduler', clip_sample: null })).toThrow(/clip_sample is null/);
  });

  it('refuses two spacings of noise levels at once', () => {
    expect(read({ _class_name: 'EulerDiscreteScheduler', use_karras_sigmas: true, use_beta_sigmas: true })).toThrow(
      /use_karras_sigmas and use_beta_sigmas exclude each other/,
    );
  });

  it('refuses DPM-Solver on noise down to zero', () => {
    expect(read({ _class_name: 'DPMSolverMultistepScheduler', algorithm_type: 'dpmsolver' })).toThrow(/sigma_min/);
  });

  it('refuses a terminal shift without flow levels', () => {
    expect(read({ _class_name: 'UniPCMultistepScheduler', shift_terminal: 0.1 })).toThrow(/use_flow_sigmas/);
  });

  it('refuses schedules that diffusers would not load', () => {
    expect(read({ _class_name: 'DDIMScheduler', beta_schedule: 'sigmoid' })).toThrow(/trained_betas/);
  });

  it('refuses to write an option the class does not have', () => {
    expect(() => writeSchedulerConfig('DDIMScheduler', { solver_order: 2 })).toThrow(/has no option 'solver_order'/);
  });

  it('refuses betas outside (0, 1]', () => {
    expect(read({ _class_name: 'DDIMScheduler', beta_start: -0.1 })).toThrow(/betas lie in \(0, 1\]/);
    expect(read({ _class_name: 'DDIMScheduler', num_train_timesteps: 0 })).toThrow(/positive integer/);
  });

  it('refuses dynamic shifting without its amount', () => {
    const plan = fromSchedulerConfig({ _class_name: 'FlowMatchEulerDiscreteScheduler', use_dynamic_shifting: true });
    expect(() => plan.grid({ steps: 4 })).toThrow(/mu/);
  });
});
