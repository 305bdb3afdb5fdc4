/** @file CogVideoX and Würstchen: a shifted discrete process, and DDPM in continuous cosine time. */
import { shiftSnr, zeroTerminalAlphaBar } from '../beta-schedules.ts';
import { type DiscreteProcess, discreteProcess } from '../discrete.ts';
import { assertSteps, linspace } from '../grids/timesteps.ts';
import { type Point, type Process, pointAt } from '../process.ts';
import { levelOf } from '../processes.ts';
import { drawNoise, type NoiseSource } from '../solver.ts';
import { ddpm } from '../solvers/ddpm.ts';
import { dpmSolver } from '../solvers/dpm-solver.ts';
import { multistepOrders, onePerStep, type PlanParts, unitStart } from './plan.ts';
import type { SchedulerOptions } from './read.ts';
import { betaOptions, ddimPlan } from './variance-preserving.ts';

/** CogVideoX divides the SNR by `snr_shift_scale` and then, if asked, makes the last ᾱ zero. */
function shiftedProcess(o: SchedulerOptions): DiscreteProcess {
  return discreteProcess({
    ...betaOptions({ ...o, rescale_betas_zero_snr: false }),
    reshape: (alphaBars) => {
      const shifted = shiftSnr(alphaBars, o.snr_shift_scale);
      return o.rescale_betas_zero_snr ? zeroTerminalAlphaBar(shifted) : shifted;
    },
  });
}

/** CogVideoX's DDIM; it never clips, whatever its config says. */
export function cogVideoXDdimPlan(o: SchedulerOptions): PlanParts {
  return { ...ddimPlan(o, shiftedProcess(o)), clips: false };
}

/** CogVideoX's DPM: DPM-Solver++ 2M SDE, midpoint. It draws noise twice in every inner step and uses the second draw. */
export function cogVideoXDpmPlan(o: SchedulerOptions): PlanParts {
  return {
    ...cogVideoXDdimPlan(o),
    solve: (denoise, x, grid, { noise: source, ...options }) => {
      const last = grid.length - 2;
      const noise: NoiseSource = (length, step) => {
        const first = drawNoise(source, new Float32Array(length), step);
        return step > 0 && step < last ? drawNoise(source, first, step) : first;
      };
      return dpmSolver(denoise, x, grid, {
        ...options,
        noise,
        eta: 1,
        algorithm: 'sde-dpmsolver++',
        lowerOrderFinal: false,
      });
    },
    orders: (grid) => multistepOrders(grid, ({ sigma }) => (sigma === 0 ? 1 : 2)),
    order: 2,
    stochastic: true,
  };
}

/** ᾱ of Würstchen at t ∈ [0, 1], kept within [1e-4, 0.9999]. */
function wuerstchenProcess({ scaler, s }: SchedulerOptions): Process {
  const start = Math.cos((s / (1 + s)) * Math.PI * 0.5) ** 2;
  const warp = (t: number) => (scaler > 1 ? 1 - (1 - t) ** scaler : t ** scaler);
  const alphaBar = (t: number) => {
    const value = Math.cos(((warp(t) + s) / (1 + s)) * Math.PI * 0.5) ** 2 / start;
    return Math.min(0.9999, Math.max(0.0001, value));
  };
  const alpha = (t: number) => Math.sqrt(alphaBar(t));
  const sigma = (t: number) => Math.sqrt(1 - alphaBar(t));
  const slope = (of: (t: number) => number, t: number) => (of(t + 1e-5) - of(t - 1e-5)) / 2e-5;
  return {
    name: 'cosine',
    start: 0,
    end: 1,
    alpha,
    sigma,
    alphaDot: (t) => slope(alpha, t),
    sigmaDot: (t) => slope(sigma, t),
  };
}

/** Würstchen's DDPM on t = 1 … 0; its last step adds no noise though ᾱ ends at 0.9999. */
export function wuerstchenPlan(o: SchedulerOptions): PlanParts {
  const process = wuerstchenProcess(o);
  return {
    process,
    reading: { prediction: 'epsilon' },
    grid: ({ steps = 30, timesteps }) => {
      if (timesteps === undefined) assertSteps(steps);
      return (timesteps ?? linspace(1, 0, steps + 1).map(Math.fround)).map((t): Point => pointAt(process, t));
    },
    solve: (denoise, x, grid, { noise: source, ...options }) => {
      const last = grid.length - 2;
      const noise: NoiseSource = (length, step) =>
        step === last ? new Float32Array(length) : drawNoise(source, new Float32Array(length), step);
      return ddpm(denoise, x, grid, { ...options, noise });
    },
    level: levelOf(process),
    initialScale: unitStart,
    order: 1,
    stochastic: true,
    evaluations: onePerStep,
  };
}
