import { describe, expect, it } from 'vitest';
import { pointAt } from '../process.ts';
import { cosineProcess } from '../processes.ts';
import type { Grid } from '../solver.ts';
import { fitGrid } from './least-squares.ts';

const process = cosineProcess();
const candidates = Array.from({ length: 101 }, (_, i) => pointAt(process, 0.98 - (0.96 * i) / 100));
const at = (...path: number[]): Grid => path.map((index) => candidates[index]!);
/** A run that ends at smooth functions of its times, more of them than there are times. */
const smooth = async (grid: Grid): Promise<Float64Array> => {
  const [a = 0, b = 0] = grid.map(({ t }) => t);
  return Float64Array.of(a + b, Math.exp(a - b), a * b, Math.sin(3 * b), a * a - b);
};

describe('a grid fitted by least squares', () => {
  it('finds the times that a target was made with', async () => {
    const target = await smooth(at(23, 64, 100));
    const { grid, error } = await fitGrid(smooth, { start: at(40, 80, 100), candidates, target, budget: 40 });
    expect(grid).toEqual(at(23, 64, 100));
    expect(error).toBe(0);
  });

  it('takes no more runs than it is given, says how many, and is never worse than its start', async () => {
    const target = await smooth(at(10, 30, 100));
    const start = at(50, 90, 100);
    let least = Number.POSITIVE_INFINITY;
    for (const budget of [1, 3, 4, 5, 8, 20]) {
      let made = 0;
      const run = (grid: Grid) => {
        made++;
        return smooth(grid);
      };
      const { runs, error } = await fitGrid(run, { start, candidates, target, budget });
      expect(runs).toBe(made);
      expect(runs).toBeLessThanOrEqual(budget);
      expect(error).toBeLessThanOrEqual(least);
      least = error;
    }
    const before = (await smooth(start)).reduce((sum, value, i) => sum + (value - target[i]!) ** 2, 0) / 5;
    expect(least).toBeLessThan(0.01 * before);
  });

  it('keeps points apart and the end in place where all would go to one', async () => {
    const run = async (grid: Grid): Promise<Float64Array> => Float64Array.from(grid.slice(0, -1), ({ t }) => t);
    const target = Float64Array.of(candidates[60]!.t, candidates[60]!.t, candidates[60]!.t);
    const { grid } = await fitGrid(run, { start: at(10, 50, 90, 100), candidates, target, budget: 60 });
    const path = grid.map((point) => candidates.indexOf(point));
    expect(path).toEqual([...new Set(path)].sort((a, b) => a - b));
    expect(path[3]).toBe(100);
    for (const index of path.slice(0, 3)) expect(Math.abs(index - 60)).toBeLessThan(10);
  });

  it('leaves points alone that change nothing or have no room', async () => {
    const flat = async (): Promise<Float64Array> => Float64Array.of(1, 2);
    const start = at(20, 40, 100);
    expect((await fitGrid(flat, { start, candidates, target: Float64Array.of(0, 0), budget: 30 })).grid).toEqual(start);
    const few = candidates.slice(-3);
    const { grid } = await fitGrid(smooth, {
      start: few,
      candidates: few,
      target: Float64Array.of(0, 0, 0, 0, 0),
      budget: 9,
    });
    expect(grid).toEqual(few);
  });
});
