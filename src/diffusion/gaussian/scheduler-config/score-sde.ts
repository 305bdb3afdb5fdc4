/** @file Configs of score models: predictor-corrector and Karras' churn where variance explodes, Euler-Maruyama where it is preserved. */

import { linspace } from '../grids/numpy.ts';
import { exponentialSigmas } from '../grids/sigma-grids.ts';
import { assertSteps } from '../grids/timesteps.ts';
import type { Point } from '../process.ts';
import { edmProcess, levelOf, varianceExploding, variancePreserving } from '../processes.ts';
import { drawNoise } from '../solver.ts';
import { predictorCorrector } from '../solvers/predictor-corrector.ts';
import { reverseSde } from '../solvers/reverse-sde.ts';
import { heun } from '../solvers/second-order.ts';
import { onePerStep, type PlanParts, totalSteps, unitStart } from './plan.ts';
import type { SchedulerOptions } from './read.ts';

/**
 * Score SDE (VE) with Langevin corrector. The network is told σ itself and predicts the score.
 * The levels are the `steps` geometric levels from σ_min to σ_max, and 0.
 */
export function scoreSdeVePlan(o: SchedulerOptions): PlanParts {
  const [sigmaMin, sigmaMax] = [o.sigma_min ?? 0.01, o.sigma_max ?? 1348];
  return {
    process: varianceExploding({ sigmaMin, sigmaMax }),
    reading: { prediction: 'score' },
    grid: ({ steps = 2000 }) => {
      assertSteps(steps);
      const sigmas = exponentialSigmas(steps, { sigmaMin, sigmaMax }).map(Math.fround);
      const times = linspace(1, o.sampling_eps, steps);
      const points = sigmas.map((sigma, i) => ({
        t: sigmaMin * (sigmaMax / sigmaMin) ** times[i]!,
        alpha: 1,
        sigma,
      }));
      return [...points, { t: 0, alpha: 1, sigma: 0 }];
    },
    solve: (denoise, x, grid, options) =>
      predictorCorrector(denoise, x, grid, { ...options, snr: o.snr, correctorSteps: o.correct_steps }),
    level: (sigma) => ({ t: sigma, alpha: 1, sigma }),
    initialScale: () => sigmaMax,
    order: 1,
    stochastic: true,
    evaluations: (grid) => (grid.length - 1) * (1 + o.correct_steps),
  };
}

/**
 * Score SDE (VP), deprecated in diffusers: Euler-Maruyama in steps of 1/N from t = 1 to `sampling_eps`, the last without
 * noise. The network predicts the noise; it is told t ∈ (0, 1].
 */
export function scoreSdeVpPlan(o: SchedulerOptions): PlanParts {
  const process = variancePreserving({ betaMin: o.beta_min, betaMax: o.beta_max, start: o.sampling_eps });
  return {
    process,
    reading: { prediction: 'epsilon' },
    grid: ({ steps = 2000 }) => {
      assertSteps(steps);
      const points = linspace(1, o.sampling_eps, steps).map((t): Point => {
        const alpha = process.alpha(Math.fround(t));
        // near the data 1 − α² loses digits in float32, and diffusers' score with it
        return { t: Math.fround(t), alpha, sigma: Math.sqrt(Math.fround(1 - Math.fround(alpha ** 2))) };
      });
      return [...points, { t: 0, alpha: 1, sigma: 0 }];
    },
    solve: (denoise, x, grid, options) => {
      const steps = totalSteps(grid, options);
      return reverseSde(denoise, x, grid, { ...options, process, timeStep: () => 1 / steps });
    },
    level: levelOf(process),
    initialScale: unitStart,
    order: 1,
    stochastic: true,
    evaluations: onePerStep,
  };
}

/**
 * Karras et al. 2022, Algorithm 2, as diffusers' deprecated scheduler runs it: its geometric levels go from σ_max² to σ_min²,
 * and it takes σ times the score, −ε̂, for the network's output. The scaling of input and output around the network belongs to
 * the pipeline.
 */
export function karrasVePlan(o: SchedulerOptions): PlanParts {
  const [sigmaMin, sigmaMax] = [o.sigma_min ?? 0.02, o.sigma_max ?? 100];
  const level = (sigma: number): Point => ({ t: sigma, alpha: 1, sigma });
  return {
    process: edmProcess({ sigmaMin: sigmaMin ** 2, sigmaMax: sigmaMax ** 2 }),
    reading: { predictionName: 'scaled_score', prediction: () => ({ p: 0, q: -1 }) },
    grid: ({ steps = 50 }) => {
      assertSteps(steps);
      const sigmas = exponentialSigmas(steps, { sigmaMin: sigmaMin ** 2, sigmaMax: sigmaMax ** 2 });
      return [...sigmas.map(Math.fround), 0].map(level);
    },
    solve: (denoise, x, grid, { noise: source, ...options }) => {
      // diffusers draws in every step, with or without churn
      let drawn = 0;
      return heun(denoise, x, grid, {
        sChurn: o.s_churn,
        sTmin: o.s_min,
        sTmax: o.s_max,
        sNoise: o.s_noise,
        ...options,
        level,
        noise: (_length, step) => {
          for (; drawn < step; drawn++) drawNoise(source, x, drawn);
          drawn++;
          return drawNoise(source, x, step);
        },
      });
    },
    level,
    initialScale: () => sigmaMax,
    order: 2,
    stochastic: o.s_churn > 0,
    evaluations: (grid) => 2 * (grid.length - 1) - 1,
  };
}
