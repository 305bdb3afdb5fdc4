/** @file Grids on given candidates, e.g. the training times: the nearest ones, and grids as paths of indices. */
import { ConfigError } from '../../../tensor/index.ts';
import type { Grid } from '../solver.ts';

/** The candidates at the indices `path`. */
export function gridOf(path: readonly number[], candidates: Grid): Grid {
  return path.map((index) => candidates[index]!);
}

/** `grid` on the nearest candidates, no two points on one, its end kept. Throws `ConfigError` when they are too few. */
export function snapGrid(grid: Grid, candidates: Grid): Grid {
  return gridOf(snap(grid, candidates), candidates);
}

/** Indices of the candidates nearest in angle (arctan σ/α) to the points of `grid`, strictly increasing, the end kept. */
export function snap(grid: Grid, candidates: Grid): number[] {
  const last = candidates.length - 1;
  if (grid.length > candidates.length) {
    throw new ConfigError(`${grid.length} points do not fit on ${candidates.length} candidates`, 'use a finer teacher');
  }
  const angles = candidates.map(({ alpha, sigma }) => Math.atan2(sigma, alpha));
  let previous = -1;
  return grid.map(({ alpha, sigma }, i) => {
    if (i === grid.length - 1) return last;
    const angle = Math.atan2(sigma, alpha);
    let nearest = previous + 1;
    // leave one candidate for every point still to come
    for (let j = nearest; j <= last - (grid.length - 1 - i); j++) {
      if (Math.abs(angles[j]! - angle) < Math.abs(angles[nearest]! - angle)) nearest = j;
    }
    previous = nearest;
    return nearest;
  });
}
