import { describe, expect, it } from 'vitest';
import {
  alignYourSteps,
  betaQuantile,
  betaSigmas,
  cosineProcess,
  ddim,
  discreteProcess,
  dynamicShiftMu,
  exponentialSigmas,
  type Grid,
  gaussianFlow,
  heun,
  incompleteBeta,
  karrasSigmas,
  klOptimalSigmas,
  levelOf,
  linearQuadraticSigmas,
  mixtureDenoiser,
  noiseSource,
  pointAt,
  polyexponentialSigmas,
  probabilityFlow,
  refineGrid,
  roundHalfEven,
  searchGrid,
  shiftFlowSigma,
  sigmaTable,
  simpleSigmas,
  spacedTimesteps,
  stretchToTerminal,
  teacherTrajectory,
  timeShift,
} from '../index.ts';

const range = { sigmaMin: 0.03, sigmaMax: 14.6 };

describe('grids of training steps', () => {
  it('spaces as diffusers does', () => {
    expect(spacedTimesteps(1000, 10, { spacing: 'leading' })).toEqual([900, 800, 700, 600, 500, 400, 300, 200, 100, 0]);
    expect(spacedTimesteps(1000, 4, { spacing: 'trailing' })).toEqual([999, 749, 499, 249]);
    expect(spacedTimesteps(1000, 4, { spacing: 'linspace' })).toEqual([999, 666, 333, 0]);
    expect(spacedTimesteps(1000, 4, { spacing: 'linspace', dropLast: true })).toEqual([999, 749, 500, 250]);
    expect(spacedTimesteps(1000, 4, { spacing: 'leading', stepsOffset: 1 })).toEqual([751, 501, 251, 1]);
  });

  it('rounds halves to even, as NumPy does', () => {
    expect([0.5, 1.5, 2.5, 749.5].map(roundHalfEven)).toEqual([0, 2, 2, 750]);
  });
});

describe('grids of noise levels', () => {
  const GRIDS = {
    karras: karrasSigmas(9, range),
    exponential: exponentialSigmas(9, range),
    polyexponential: polyexponentialSigmas(9, range, 2),
    beta: betaSigmas(9, range),
    klOptimal: klOptimalSigmas(9, range),
  };

  it.each(Object.entries(GRIDS))('%s descends from σ_max to σ_min', (_name, sigmas) => {
    expect(sigmas[0]).toBeCloseTo(range.sigmaMax, 10);
    expect(sigmas[8]).toBeCloseTo(range.sigmaMin, 10);
    for (let i = 1; i < 9; i++) expect(sigmas[i]!).toBeLessThan(sigmas[i - 1]!);
  });

  it('makes polyexponential the exponential grid at ρ = 1', () => {
    polyexponentialSigmas(7, range).forEach((sigma, i) => {
      expect(sigma).toBeCloseTo(exponentialSigmas(7, range)[i]!, 10);
    });
  });

  it('takes every stride-th level in the simple grid', () => {
    expect(simpleSigmas(4, [1, 2, 3, 4, 5, 6, 7, 8])).toEqual([8, 6, 4, 2]);
  });

  it('gives the published levels of Align Your Steps at 10 steps', () => {
    const sigmas = alignYourSteps(10, 'sd');
    expect(sigmas).toHaveLength(10);
    expect(sigmas[3]).toBeCloseTo(2.697, 10);
    expect(alignYourSteps(5, 'sdxl')).toHaveLength(5);
  });

  it('reads a level’s time back from the table', () => {
    const table = sigmaTable(discreteProcess());
    for (const t of [0, 1, 17, 500, 998, 999]) expect(table.timeOf(table.sigmas[t]!)).toBeCloseTo(t, 3);
    expect(table.timeOf(1e9)).toBe(999);
    expect(table.timeOf(0)).toBe(0);
    expect(table.timeOf(Math.sqrt(table.sigmas[40]! * table.sigmas[41]!))).toBeCloseTo(40.5, 2);
  });
});

describe('flow grids', () => {
  it('shifts towards noise and keeps the ends', () => {
    expect(shiftFlowSigma(1, 3)).toBe(1);
    expect(shiftFlowSigma(0, 3)).toBe(0);
    expect(shiftFlowSigma(0.5, 3)).toBeCloseTo(0.75, 12);
    expect(timeShift(0.5, Math.log(3))).toBeCloseTo(0.75, 12);
    expect(timeShift(0.5, 3, 'linear')).toBeCloseTo(0.75, 12);
  });

  it('has FLUX’s shifts at its two reference sizes', () => {
    expect(dynamicShiftMu(256)).toBeCloseTo(0.5, 12);
    expect(dynamicShiftMu(4096)).toBeCloseTo(1.15, 12);
  });

  it('stretches to the terminal level', () => {
    const stretched = stretchToTerminal([1, 0.5, 0.2], 0.1);
    expect(stretched[0]).toBe(1);
    expect(stretched[2]).toBeCloseTo(0.1, 12);
  });

  it('falls linearly, then quadratically, from 1', () => {
    const sigmas = linearQuadraticSigmas(10);
    expect(sigmas).toHaveLength(10);
    expect(sigmas[0]).toBe(1);
    expect(sigmas[5]).toBeCloseTo(1 - 0.025, 10);
    for (let i = 1; i < 10; i++) expect(sigmas[i]!).toBeLessThan(sigmas[i - 1]!);
    expect(sigmas[9]).toBeGreaterThan(0);
  });
});

