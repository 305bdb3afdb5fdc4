/** @file The sampling plan of a model under a solver that is named: `dpm++2m`, `dpm++2m-karras`, or a scheduler class. */
import type { DiscreteProcess } from './discrete.ts';
import { type GridName, namedLevels } from './grids/named-grids.ts';
import { sigmaTable } from './grids/sigma-table.ts';
import {
  fromSchedulerConfig,
  readSchedulerConfig,
  readSolverName,
  type SamplingPlan,
  SOLVER_NAMES,
  schedulerForSolver,
} from './scheduler-config/index.ts';

/**
 * How the model of scheduler config `json` is sampled with `solver`. A class name gives what diffusers does with that class,
 * to the digit. A short name gives the method itself: x̂₀ is clipped as the model says whatever the class can, and ε̂ stays
 * consistent with it (`use_clipped_model_output`), so that all solvers tend to the same pictures as steps grow; and it takes
 * any grid of `GRID_NAMES`. Throws `ConfigError` as `readSolverName` and `readSchedulerConfig` do.
 */
export function planForSolver(json: unknown, solver: string): SamplingPlan {
  const { name, grid, gridOptions } = readSolverName(solver);
  const plan = fromSchedulerConfig(schedulerForSolver(json, solver));
  if (!SOLVER_NAMES.some((short) => short === name)) return plan;
  const { options: clipping } = readSchedulerConfig(json);
  const clipped: SamplingPlan = {
    ...plan,
    denoiser: (network, layout) => plan.denoiser(network, { clipping, ...layout }),
    solve: (denoise, x, points, run) => plan.solve(denoise, x, points, { landOnGrid: true, ...run }),
  };
  return grid === undefined || gridOptions !== undefined ? clipped : withGrid(clipped, grid);
}

/** `plan` on the grid called `grid`, where steps are asked for and not times or levels. */
function withGrid(plan: SamplingPlan, grid: GridName): SamplingPlan {
  const table = sigmaTable(plan.process as DiscreteProcess);
  return {
    ...plan,
    grid: (request) => {
      const { steps = 50, timesteps, sigmas } = request;
      if (timesteps !== undefined || sigmas !== undefined) return plan.grid(request);
      const closing = plan.grid({ steps }).slice(-1);
      return [...namedLevels(grid, steps, table).map((level) => plan.level(level)), ...closing];
    },
  };
}
