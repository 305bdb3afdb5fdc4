/** @file UniPC, DPM-Solver, DEIS and SA-Solver configs: levels σ̂ = σ/α in float32, states in the frame of the process. */
import { ConfigError } from '../../../tensor/index.ts';
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
import { assertSteps, linspace, roundHalfEven } from '../grids/timesteps.ts';
import type { Point, Process } from '../process.ts';
import { rectifiedFlow } from '../processes.ts';
import type { Grid } from '../solver.ts';
import { deis } from '../solvers/deis.ts';
import { dpmSinglestep, singlestepOrders } from '../solvers/dpm-singlestep.ts';
import { type DpmAlgorithm, type DpmSolverType, dpmOrderAllowed, dpmSolver } from '../solvers/dpm-solver.ts';
import { saSolver } from '../solvers/sa-solver.ts';
import { type UnipcType, unipc } from '../solvers/unipc.ts';
import { type GridRequest, multistepOrders, onePerStep, type PlanParts, totalSteps, unitStart } from './plan.ts';
import type { SchedulerOptions } from './read.ts';
import { configProcess, requestedTimesteps, variancePreservingLevel } from './variance-preserving.ts';

/** Where the schedulers differ in how they lay out the same grids. */
interface Layout {
  /** Level after the last evaluation: by `final_sigmas_type`, or the last level repeated. */
  readonly final: 'configured' | 'repeat';
  /** UniPC's own flow levels and its last level under σ spacings. */
  readonly unipc?: boolean;
  /** DPM-Solver multistep keeps fractional times of the cosine schedule before truncating. */
  readonly keepFractions?: boolean;
}

/** Level σ̂ as a point: of the flow, or of the variance-preserving process. */
function pointOf(sigma: number, t: number, flow: boolean): Point {
  if (flow) return { t, alpha: 1 - sigma, sigma };
  const alpha = 1 / Math.sqrt(sigma ** 2 + 1);
  return { t, alpha, sigma: sigma * alpha };
}

/** Descending levels and their times, before the closing level. */
function levels(o: SchedulerOptions, table: SigmaTable, request: GridRequest, layout: Layout): [number, number][] {
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
    const [high, low] = [Math.log(range.sigmaMax), Math.log(range.sigmaMin)];
    const sigmas = linspace(0, 1, steps).map((ramp) => Math.exp(high + ramp * (low - high)));
    return timed(sigmas, o.beta_schedule !== 'squaredcos_cap_v2');
  }
  if (o.use_exponential_sigmas) return timed(exponentialSigmas(steps, range), false);
  if (o.use_beta_sigmas) return timed(betaSigmas(steps, range), false);
  if (o.use_flow_sigmas) return flowLevels(o, steps, request, layout).map(flowTime);
  const times = requestedTimesteps(clippedTraining(o, table), request, { dropLast: true });
  return times.map((t) => [table.sigmaAt(t), t]);
}

/** Training times whose λ lies above `lambda_min_clipped` (the first steps of a cosine schedule are unusable). */
function clippedTraining(o: SchedulerOptions, table: SigmaTable): SchedulerOptions {
  if (o.lambda_min_clipped === Number.NEGATIVE_INFINITY) return o;
  const clipped = table.sigmas.filter((sigma) => -Math.log(sigma) < o.lambda_min_clipped).length;
  return { ...o, num_train_timesteps: o.num_train_timesteps - clipped };
}

