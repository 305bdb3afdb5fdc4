/** @file The RePaint config: DDIM steps around a known part, with jumps back up. */
import { ConfigError } from '../../../tensor/index.ts';
import { repaint, repaintSchedule } from '../editing/inpainting.ts';
import { drawNoise } from '../solver.ts';
import { combine } from '../state.ts';
import { type PlanParts, totalSteps } from './plan.ts';
import type { SchedulerOptions } from './read.ts';
import { configProcess, ddimPlan } from './variance-preserving.ts';

/**
 * RePaint (Lugmayr et al. 2022) as diffusers runs it: one draw serves the known part and the DDIM step, and a step back up
 * goes through every training step in between, with the betas that begin at its noisier end. What is known and the jumps
 * come with the run: `known`, `jumpLength` and `jumpSamples` (10 and 10).
 */
export function repaintPlan(o: SchedulerOptions): PlanParts {
  const process = configProcess(o);
  return {
    ...ddimPlan({ ...o, timestep_spacing: 'leading', set_alpha_to_one: true }, process),
    solve: async (denoise, x, grid, { known, noise, eta = o.eta, ...options }) => {
      if (known === undefined) {
        throw new ConfigError('RePaintScheduler inpaints, and was not told what is known', {
          api: 'pass known: { x0, mask } to the run (mask 1 where the data is known), or sample with DDIMScheduler',
          cli: 'use another solver: --solver ddim',
        });
      }
      const stride = Math.floor(o.num_train_timesteps / totalSteps(grid, options));
      return repaint(denoise, x, grid, known, {
        ...options,
        eta,
        noise: (_length, step) => drawNoise(noise, x, step),
        sharedNoise: true,
        ascend: (state, _from, { t }, draw) =>
          process.betas
            .subarray(t, t + stride)
            .reduce<typeof state>((at, beta) => combine([Math.sqrt(1 - beta), at], [Math.sqrt(beta), draw()]), state),
      });
    },
    stochastic: true,
    evaluations: (grid) => repaintSchedule(grid.length - 1).filter((move) => move > 0).length,
  };
}
