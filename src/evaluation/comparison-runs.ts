/** @file The runs of a comparison: which solvers on which grids, and what they cost. */
import { GRID_NAMES, type Grid, planForSolver, type SamplingPlan, takesGrids } from '../diffusion/gaussian/index.ts';
import { ConfigError } from '../tensor/index.ts';
import { SEARCH_STEPS, searchEvaluations, TEACHER_STEPS } from './searched-grid.ts';
import type { SolverComparison, SolverResult } from './solver-comparison.ts';

/** A run to make. */
export interface Run {
  readonly solver: string;
  readonly kind: SolverResult['grid'];
  readonly plan: SamplingPlan;
  readonly grid: Grid;
}

/** Makes runs, and keeps what cannot be run. */
export class RunPlanner {
  readonly skipped: SolverComparison['skipped'][number][] = [];
  readonly #scheduler: unknown;

  constructor(scheduler: unknown) {
    this.#scheduler = scheduler;
  }

  /** Runs of `solver` on a kind of grid, in every one of `numbers` of steps that it can take. */
  runsOf(solver: string, kind: Run['kind'], numbers: readonly number[]): Run[] {
    const name = kind === 'own' ? solver : `${solver}-${kind}`;
    const plan = planForSolver(this.#scheduler, name);
    return numbers.flatMap((n) => {
      const grid = tryGrid(plan, n);
      if (!(grid instanceof ConfigError)) return [{ solver, kind, plan, grid }];
      this.skipped.push({ solver: name, steps: n, reason: grid.message });
      return [];
    });
  }

  /** `solver` on every grid that has a name, those left out that visit the levels of another or of its own. */
  runsOnGrids(
    solver: string,
    numbers: readonly number[],
  ): { readonly own: readonly Run[]; readonly named: readonly Run[] } {
    const own = this.runsOf(solver, 'own', numbers);
    const named = GRID_NAMES.flatMap((name) => this.runsOf(solver, name, numbers));
    return { own, named: distinctGrids([...own, ...named]).filter(({ kind }) => kind !== 'own') };
  }
}

/**
 * Evaluations on all samples that comparing and searching grids takes at most, when the solver makes one per step; `share`:
 * samples searched on, over those measured.
 */
export function estimatedSearch(steps: readonly number[], share: number): number {
  const grids = GRID_NAMES.length;
  return steps.reduce((sum, n) => sum + n * (grids + 2) + share * searchEvaluations(n, grids), share * TEACHER_STEPS);
}

/**
 * The deterministic solver that takes grids and ends nearest to the reference and to the data with few evaluations: the
 * least mean of `rms² + distance²`. One that evaluates once per step, where there is one.
 */
export function bestForGrids(results: readonly SolverResult[]): string | undefined {
  const fit = results.filter(({ solver, rms, steps }) => rms !== null && steps <= SEARCH_STEPS && takesGrids(solver));
  const single = fit.filter(({ steps, evaluations }) => evaluations === steps);
  const judged = single.length > 0 ? single : fit;
  const mean = (solver: string): number => {
    const own = judged.filter((one) => one.solver === solver);
    return own.reduce((sum, { rms, distance }) => sum + (rms ?? 0) ** 2 + distance ** 2, 0) / own.length;
  };
  const names = [...new Set(judged.map(({ solver }) => solver))];
  return names.length === 0 ? undefined : names.reduce((a, b) => (mean(b) < mean(a) ? b : a));
}

/** The first run of every grid: some names visit the same levels. */
function distinctGrids(runs: readonly Run[]): Run[] {
  const seen = new Set<string>();
  return runs.filter(({ grid }) => {
    const key = grid.map(({ alpha, sigma }) => Math.atan2(sigma, alpha).toPrecision(3)).join();
    return !seen.has(key) && seen.add(key);
  });
}

/** The grid of `steps` steps, or the error of a scheduler that takes no such number. */
export function tryGrid(plan: SamplingPlan, steps: number): Grid | ConfigError {
  try {
    return plan.grid({ steps });
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
}

/** The grid of `steps` steps, or of as many as the scheduler takes. */
export function finestGrid(plan: SamplingPlan, steps: number): Grid {
  for (let n = steps; n > 1; n = Math.floor(n / 2)) {
    const grid = tryGrid(plan, n);
    if (!(grid instanceof ConfigError)) return grid;
  }
  return plan.grid({ steps: 1 });
}
