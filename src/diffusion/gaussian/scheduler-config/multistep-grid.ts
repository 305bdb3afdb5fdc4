/** @file What UniPC, DPM-Solver, DEIS and SA-Solver configs share: levels σ̂ = σ/α in float32, states in the frame of the process. */
import { ConfigError } from '../../../tensor/index.ts';
import { linspace, logFloat32, roundHalfEven } from '../grids/numpy.ts';
import {
  betaSigmas,
  exponentialSigmas,
  karrasSigmas,
  type SigmaRange,
  shiftFlowSigma,
  stretchToTerminal,
  timeShift,
} from '../grids/sigma-grids.ts';
import { type SigmaTable, sigmaTable } from '../grids/sigma-table.ts';
import { assertSteps } from '../grids/timesteps.ts';
import type { Point, Process } from '../process.ts';
import { flowLevel, rectifiedFlow } from '../processes.ts';
import type { Grid } from '../solver.ts';
import { type GridRequest, onePerStep, type PlanParts, unitStart } from './plan.ts';
import type { SchedulerOptions } from './read.ts';
import { configProcess, requestedTimesteps, variancePreservingLevel } from './variance-preserving.ts';

/** Where the schedulers differ in how they lay out the same grids. */
export interface Layout {
  /** Level after the last evaluation: by `final_sigmas_type`, or the last level repeated. */
  readonly final: 'configured' | 'repeat';
  /** UniPC's own flow levels and its last level under σ spacings. */
  readonly unipc?: boolean;
  /** DPM-Solver multistep keeps fractional times of the cosine schedule before truncating. */
  readonly keepFractions?: boolean;
}

/** Level σ̂ as a point: of the flow, or of the variance-preserving process. */
export function pointOf(sigma: number, t: number, flow: boolean): Point {
  if (flow) return { t, alpha: 1 - sigma, sigma };
  const alpha = 1 / Math.sqrt(sigma ** 2 + 1);
  return { t, alpha, sigma: sigma * alpha };
}

/** Descending levels and their times, before the closing level. */
export function multistepLevels(
  o: SchedulerOptions,
  table: SigmaTable,
  request: GridRequest,
  layout: Layout,
): [number, number][] {
  const spaced = o.use_karras_sigmas || o.use_exponential_sigmas || o.use_beta_sigmas;
  if (spaced && request.sigmas !== undefined) {
    throw new ConfigError(
      'sigmas of your own and levels spaced by the config exclude each other',
      'leave the sigmas out, or set use_karras_sigmas, use_exponential_sigmas and use_beta_sigmas to false',
    );
  }
  const steps = request.timesteps?.length ?? request.sigmas?.length ?? request.steps ?? 50;
  assertSteps(steps, o.num_train_timesteps);
  const range: SigmaRange = {
    sigmaMin: o.sigma_min ?? table.sigmas[0]!,
    sigmaMax: o.sigma_max ?? table.sigmas[table.sigmas.length - 1]!,
  };
  const timed = (sigmas: number[], round: boolean): [number, number][] =>
    sigmas.map((sigma) => {
      const t = table.timeOf(sigma);
      return [sigma, Math.trunc(round ? roundHalfEven(t) : t)];
    });
  const flowTime = (sigma: number): [number, number] => [sigma, Math.trunc(sigma * o.num_train_timesteps)];
  if (o.use_karras_sigmas) {
    const sigmas = karrasSigmas(steps, range);
    if (layout.unipc && o.use_flow_sigmas) return sigmas.map((sigma) => flowTime(sigma / (sigma + 1)));
    return timed(sigmas, !(layout.keepFractions && o.beta_schedule === 'squaredcos_cap_v2'));
  }
  if (o.use_lu_lambdas) {
    const [high, low] = [logFloat32(range.sigmaMax), logFloat32(range.sigmaMin)];
    const sigmas = linspace(0, 1, steps).map((ramp) => Math.exp(high + ramp * (low - high)));
    return timed(sigmas, o.beta_schedule !== 'squaredcos_cap_v2');
  }
  if (o.use_exponential_sigmas) return timed(exponentialSigmas(steps, range), false);
  if (o.use_beta_sigmas) return timed(betaSigmas(steps, range), false);
  if (o.use_flow_sigmas) return flowLevels(o, steps, request, layout).map(flowTime);
  const times = requestedTimesteps(o, request, { dropLast: true, skipNoisiest: unusableSteps(o, table) });
  return times.map((t) => [table.sigmaAt(t), t]);
}