function flowLevels(o: SchedulerOptions, steps: number, { sigmas, mu }: GridRequest, layout: Layout): number[] {
  if (o.use_dynamic_shifting && mu === undefined) {
    throw new ConfigError(
      'this scheduler shifts by image size and was given no mu',
      'pass mu, e.g. dynamicShiftMu(tokens)',
    );
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
  const pairs = levels(o, table, request, layout);
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
function multistepParts(o: SchedulerOptions, layout: Layout): Omit<PlanParts, 'solve' | 'order' | 'stochastic'> {
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
      o.use_flow_sigmas
        ? pointOf(ratio / (1 + ratio), (ratio / (1 + ratio)) * o.num_train_timesteps, true)
        : vpLevel(ratio),
    evaluations: onePerStep,
  };
}

/** bh1/bh2/logrho of other families count as `midpoint`, as diffusers maps them. */
const dpmType = (type: string): DpmSolverType => (type === 'heun' ? 'heun' : 'midpoint');
const dpmAlgorithm = (algorithm: string): DpmAlgorithm =>
  algorithm === 'deis' ? 'dpmsolver++' : (algorithm as DpmAlgorithm);

export function dpmMultistepPlan(o: SchedulerOptions): PlanParts {
  const algorithm = dpmAlgorithm(o.algorithm_type);
  return {
    ...multistepParts(o, { final: 'configured', keepFractions: true }),
    solve: (denoise, x, grid, options) =>
      dpmSolver(denoise, x, grid, {
        eta: 1,
        ...definedEta(options.eta),
        ...options,
        order: o.solver_order,
        algorithm,
        solverType: dpmType(o.solver_type),
        lowerOrderFinal: o.lower_order_final && totalSteps(grid, options) < 15,
        eulerAtFinal: o.euler_at_final,
      }),
    orders: dpmOrders(o),
    order: o.solver_order,
    stochastic: algorithm.startsWith('sde'),
  };
}

/** Orders of multistep DPM-Solver on a whole grid. */
export function dpmOrders(o: SchedulerOptions): (grid: Grid) => number[] {
  return (grid) =>
    multistepOrders(grid, (to, left) =>
      dpmOrderAllowed(to, left, {
        order: o.solver_order,
        lowerOrderFinal: o.lower_order_final && grid.length - 1 < 15,
        eulerAtFinal: o.euler_at_final,
      }),
    );
}

/** Orders of methods that use no more nodes than steps are left. */
function taperedOrders(order: number, taper: (grid: Grid) => boolean): (grid: Grid) => number[] {
  return (grid) =>
    multistepOrders(grid, ({ sigma }, left) => (sigma === 0 ? 1 : taper(grid) ? Math.min(order, left) : order));
}

const definedEta = (eta: number | undefined): { eta?: number } => (eta === undefined ? {} : { eta });

export function dpmSinglestepPlan(o: SchedulerOptions): PlanParts {
  const algorithm = dpmAlgorithm(o.algorithm_type) as Exclude<DpmAlgorithm, 'sde-dpmsolver'>;
  return {
    ...multistepParts(o, { final: 'configured' }),
    solve: (denoise, x, grid, options) =>
      dpmSinglestep(denoise, x, grid, {
        ...options,
        order: o.solver_order,
        algorithm,
        solverType: dpmType(o.solver_type) as 'midpoint' | 'heun',
        lowerOrderFinal: o.lower_order_final,
        totalSteps: totalSteps(grid, options),
      }),
    orders: (grid) =>
      singlestepOrders(grid.length - 1, o.solver_order, o.lower_order_final, grid[grid.length - 1]?.sigma === 0),
    order: o.solver_order,
    stochastic: algorithm.startsWith('sde'),
  };
}

export function unipcPlan(o: SchedulerOptions): PlanParts {
  return {
    ...multistepParts(o, { final: 'configured', unipc: true }),
    solve: (denoise, x, grid, options) =>
      unipc(denoise, x, grid, {
        ...options,
        order: o.solver_order,
        type: (o.solver_type === 'bh1' ? 'bh1' : 'bh2') satisfies UnipcType,
        kind: o.predict_x0 ? 'data' : 'noise',
        lowerOrderFinal: o.lower_order_final,
        // diffusers counts the steps of the whole grid
        disableCorrector: o.disable_corrector.map((step) => step - (totalSteps(grid, options) - grid.length + 1)),
      }),
    orders: taperedOrders(o.solver_order, () => o.lower_order_final),
    order: o.solver_order,
    stochastic: false,
  };
}

export function deisPlan(o: SchedulerOptions): PlanParts {
  return {
    ...multistepParts(o, { final: 'repeat' }),
    solve: (denoise, x, grid, options) =>
      deis(denoise, x, grid, {
        ...options,
        order: o.solver_order,
        lowerOrderFinal: o.lower_order_final && totalSteps(grid, options) < 15,
      }),
    orders: taperedOrders(o.solver_order, (grid) => o.lower_order_final && grid.length - 1 < 15),
    order: o.solver_order,
    stochastic: false,
  };
}

export function saSolverPlan(o: SchedulerOptions): PlanParts {
  return {
    ...multistepParts(o, { final: 'repeat' }),
    solve: (denoise, x, grid, options) =>
      saSolver(denoise, x, grid, {
        ...options,
        predictorOrder: o.predictor_order,
        correctorOrder: o.corrector_order,
        kind: o.algorithm_type === 'noise_prediction' ? 'noise' : 'data',
        lowerOrderFinal: o.lower_order_final,
        tau: ({ t }) => (t >= 200 && t <= 800 ? 1 : 0),
      }),
    orders: taperedOrders(o.predictor_order, () => o.lower_order_final),
    order: o.predictor_order,
    stochastic: true,
  };
}

/**
 * DPM-Solver run from data to noise (DDIM inversion at higher order): training steps ascend, the last level is that of
 * the noisiest step. Throws `ConfigError` for σ spacings, whose ascending form in diffusers repeats its end.
 */
export function dpmInversePlan(o: SchedulerOptions): PlanParts {
  if (o.use_karras_sigmas || o.use_exponential_sigmas || o.use_beta_sigmas || o.use_flow_sigmas) {
    throw new ConfigError('the inverse DPM-Solver takes training steps only', 'leave the use_…_sigmas options out');
  }
  const parts = multistepParts(o, { final: 'configured' });
  const table = sigmaTable(configProcess(o));
  return {
    ...parts,
    grid: ({ steps = 50 }) => {
      const clipped = clippedTraining(o, table);
      const noisiest = clipped.num_train_timesteps - 1;
      const times =
        o.timestep_spacing === 'linspace'
          ? linspace(0, noisiest, steps + 1)
              .slice(0, steps)
              .map(roundHalfEven)
          : [...requestedTimesteps(clipped, { steps }, { dropLast: true })].reverse();
      assertSteps(steps, clipped.num_train_timesteps);
      const shifted =
        o.timestep_spacing === 'leading' ? times.map((t) => t - Math.min(...times) + o.steps_offset) : times;
      return [...shifted, noisiest].map((t) => pointOf(Math.fround(table.sigmaAt(t)), t, false));
    },
    solve: (denoise, x, grid, options) =>
      dpmSolver(denoise, x, grid, {
        ...options,
        direction: 'inversion',
        order: o.solver_order,
        algorithm: dpmAlgorithm(o.algorithm_type),
        solverType: dpmType(o.solver_type),
        lowerOrderFinal: o.lower_order_final && totalSteps(grid, options) < 15,
        eulerAtFinal: o.euler_at_final,
      }),
    orders: dpmOrders(o),
    order: o.solver_order,
    stochastic: false,
  };
}