describe('the beta quantile', () => {
  it('inverts the distribution function', () => {
    for (const p of [1e-6, 0.01, 0.3, 0.5, 0.9, 0.999]) {
      expect(incompleteBeta(betaQuantile(p, 0.6, 0.6), 0.6, 0.6)).toBeCloseTo(p, 12);
    }
  });

  it('is the arcsine law at a = b = ½', () => {
    for (const p of [0.1, 0.25, 0.77])
      expect(betaQuantile(p, 0.5, 0.5)).toBeCloseTo(Math.sin((Math.PI * p) / 2) ** 2, 12);
  });

  it('is symmetric', () => {
    expect(betaQuantile(0.2, 0.6, 0.6)).toBeCloseTo(1 - betaQuantile(0.8, 0.6, 0.6), 12);
  });
});

describe('the searched grid', () => {
  const process = cosineProcess();
  const denoise = mixtureDenoiser([
    { mean: [0.9, 0.2], std: 0.2, weight: 2 },
    { mean: [-0.7, 0.6], std: 0.1 },
    { mean: [-0.1, -1], std: 0.3 },
  ]);
  const fine = Array.from({ length: 61 }, (_, i) => pointAt(process, 0.98 - (0.96 * i) / 60));
  const x = Float64Array.from(noiseSource('philox', 1)(1024, 0));

  const level = levelOf(process);
  const held = Float64Array.from(noiseSource('philox', 2)(1024, 0));

  /** The usual fixed grids of `steps` steps between the teacher's ends. */
  function fixedGrids(steps: number): Grid[] {
    const [first, last] = [fine[0]!, fine[60]!];
    const ends = { sigmaMin: last.sigma / last.alpha, sigmaMax: first.sigma / first.alpha };
    const inner = (sigmas: number[]): Grid => [first, ...sigmas.slice(1, -1).map(level), last];
    return [
      Array.from({ length: steps + 1 }, (_, i) => fine[Math.round((60 * i) / steps)]!),
      inner(karrasSigmas(steps + 1, ends)),
      inner(exponentialSigmas(steps + 1, ends)),
      inner(klOptimalSigmas(steps + 1, ends)),
      inner(betaSigmas(steps + 1, ends)),
    ];
  }

  async function distanceToTeacher(start: Float64Array): Promise<(grid: Grid) => Promise<number>> {
    const reference = await probabilityFlow(denoise, start, fine, { level, rtol: 1e-6, atol: 1e-6 });
    return async (grid) => {
      const y = await ddim(denoise, start, grid);
      return Math.sqrt(Array.from(y).reduce((sum, value, i) => sum + (value - reference[i]!) ** 2, 0));
    };
  }

  it.each([5, 7, 10])(
    'samples closer to the teacher than every fixed grid of %d steps, on noise it has not seen',
    async (steps) => {
      const teacher = await teacherTrajectory(heun, denoise, x, fine);
      const searched = searchGrid(teacher, { steps });
      const { grid } = await refineGrid(await distanceToTeacher(x), {
        starts: [searched, ...fixedGrids(steps)],
        candidates: fine,
      });
      const error = await distanceToTeacher(held);
      const fixed = await Promise.all(fixedGrids(steps).map(error));
      expect(await error(grid)).toBeLessThan(Math.min(...fixed));
    },
  );

  it('comes close to the best fixed grid by dynamic programming alone', async () => {
    const teacher = await teacherTrajectory(heun, denoise, x, fine);
    const error = await distanceToTeacher(held);
    for (const steps of [5, 7, 10]) {
      const fixed = await Promise.all(fixedGrids(steps).map(error));
      expect(await error(searchGrid(teacher, { steps }))).toBeLessThan(1.1 * Math.min(...fixed));
    }
  });

  it('keeps both ends and finds the teacher’s own grid when it may use all of it', async () => {
    const teacher = await teacherTrajectory(ddim, denoise, x, fine.slice(0, 9));
    expect(searchGrid(teacher, { steps: 8 })).toEqual(fine.slice(0, 9));
    const grid = searchGrid(teacher, { steps: 3 });
    expect([grid[0], grid[3]]).toEqual([fine[0], fine[8]]);
    expect(() => searchGrid(teacher, { steps: 9 })).toThrow(/fewer than the 9/);
  });

  it('agrees with the exact flow that the tools use', () => {
    const y = gaussianFlow(x, fine[0]!, fine[0]!);
    expect(Array.from(y)).toEqual(Array.from(x));
  });
});