/** Training steps whose λ lies below `lambda_min_clipped` (the noisiest ones of a cosine schedule are unusable). */
export function unusableSteps(o: SchedulerOptions, table: SigmaTable): number {
  return table.sigmas.filter((sigma) => -Math.log(sigma) < o.lambda_min_clipped).length;
}

function flowLevels(o: SchedulerOptions, steps: number, { sigmas, mu }: GridRequest, layout: Layout): number[] {
  if (o.use_dynamic_shifting && mu === undefined) {
    throw new ConfigError('this scheduler shifts by image size and was given no mu', {
      api: 'pass mu, e.g. dynamicShiftMu(tokens)',
      cli: 'set use_dynamic_shifting to false in its config, and shift to that of its pictures',
    });
  }
  const smallest = 1 / o.num_train_timesteps;
  if (!layout.unipc) {
    const shift = mu === undefined ? o.flow_shift : Math.exp(mu);
    const plain = linspace(1, smallest, steps + 1).map((alpha) => shiftFlowSigma(1 - alpha, shift));
    return plain.reverse().slice(0, steps);
  }
  const given = sigmas ?? linspace(1, smallest, steps + 1).slice(0, steps);
  let shifted = given.map((sigma) =>
    mu === undefined
      ? shiftFlowSigma(sigma, o.flow_shift)
      : timeShift(sigma, mu, o.time_shift_type as 'exponential' | 'linear'),
  );
  if (o.shift_terminal !== null) shifted = stretchToTerminal(shifted, o.shift_terminal);
  // λ is infinite at σ = 1
  if (Math.abs(shifted[0]! - 1) < 1e-6) shifted[0] = shifted[0]! - 1e-6;
  return shifted;
}

function multistepGrid(o: SchedulerOptions, table: SigmaTable, request: GridRequest, layout: Layout): Grid {
  const spaced = o.use_karras_sigmas || o.use_exponential_sigmas || o.use_beta_sigmas || o.use_flow_sigmas;
  const pairs = multistepLevels(o, table, request, layout);
  const lastSpaced = pairs[pairs.length - 1]![0];
  let final: number;
  if (layout.final === 'repeat') final = spaced ? lastSpaced : table.sigmas[0]!;
  else if (o.final_sigmas_type === 'zero') final = 0;
  else final = layout.unipc && spaced ? lastSpaced : table.sigmas[0]!;
  const all: [number, number][] = [...pairs, [final, -1]];
  return all.map(([sigma, t]) => pointOf(Math.fround(sigma), t, o.use_flow_sigmas));
}

/** ᾱ that zero-SNR rescaling leaves at the last step in solvers that divide by α. */
export const ZERO_SNR_FLOOR = 2 ** -24;

/** Shared parts of the four families. */
export function multistepParts(o: SchedulerOptions, layout: Layout): Omit<PlanParts, 'solve' | 'order' | 'stochastic'> {
  const trained = configProcess(o, ZERO_SNR_FLOOR);
  const table = sigmaTable(trained);
  const process: Process = o.use_flow_sigmas ? rectifiedFlow({ scale: o.num_train_timesteps }) : trained;
  const vpLevel = variancePreservingLevel(trained);
  return {
    process,
    reading: { prediction: o.prediction_type, consistent: o.thresholding && !layout.unipc },
    grid: (request) => multistepGrid(o, table, request, layout),
    initialScale: unitStart,
    level: (ratio) =>
      o.use_flow_sigmas ? pointOf(flowLevel(ratio), flowLevel(ratio) * o.num_train_timesteps, true) : vpLevel(ratio),
    evaluations: onePerStep,
  };
}
