/** @file Flow-matching, LTX, sCM and iPNDM configs. */
import { ConfigError } from '../../../tensor/index.ts';
import { linspace } from '../grids/numpy.ts';
import {
  betaSigmas,
  exponentialSigmas,
  karrasSigmas,
  shiftFlowSigma,
  stretchToTerminal,
  timeShift,
} from '../grids/sigma-grids.ts';
import { assertSteps } from '../grids/timesteps.ts';
import type { Point } from '../process.ts';
import { cosineProcess, dataTimeFlow, flowLevel, rectifiedFlow, trigFlow } from '../processes.ts';
import type { Grid } from '../solver.ts';
import { consistency, flowEulerAncestral } from '../solvers/consistency.ts';
import { euler } from '../solvers/euler.ts';
import { ipndm } from '../solvers/linear-multistep.ts';
import { heun } from '../solvers/second-order.ts';
import type { State } from '../state.ts';
import {
  type GridRequest,
  multistepOrders,
  onePerStep,
  type PlanParts,
  type RunOptions,
  totalSteps,
  unitStart,
} from './plan.ts';
import type { SchedulerOptions } from './read.ts';

const f = Math.fround;

/** Descending flow levels σ ∈ (0, 1] of a request, shifted and respaced as the config says. */
function flowSigmas(o: SchedulerOptions, { steps = 50, sigmas, timesteps, mu }: GridRequest): number[] {
  const train = o.num_train_timesteps;
  if (sigmas === undefined && timesteps === undefined) assertSteps(steps, train);
  if (o.use_dynamic_shifting && mu === undefined) {
    throw new ConfigError('this scheduler shifts by image size and was given no mu', {
      api: 'pass mu, e.g. dynamicShiftMu(tokens)',
      cli: 'set use_dynamic_shifting to false in its config, and shift to that of its pictures',
    });
  }
  // the ends of the training levels are already shifted once, in float32
  const end = (sigma: number) =>
    o.use_dynamic_shifting ? f(sigma) : f(f(o.shift * sigma) / f(1 + f((o.shift - 1) * sigma)));
  const given =
    sigmas?.map(f) ??
    timesteps?.map((t) => f(f(t) / train)) ??
    linspace(end(1) * train, end(f(1 / train)) * train, steps).map((t) => t / train);
  let levels = given.map((sigma) =>
    o.use_dynamic_shifting && mu !== undefined
      ? timeShift(sigma, mu, o.time_shift_type as 'exponential' | 'linear')
      : shiftFlowSigma(sigma, o.shift),
  );
  if (o.shift_terminal !== null) levels = stretchToTerminal(levels, o.shift_terminal);
  const range = { sigmaMin: o.sigma_min ?? levels[levels.length - 1]!, sigmaMax: o.sigma_max ?? levels[0]! };
  if (o.use_karras_sigmas) return karrasSigmas(levels.length, range);
  if (o.use_exponential_sigmas) return exponentialSigmas(levels.length, range);
  if (o.use_beta_sigmas) return betaSigmas(levels.length, range);
  return levels;
}

function flowParts(o: SchedulerOptions): Omit<PlanParts, 'solve' | 'order' | 'stochastic' | 'evaluations'> {
  const train = o.num_train_timesteps;
  if (o.invert_sigmas) return invertedParts(o);
  const point = (sigma: number, t = f(sigma * train)): Point => ({ t, alpha: 1 - sigma, sigma });
  return {
    process: rectifiedFlow({ scale: train }),
    reading: { prediction: 'flow_prediction' },
    grid: (request): Grid => [
      ...flowSigmas(o, request).map((sigma, i) => point(f(sigma), request.timesteps?.[i])),
      { t: 0, alpha: 1, sigma: 0 },
    ],
    level: (ratio) => point(flowLevel(ratio)),
    initialScale: unitStart,
  };
}

/** The same levels for models with data at time 1 (Mochi), whose velocity points to it: time is the share of data. */
function invertedParts(o: SchedulerOptions): ReturnType<typeof flowParts> {
  const train = o.num_train_timesteps;
  const point = (alpha: number): Point => ({ t: f(alpha * train), alpha, sigma: 1 - alpha });
  return {
    process: dataTimeFlow({ scale: train }),
    reading: { prediction: 'reverse_flow' },
    grid: (request): Grid => [...flowSigmas(o, request).map((sigma) => point(f(1 - f(sigma)))), point(1)],
    level: (ratio) => point(1 - flowLevel(ratio)),
    initialScale: unitStart,
  };
}

/** Throws `ConfigError` for inverted levels in a solver that draws noise: diffusers would take the noise for the data. */
function refuseInverted(o: SchedulerOptions): void {
  if (!o.invert_sigmas) return;
  throw new ConfigError(
    'invert_sigmas works with the deterministic FlowMatchEulerDiscreteScheduler only',
    'set stochastic_sampling or invert_sigmas to false',
  );
}

export function flowEulerPlan(o: SchedulerOptions): PlanParts {
  if (o.stochastic_sampling) refuseInverted(o);
  return {
    ...flowParts(o),
    solve: (denoise, x, grid, options) =>
      o.stochastic_sampling ? consistency(denoise, x, grid, options) : euler(denoise, x, grid, options),
    order: 1,
    stochastic: o.stochastic_sampling,
    evaluations: onePerStep,
  };
}

