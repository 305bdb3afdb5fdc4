import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { formatPythonJson, parsePythonJson } from '../../../formats/index.ts';
import { ConfigError } from '../../../tensor/index.ts';
import {
  fromSchedulerConfig,
  noiseSource,
  readSchedulerConfig,
  SCHEDULER_DEFAULTS,
  type SchedulerClass,
  type SchedulerOptions,
  writeSchedulerConfig,
} from '../index.ts';
import { OTHER_SCHEDULERS } from './defaults.ts';

/** Defaults of the classes as diffusers' signatures have them. */
const published = JSON.parse(
  readFileSync(new URL('../../../../test/golden/schedulers/defaults.json', import.meta.url), 'utf8'),
) as { every_class: string[]; classes: Record<SchedulerClass, Record<string, unknown>> };

const CLASSES = Object.keys(SCHEDULER_DEFAULTS) as SchedulerClass[];

/** What diffusers has no default for. */
const PROTEINA = { schedule_mode: 'log', noise_mode: '1/t', tsr_k: 3, tsr_sigma: 1.5 };
const required = (className: SchedulerClass): Partial<SchedulerOptions> =>
  className === 'RFD4ProteinaScheduler' ? PROTEINA : {};

/** The configs of the step-by-step goldens. */
const { cases } = JSON.parse(
  readFileSync(new URL('../../../../test/golden/schedulers/steps.json', import.meta.url), 'utf8'),
) as { cases: { name: string; cls: SchedulerClass; config: Partial<SchedulerOptions> }[] };

// INKWASH_PYTHON names a Python that has the packages of tools/oracle/requirements.txt
const python = process.env.INKWASH_PYTHON;

