import { describe, expect, it } from 'vitest';
import { fromSchedulerConfig, SCHEDULER_DEFAULTS } from '../diffusion/gaussian/index.ts';
import { ConfigError } from '../tensor/index.ts';
import { schedulePage, scheduleSvg } from './pages/schedule-page.ts';
import { scheduleReport as reportOf, type ScheduleReportOptions } from './schedule-report.ts';

const scheduleReport = (json: unknown, options?: ScheduleReportOptions) => reportOf(fromSchedulerConfig(json), options);

const STABLE_DIFFUSION = {
  _class_name: 'DDIMScheduler',
  beta_schedule: 'scaled_linear',
  beta_start: 0.00085,
  beta_end: 0.012,
  clip_sample: false,
  set_alpha_to_one: false,
  steps_offset: 1,
};

const CONFIGS = Object.keys(SCHEDULER_DEFAULTS).map((_class_name) => ({
  _class_name,
  // what the class has no default for
  ...(_class_name === 'RFD4ProteinaScheduler' && { schedule_mode: 'log', noise_mode: 'tan', tsr_k: 2, tsr_sigma: 1 }),
}));

describe('the report of a scheduler', () => {
  it.each(CONFIGS)('describes $_class_name', (config) => {
    const report = scheduleReport(config, { resolution: 11 });
    expect(report.steps).toBeGreaterThan(0);
    expect(report.evaluations).toBeGreaterThanOrEqual(report.steps);
    expect(report.grid).toHaveLength(report.steps + 1);
    expect(report.grid.at(-1)!.order).toBeUndefined();
    expect(report.curves.t).toHaveLength(11);
    expect(report.terminal.klPerDimension).toBeGreaterThanOrEqual(0);
  });

  it('knows how much of the picture Stable Diffusion leaves in its last step', () => {
    const { terminal, warnings } = scheduleReport(STABLE_DIFFUSION);
    // √ᾱ_T = 0.0682…, the value Lin et al. 2023 give
    expect(terminal.signalLeak).toBeCloseTo(0.0684, 3);
    const [alpha2, sigma2] = [terminal.snr / (1 + terminal.snr), 1 / (1 + terminal.snr)];
    expect(terminal.klPerDimension).toBeCloseTo(0.5 * (sigma2 + alpha2 - 1 - Math.log(sigma2)), 8);
    expect(warnings[0]).toMatch(/terminal SNR is 0\.00468.*rescale_betas_zero_snr: true.*timestep_spacing: trailing/);
    expect(warnings[1]).toMatch(/starts at t = 981.*set timestep_spacing: trailing/);
  });

  it('has nothing to warn of once the remedy is taken', () => {
    const cured = {
      ...STABLE_DIFFUSION,
      rescale_betas_zero_snr: true,
      prediction_type: 'v_prediction',
      timestep_spacing: 'trailing',
    };
    const report = scheduleReport(cured);
    expect(report.warnings).toEqual([]);
    expect(report.terminal.snr).toBe(0);
    expect(report.schedule).toContain('rescaled to zero terminal SNR');
  });

  it.each([
    ['EDMEulerScheduler', 'edm'],
    ['CMStochasticIterativeScheduler', 'consistency'],
    ['ConsistencyDecoderScheduler', 'edm'],
    ['KarrasVeScheduler', 'scaled_score'],
    ['ScoreSdeVeScheduler', 'score'],
  ])('names what the network of %s predicts: %s', (_class_name, prediction) => {
    expect(scheduleReport({ _class_name }).prediction).toBe(prediction);
  });

  it('warns of predicting noise where noise is all there is', () => {
    const half = { ...STABLE_DIFFUSION, rescale_betas_zero_snr: true, timestep_spacing: 'trailing' };
    expect(scheduleReport(half).warnings.join()).toMatch(/v_prediction/);
  });

  it('takes the divergence for the data it is given', () => {
    const [dark, bright] = [0.1, 0.9].map((dataPower) => scheduleReport(STABLE_DIFFUSION, { dataPower }).terminal);
    expect(bright!.klPerDimension).toBeGreaterThan(dark!.klPerDimension);
  });

  it('counts evaluations and orders as the plan spends them', () => {
    const heun = scheduleReport({ _class_name: 'HeunDiscreteScheduler' }, { steps: 6 });
    expect([heun.steps, heun.evaluations]).toEqual([6, 11]);
    const third = scheduleReport({ _class_name: 'DPMSolverMultistepScheduler', solver_order: 3 }, { steps: 6 });
    expect(third.grid.map(({ order }) => order)).toEqual([1, 2, 3, 3, 2, 1, undefined]);
    expect(third.order).toBe(3);
  });

  it('names keys that nothing reads, and refuses impossible steps', () => {
    expect(scheduleReport({ ...STABLE_DIFFUSION, colour: 'red' }).unknownKeys).toEqual(['colour']);
    expect(() => scheduleReport(STABLE_DIFFUSION, { steps: 2000 })).toThrow(ConfigError);
  });
});

describe('the page of a report', () => {
  it.each(CONFIGS)('draws $_class_name without a number that is none', (config) => {
    const page = schedulePage(scheduleReport(config), config._class_name);
    expect(page).not.toMatch(/NaN|undefined|Infinity/);
    expect(page.match(/<svg /g)).toHaveLength(3);
    expect(page).not.toMatch(/(?:src|href)="(?!data:)/);
  });

  it('makes one SVG of all plots', () => {
    const svg = scheduleSvg(scheduleReport(STABLE_DIFFUSION));
    expect(svg.startsWith('<svg xmlns="http://www.w3.org/2000/svg"')).toBe(true);
    expect(svg.match(/<svg /g)).toHaveLength(4);
    expect(svg.match(/<\/svg>/g)).toHaveLength(4);
  });
});