export function flowHeunPlan(o: SchedulerOptions): PlanParts {
  return {
    ...flowParts(o),
    solve: async (denoise, x, grid, options) => {
      if ((options.sChurn ?? 0) > 0) {
        throw new ConfigError(
          'churn raises σ and leaves the signal as it is, which leads off the path of a flow',
          'leave sChurn out, or sample with FlowMatchEulerDiscreteScheduler and stochastic_sampling',
        );
      }
      return heun(denoise, x, grid, options);
    },
    order: 2,
    stochastic: false,
    evaluations: (grid) => 2 * (grid.length - 1) - 1,
  };
}

/** How x̂₀ grows from step to step by `scale_factors`. */
function enlargement(o: SchedulerOptions, grid: Grid, enlarge: RunOptions['enlarge'], options: RunOptions) {
  const factors = o.scale_factors ?? [];
  const steps = totalSteps(grid, options);
  if (factors.length !== steps - 1) {
    throw new ConfigError(
      `scale_factors has ${factors.length} sizes for ${steps} steps`,
      `ask for ${factors.length + 1} steps: the last one keeps its size`,
    );
  }
  if (enlarge === undefined) {
    throw new ConfigError('scale_factors change the size of the state, whose layout the solver does not know', {
      api: 'pass enlarge: (x0, { factor, mode }) => State to the run',
    });
  }
  const done = steps - (grid.length - 1);
  return (x0: State, step: number): State => {
    const factor = factors[done + step];
    return factor === undefined ? x0 : enlarge(x0, { factor, mode: o.upscale_mode });
  };
}

/** Flow LCM; with `scale_factors` every step but the last enlarges x̂₀ (scale-wise distillation, Starodubcev et al. 2025). */
export function flowLcmPlan(o: SchedulerOptions): PlanParts {
  refuseInverted(o);
  return {
    ...flowParts(o),
    solve: async (denoise, x, grid, { enlarge, ...options }) => {
      const resize = o.scale_factors?.length ? enlargement(o, grid, enlarge, options) : undefined;
      return consistency(denoise, x, grid, { ...options, resize });
    },
    order: 1,
    stochastic: true,
    evaluations: onePerStep,
  };
}

/**
 * LTX's Euler ancestral. Its grid is that of flow-match Euler, whose options it keeps in its config; levels given outright
 * (`sigmas`, or `timesteps` in the same unit) are used as they are and include the closing one.
 */
export function ltxEulerAncestralPlan(o: SchedulerOptions): PlanParts {
  refuseInverted(o);
  const parts = flowParts(o);
  return {
    ...parts,
    grid: (request) => {
      const given = request.sigmas ?? request.timesteps;
      if (given === undefined) return parts.grid(request);
      return given.map(f).map((sigma) => ({ t: f(sigma * o.num_train_timesteps), alpha: 1 - sigma, sigma }));
    },
    solve: (denoise, x, grid, { eta = o.eta, ...options }) =>
      flowEulerAncestral(denoise, x, grid, { ...options, eta, noiseScale: o.s_noise }),
    order: 1,
    stochastic: o.eta > 0 && o.s_noise > 0,
    evaluations: onePerStep,
  };
}

/** sCM (Lu & Song 2024) on TrigFlow: the angles π/2 → 1.3 → 0 by default, or a straight line of `steps` angles. */
export function scmPlan(o: SchedulerOptions): PlanParts {
  const point = (t: number): Point => ({ t, alpha: Math.cos(t), sigma: Math.sin(t) });
  return {
    process: trigFlow(),
    reading: { prediction: 'v_prediction' },
    grid: ({ steps = 2, timesteps }) => {
      if (timesteps === undefined) assertSteps(steps, o.num_train_timesteps);
      const angles = timesteps ?? (steps === 2 ? [1.5708, 1.3, 0] : linspace(1.5708, 0, steps + 1));
      return angles.map((t) => (t === 0 ? { t, alpha: 1, sigma: 0 } : point(f(t))));
    },
    solve: (denoise, x, grid, options) => consistency(denoise, x, grid, { ...options, noiseScale: o.sigma_data }),
    level: (ratio) => point(Math.atan(ratio)),
    initialScale: () => o.sigma_data,
    order: 1,
    stochastic: true,
    evaluations: onePerStep,
  };
}

/** iPNDM: v-prediction on the cosine process, with `σ = sin²(πu/2)` for u falling linearly from 1 to 0. */
export function ipndmPlan(o: SchedulerOptions): PlanParts {
  const pointOf = (sigma: number): Point => {
    const alpha = f(Math.sqrt(f(1 - f(sigma * sigma))));
    return { t: f((f(Math.atan2(sigma, alpha)) / Math.PI) * 2), alpha, sigma };
  };
  return {
    process: cosineProcess(),
    reading: { prediction: 'v_prediction' },
    grid: ({ steps = 50 }) => {
      assertSteps(steps);
      const sigmas = o.trained_betas ?? linspace(1, 0, steps + 1).map((t) => f(Math.sin(f((f(t) * Math.PI) / 2))) ** 2);
      return sigmas.map((sigma) => pointOf(f(sigma)));
    },
    solve: (denoise, x, grid, options) => ipndm(denoise, x, grid, options),
    level: (ratio) => pointOf(ratio / Math.sqrt(1 + ratio ** 2)),
    initialScale: unitStart,
    orders: (grid) => multistepOrders(grid, () => 4),
    order: 4,
    stochastic: false,
    evaluations: onePerStep,
  };
}