describe('scheduler configs', () => {
  it('know every scheduler of diffusers: built, or refused with a reason', () => {
    expect([...CLASSES, ...Object.keys(OTHER_SCHEDULERS)].sort()).toEqual(published.every_class);
  });

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
    const json = JSON.parse(JSON.stringify(writeSchedulerConfig(className, required(className))));
    const { options, unknownKeys } = readSchedulerConfig(json);
    expect(unknownKeys).toEqual([]);
    expect(options).toEqual(readSchedulerConfig({ _class_name: className, ...required(className) }).options);
  });

  it.skipIf(!python)(
    'are loaded by diffusers with every option as it was saved',
    () => {
      const saved = [
        ...CLASSES.map((className) => writeSchedulerConfig(className, required(className))),
        ...cases.map(({ cls, config }) => writeSchedulerConfig(cls, config)),
      ];
      const input = formatPythonJson(saved);
      const { stdout, stderr } = spawnSync(python!, ['tools/oracle/scheduler_load.py'], { input, encoding: 'utf8' });
      const loaded = parsePythonJson(stdout || JSON.stringify(stderr)) as Record<string, unknown>[];
      expect(loaded).toHaveLength(saved.length);
      loaded.forEach((options, i) => {
        const { _class_name, _diffusers_version, ...ours } = saved[i]!;
        expect({ _class_name, ...options }).toEqual({ _class_name, ...options, ...ours });
      });
    },
    120_000,
  );

  it('keeps the options that LTX hands on to its grid', () => {
    const config = { _class_name: 'LTXEulerAncestralRFScheduler', shift: 3, use_karras_sigmas: true, beta_end: 0.1 };
    expect(readSchedulerConfig(config)).toMatchObject({
      unknownKeys: [],
      options: { shift: 3, use_karras_sigmas: true },
    });
    const { _class_name, beta_end: _, ...options } = config;
    expect(writeSchedulerConfig('LTXEulerAncestralRFScheduler', options)).toMatchObject({ ...options, eta: 1 });
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

  it('writes the infinities that diffusers writes', () => {
    const text = formatPythonJson(writeSchedulerConfig('DPMSolverMultistepScheduler'));
    expect(text).toContain('"lambda_min_clipped": -Infinity,');
    expect(readSchedulerConfig(parsePythonJson(text))).toMatchObject({
      unknownKeys: [],
      options: { lambda_min_clipped: Number.NEGATIVE_INFINITY },
    });
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

  it('asks for what diffusers demands', () => {
    const { tsr_k: _, ...partial } = PROTEINA;
    expect(read({ _class_name: 'RFD4ProteinaScheduler', ...partial })).toThrow(/needs tsr_k, a number/);
    expect(read({ _class_name: 'RFD4ProteinaScheduler', ...PROTEINA, noise_mode: 'cot' })).toThrow(/noise_mode/);
    expect(() => writeSchedulerConfig('RFD4ProteinaScheduler', partial)).toThrow(/needs tsr_k/);
  });

  it('asks a run for what no config carries', async () => {
    const x = new Float32Array(8);
    const run = (_class_name: SchedulerClass, options = {}) => {
      const plan = fromSchedulerConfig({ _class_name, ...options });
      return plan.solve(
        plan.denoiser((state) => state),
        x,
        plan.grid({ steps: 4 }),
        { noise: noiseSource('philox', 1) },
      );
    };
    await expect(async () => run('RePaintScheduler')).rejects.toThrow(/known: \{ x0, mask \}/);
    expect(() => run('PiflowScheduler')).toThrow(/lastAxis/);
    const growing = (scale_factors: number[]) => run('FlowMatchLCMScheduler', { scale_factors });
    await expect(async () => growing([1, 1, 2])).rejects.toThrow(/pass enlarge/);
    await expect(async () => growing([1, 2])).rejects.toThrow(/2 sizes for 4 steps[\s\S]*ask for 3 steps/);
    expect(() => run('HeliosScheduler')).toThrow(/stage: 0 … 2[\s\S]*enterStage/);
    expect(() => run('ConsistencyDecoderScheduler')).toThrow(/takes 2 steps, got 4/);
    expect(() => run('HeliosDMDScheduler', { stages: 1, use_dynamic_shifting: true })).toThrow(/given no mu/);
  });

  it('refuses inverted levels where noise is drawn', () => {
    const inverted = { invert_sigmas: true, stochastic_sampling: true };
    for (const _class_name of ['FlowMatchEulerDiscreteScheduler', 'FlowMatchLCMScheduler']) {
      expect(read({ _class_name, ...inverted })).toThrow(/invert_sigmas works with the deterministic/);
    }
  });

  it('refuses to invert flow levels by DPM-Solver', () => {
    const inverse = { _class_name: 'DPMSolverMultistepInverseScheduler' };
    expect(read({ ...inverse, use_flow_sigmas: true })).toThrow(/does not invert flows[\s\S]*ddimInversion/);
    const plan = fromSchedulerConfig({ ...inverse, use_karras_sigmas: true });
    expect(() => plan.grid({ steps: 1 })).toThrow(/2 steps or more/);
  });

  it('refuses pyramids and policies that cannot be', () => {
    const stages = (config: object) => {
      const plan = fromSchedulerConfig({ _class_name: 'HeliosScheduler', ...config });
      return () => plan.grid({ steps: 4, stage: 0 });
    };
    expect(stages({ stages: 2 })).toThrow(/4 bounds for 2 stages/);
    expect(stages({ stages: 2, stage_range: [0, 0.5, 0.5] })).toThrow(/ascends/);
    expect(stages({ gamma: 0.5 })).toThrow(/gamma lies in/);
    expect(read({ _class_name: 'HeliosScheduler', scheduler_type: 'dmd' })).toThrow(/HeliosDMDScheduler/);
    expect(read({ _class_name: 'HeliosScheduler', shift: 3, use_dynamic_shifting: true })).toThrow(
      /exclude each other/,
    );
    expect(read({ _class_name: 'PiflowScheduler', n_grid: 1 })).toThrow(/n_grid is at least 2/);
  });

  it('refuses dynamic shifting without its amount', () => {
    const plan = fromSchedulerConfig({ _class_name: 'FlowMatchEulerDiscreteScheduler', use_dynamic_shifting: true });
    expect(() => plan.grid({ steps: 4 })).toThrow(/mu/);
  });
});
