/** @file The predictor-corrector config of variance-exploding score models. */
import { exponentialSigmas } from '../grids/sigma-grids.ts';
import { assertSteps, linspace } from '../grids/timesteps.ts';
import { varianceExploding } from '../processes.ts';
import { predictorCorrector } from '../solvers/predictor-corrector.ts';
import type { PlanParts } from './plan.ts';
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
