/** @file One solver on every grid that has a name, and on one searched for the model. */
import type { Grid } from '../diffusion/gaussian/index.ts';
import type { Run } from './comparison-runs.ts';
import { type GridVerdict, gridVerdict, type MeasuredResult } from './grid-verdict.ts';
import type { GridSearch } from './searched-grid.ts';
import type { SolverResult } from './solver-comparison.ts';

/** Options of `compareGrids`. */
export interface GridComparisonOptions {
  /** The solver on its own grids: the searched ones are for its plan, one for each of these runs. */
  readonly own: readonly Run[];
  /** The solver on named grids. */
  readonly named: readonly Run[];
  readonly search: GridSearch;
  readonly measure: (run: Run) => Promise<MeasuredResult>;
  /** Ends of the reference trajectory [count, D]. */
  readonly target: Float32Array;
  readonly sampleSize: number;
  readonly seed: number;
  /** Told before every search. */
  readonly onSearch: (run: Run) => void;
}

/** What `compareGrids` found: results on all grids but the solver's own, and how the searched ones stand. */
export interface GridComparison {
  readonly results: readonly SolverResult[];
  readonly verdicts: readonly GridVerdict[];
}

/** Measures the named grids and a searched one of as many steps as each run of `own`; the own ones are the searched one's rivals too. */
export async function compareGrids(options: GridComparisonOptions): Promise<GridComparison> {
  const { own, named, search, measure, onSearch, ...judging } = options;
  const results: SolverResult[] = [];
  const verdicts: GridVerdict[] = [];
  for (const run of own) {
    const rivals = [run, ...named.filter(({ grid }) => grid.length === run.grid.length)];
    const measured: MeasuredResult[] = [];
    for (const rival of rivals) measured.push(await measure(rival));
    onSearch(run);
    const fixed: Grid[] = rivals.map(({ grid }) => grid);
    const grid = await search.find(run.grid.length - 1, fixed);
    const searched = await measure({ ...run, kind: 'searched', grid });
    results.push(...measured.slice(1).map(({ result }) => result), searched.result);
    verdicts.push(gridVerdict(searched, measured, judging));
  }
  return { results, verdicts };
}
