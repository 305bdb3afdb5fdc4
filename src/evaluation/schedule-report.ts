/** @file What a scheduler does, in numbers: its process, where it ends, the grid it samples on, the orders and the cost. */
import { dynamicShiftMu } from '../diffusion/gaussian/grids/sigma-grids.ts';
import {
  gridCurves,
  type ProcessCurves,
  processCurves,
  type SamplingPlan,
  SCHEDULER_DEFAULTS,
  type TerminalReport,
  terminalReport,
} from '../diffusion/gaussian/index.ts';
import { percentText } from './pages/numbers.ts';

/** One point of a sampling grid; `order` and `evaluated` concern the step that leaves it. */
export interface GridPoint {
  readonly t: number;
  readonly alpha: number;
  readonly sigma: number;
  readonly snr: number;
  readonly logSnr: number;
  /** Order of the step from here; undefined at the last point. */
  readonly order: number | undefined;
}

/** How far the end of the process is from pure noise, and what to do about it. */
export interface TerminalSummary extends TerminalReport {
  /** E[x₀²] that the divergence was taken for. */
  readonly dataPower: number;
  readonly remedy: string | undefined;
}

/** Everything `inkwash explain` says of a scheduler. Ratios are infinite at clean data. */
export interface ScheduleReport {
  readonly scheduler: string;
  /** The forward process, e.g. `variance-preserving`. */
  readonly process: string;
  /** β schedule and the like, as the config names them. */
  readonly schedule: string | undefined;
  readonly prediction: string;
  /** First and last time of the process. */
  readonly times: readonly [start: number, end: number];
  readonly stochastic: boolean;
  /** Highest order of a step. */
  readonly order: number;
  readonly steps: number;
  /** Runs of the network for one batch. */
  readonly evaluations: number;
  readonly curves: ProcessCurves;
  readonly grid: readonly GridPoint[];
  readonly terminal: TerminalSummary;
  /** Facts that spoil pictures, each with its remedy. */
  readonly warnings: readonly string[];
  /** Keys of the config that nothing reads. */
  readonly unknownKeys: readonly string[];
}

/** Options of `scheduleReport`. */
export interface ScheduleReportOptions {
  /** Steps of the grid. Default: 2 or 4 for distilled schedulers, else 50. */
  readonly steps?: number | undefined;
  /** Mean square E[x₀²] of the data. Default 1. */
  readonly dataPower?: number | undefined;
  /** Points of the curves. */
  readonly resolution?: number;
}

/** Steps of networks distilled to a few. */
const DISTILLED: Readonly<Record<string, number>> = {
  LCMScheduler: 4,
  TCDScheduler: 4,
  SCMScheduler: 4,
  FlowMatchLCMScheduler: 4,
  FlowMapEulerDiscreteScheduler: 4,
  PiflowScheduler: 4,
  HeliosDMDScheduler: 4,
  ConsistencyDecoderScheduler: 2,
  CMStochasticIterativeScheduler: 2,
};

/** An SNR that can be seen in pictures. */
const VISIBLE_SNR = 1e-3;

/** Describes how `plan` samples. Throws `ConfigError` when `steps` is impossible. */
export function scheduleReport(
  plan: SamplingPlan,
  { steps, dataPower = 1, resolution = 201 }: ScheduleReportOptions = {},
): ScheduleReport {
  const { className, options, unknownKeys } = plan.config;
  const count = steps ?? DISTILLED[className] ?? 50;
  const grid = plan.grid({
    steps: count,
    // the largest picture it is tuned for, where the shift depends on the size
    ...(options.use_dynamic_shifting && { mu: dynamicShiftMu(options.max_image_seq_len) }),
    // of a pyramid, the stage that starts from noise
    ...(options.stages > 1 && { stage: 0 }),
  });
  const { snr, logSnr } = gridCurves(grid);
  const orders = plan.orders(grid);
  const terminal = terminalReport(plan.process, { dataPower });
  const points = grid.map((point, i) => ({ ...point, snr: snr[i]!, logSnr: logSnr[i]!, order: orders[i] }));
  return {
    scheduler: className,
    process: plan.process.name,
    schedule: scheduleName(plan),
    prediction: predictionOf(plan),
    times: [plan.process.start, plan.process.end],
    stochastic: plan.stochastic,
    order: Math.max(...orders),
    steps: grid.length - 1,
    evaluations: plan.evaluations(grid),
    curves: processCurves(plan.process, resolution),
    grid: points,
    terminal: {
      ...terminal,
      dataPower,
      remedy: terminal.warning === undefined ? undefined : terminalRemedy(plan),
    },
    warnings: warningsOf(plan, points, terminal),
    unknownKeys,
  };
}

