/** @file Configs of distilled flows that cross a whole segment with one evaluation: AnyFlow's flow maps, PiFlow's policies. */
import { ConfigError } from '../../../tensor/index.ts';
import { linspace } from '../grids/numpy.ts';
import { shiftFlowSigma } from '../grids/sigma-grids.ts';
import { assertSteps } from '../grids/timesteps.ts';
import type { Point } from '../process.ts';
import { flowLevel, rectifiedFlow } from '../processes.ts';
import { flowMap, policyRollout } from '../solvers/flow-map.ts';
import { onePerStep, type PlanParts, unitStart } from './plan.ts';
import type { SchedulerOptions } from './read.ts';

function flowMapParts(o: SchedulerOptions): Omit<PlanParts, 'solve' | 'grid'> {
  const train = o.num_train_timesteps;
  return {
    process: rectifiedFlow({ scale: train }),
    reading: { prediction: 'flow_prediction' },
    level: (ratio) => {
      const sigma = flowLevel(ratio);
      return { t: sigma * train, alpha: 1 - sigma, sigma };
    },
    initialScale: unitStart,
    order: 1,
    stochastic: false,
    evaluations: onePerStep,
  };
}

/**
 * AnyFlow's flow map. The network reads the time it goes to from `point.target`. Steps are equal in the unshifted time, or
 * at `timesteps` or `sigmas` of the request, which the configured shift still moves.
 */
export function flowMapPlan(o: SchedulerOptions): PlanParts {
  const train = o.num_train_timesteps;
  return {
    ...flowMapParts(o),
    grid: ({ steps = 50, sigmas, timesteps }) => {
      const given = sigmas ?? timesteps?.map((t) => t / train);
      if (given === undefined) assertSteps(steps);
      const points = (given ?? linspace(1, 0, steps + 1).slice(0, steps)).map((level, i): Point => {
        const sigma = shiftFlowSigma(level, o.shift);
        return { t: (o.shift === 1 ? timesteps?.[i] : undefined) ?? sigma * train, alpha: 1 - sigma, sigma };
      });
      return [...points, { t: 0, alpha: 1, sigma: 0 }];
    },
    solve: (denoise, x, grid, options) => flowMap(denoise, x, grid, options),
  };
}

/**
 * PiFlow (Kandinsky 6): the network makes `n_grid` predictions along its last axis, so `plan.denoiser` needs `lastAxis`.
 * Segments are equal in the unshifted time, but the last, which is `final_step_size_scale` as long.
 */
export function piflowPlan(o: SchedulerOptions): PlanParts {
  const f = Math.fround;
  if (!(o.n_grid >= 2)) throw new ConfigError(`n_grid is at least 2, got ${o.n_grid}`, 'a policy needs two estimates');
  if (!(o.eps > 0)) throw new ConfigError(`eps is positive, got ${o.eps}`, 'the default is 1e-6');
  if (!(o.final_step_size_scale > 0 && o.final_step_size_scale <= 1)) {
    throw new ConfigError(`final_step_size_scale lies in (0, 1], got ${o.final_step_size_scale}`);
  }
  if (!(o.num_policy_substeps >= 1)) {
    throw new ConfigError(`num_policy_substeps is at least 1, got ${o.num_policy_substeps}`);
  }
  return {
    ...flowMapParts(o),
    predictions: o.n_grid,
    grid: ({ steps = 4, sigmas, timesteps, mu }) => {
      if (sigmas !== undefined || timesteps !== undefined || mu !== undefined) {
        throw new ConfigError(
          'PiFlow is distilled on its own grid and takes no sigmas, timesteps or mu',
          'ask for a number of steps',
        );
      }
      assertSteps(steps);
      const segment = 1 / (steps - (1 - o.final_step_size_scale));
      const points = Array.from({ length: steps }, (_, i): Point => {
        const sigma = f(shiftFlowSigma(f(1 - i * segment), o.shift));
        return { t: f(sigma * o.num_train_timesteps), alpha: 1 - sigma, sigma };
      });
      return [...points, { t: 0, alpha: 1, sigma: 0 }];
    },
    solve: (denoise, x, grid, options) =>
      policyRollout(denoise, x, grid, { ...options, shift: o.shift, substeps: o.num_policy_substeps, end: o.eps }),
  };
}
