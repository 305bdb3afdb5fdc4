/** @file CogVideoX and Würstchen: a shifted discrete process, and DDPM in continuous cosine time. */
import { shiftSnr, zeroTerminalAlphaBar } from '../beta-schedules.ts';
import { type DiscreteProcess, discreteProcess } from '../discrete.ts';
import { exponentialStep, midpointMoments, type Node } from '../exponential.ts';
import { linspace } from '../grids/numpy.ts';
import { assertSteps } from '../grids/timesteps.ts';
import { lambdaOf, type Point, type Process, pointAt } from '../process.ts';
import { levelOf } from '../processes.ts';
import { drawNoise, integrate } from '../solver.ts';
import { combine } from '../state.ts';
import { multistepOrders, onePerStep, type PlanParts, totalSteps, unitStart } from './plan.ts';
import type { SchedulerOptions } from './read.ts';
import { betaOptions, ddimPlan, lastPoint, strideLandings } from './variance-preserving.ts';

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

/** CogVideoX's DDIM; it never clips and never draws noise, whatever its config and η say. */
export function cogVideoXDdimPlan(o: SchedulerOptions): PlanParts {
  const parts = ddimPlan(o, shiftedProcess(o));
  return {
    ...parts,
    clips: false,
    solve: (denoise, x, grid, options) => parts.solve(denoise, x, grid, { ...options, eta: 0 }),
  };
}

/**
 * CogVideoX's DPM: DPM-Solver++ 2M SDE, midpoint. Every step lands ⌊T/N⌋ below its start, as in diffusers' DDIM; the first
 * step, and steps that land below the first training step, are of order 1. Inner steps draw noise twice and use the second.
 */
export function cogVideoXDpmPlan(o: SchedulerOptions): PlanParts {
  const process = shiftedProcess(o);
  const end = lastPoint(process, o.set_alpha_to_one);
  return {
    ...cogVideoXDdimPlan(o),
    solve: (denoise, x, grid, options) => {
      const landings = strideLandings(process, o, grid, end, totalSteps(grid, options));
      let previous: Node | undefined;
      return integrate(denoise, x, grid, options, (x, { x0 }, from, next, step) => {
        const to = options.landOnGrid ? next : landings[step]!;
        const latest: Node = { lambda: lambdaOf(from), value: x0 };
        const nodes = previous === undefined || to.t < 0 ? [latest] : [latest, previous];
        previous = latest;
        let noise = drawNoise(options.noise, x, step);
        if (nodes.length === 2) noise = drawNoise(options.noise, x, step);
        return exponentialStep({ x, from, to, kind: 'data', nodes, rule: midpointMoments, tau: 1, noise });
      });
    },
    orders: (grid) => multistepOrders(grid, (_to, left) => (left === 1 ? 1 : 2)),
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

/**
 * Würstchen's DDPM on t = 1 … 0: Ho et al. 2020, Algorithm 2, on ε̂ as written there. Its last step adds no noise though ᾱ ends
 * at 0.9999. Where ᾱ is kept from going lower, levels repeat.
 */
export function wuerstchenPlan(o: SchedulerOptions): PlanParts {
  const process = wuerstchenProcess(o);
  return {
    process,
    reading: { prediction: 'epsilon' },
    grid: ({ steps = 30, timesteps }) => {
      if (timesteps === undefined) assertSteps(steps);
      return (timesteps ?? linspace(1, 0, steps + 1).map(Math.fround)).map((t): Point => pointAt(process, t));
    },
    solve: (denoise, x, grid, options) =>
      integrate(denoise, x, grid, { ...options, repeats: true }, (x, { eps }, t, s, step) => {
        const alpha = (t.alpha / s.alpha) ** 2;
        const scale = 1 / Math.sqrt(alpha);
        const mean = combine([scale, x], [(-scale * (1 - alpha)) / t.sigma, eps]);
        if (step === grid.length - 2) return mean;
        const deviation = (s.sigma / t.sigma) * Math.sqrt(1 - alpha);
        return combine([1, mean], [deviation, drawNoise(options.noise, x, step)]);
      }),
    level: levelOf(process),
    initialScale: unitStart,
    order: 1,
    stochastic: true,
    evaluations: onePerStep,
  };
}