function has(plan: SamplingPlan, option: string): boolean {
  return Object.hasOwn(SCHEDULER_DEFAULTS[plan.config.className], option);
}

/** What the network predicts; some classes have no option for it. */
function predictionOf({ reading, config }: SamplingPlan): string {
  const { prediction = 'epsilon', predictionName = config.options.prediction_type } = reading;
  return typeof prediction === 'string' ? prediction : predictionName;
}

function scheduleName(plan: SamplingPlan): string | undefined {
  const { options } = plan.config;
  if (plan.process.name === 'rectified-flow') {
    const shift = options.use_flow_sigmas ? options.flow_shift : options.shift;
    return options.use_dynamic_shifting ? 'shift by picture size' : `shift ${shift}`;
  }
  if (!has(plan, 'beta_schedule')) return undefined;
  if (options.trained_betas !== null) return 'trained betas';
  const { beta_schedule: name, beta_start: start, beta_end: end, rescale_betas_zero_snr: rescaled } = options;
  const betas = name === 'squaredcos_cap_v2' ? name : `${name} β ${start} … ${end}`;
  return rescaled ? `${betas}, rescaled to zero terminal SNR` : betas;
}

function terminalRemedy(plan: SamplingPlan): string {
  if (plan.process.name === 'variance-preserving') {
    const flow = 'train with rescale_betas_zero_snr: true and prediction_type: v_prediction';
    return `${flow}, and sample with timestep_spacing: trailing, so that the first step starts from that noise`;
  }
  return 'train up to a larger σ: raise sigma_max';
}

function warningsOf(plan: SamplingPlan, grid: readonly GridPoint[], terminal: TerminalReport): string[] {
  const { options } = plan.config;
  const warnings: string[] = [];
  const noisiest = grid.reduce((a, b) => (b.snr < a.snr ? b : a));
  if (terminal.warning !== undefined) {
    const leak = percentText(terminal.signalLeak);
    warnings.push(
      `terminal SNR is ${short(terminal.snr)}, not near zero: ${leak} of the picture is left in the noise that sampling ` +
        `takes for pure (washed-out or medium-bright pictures, Lin et al. 2023); ${terminalRemedy(plan)}`,
    );
  }
  if (noisiest.snr > VISIBLE_SNR && noisiest.snr > 1.2 * terminal.snr) {
    const spacing = has(plan, 'timestep_spacing') && options.timestep_spacing !== 'trailing';
    warnings.push(
      `the grid starts at t = ${short(noisiest.t)}, where SNR is ${short(noisiest.snr)} and not the ${short(terminal.snr)} of ` +
        `the end: the first step is told that its pure noise holds a picture; ` +
        (spacing ? 'set timestep_spacing: trailing' : 'take more steps, or start at the last time'),
    );
  }
  if (options.rescale_betas_zero_snr && options.prediction_type === 'epsilon') {
    warnings.push(
      'at zero SNR the noise is all there is, and predicting it says nothing of the picture; ' +
        'train and sample with prediction_type: v_prediction',
    );
  }
  return warnings;
}

/** Three digits. */
function short(value: number): string {
  return String(Number(value.toPrecision(3)));
}
