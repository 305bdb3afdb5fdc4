/** @file ER-SDE solvers (Cui et al. 2023): the extended reverse SDE with a chosen noise scale φ(σ). */
import { ConfigError } from '../../../tensor/index.ts';
import { sigmaRatio } from '../process.ts';
import { drawNoise, integrate, type Solver, type SolverOptions } from '../solver.ts';
import { combine, type State, type Term } from '../state.ts';

/** ER-SDE's own options. */
export interface ErSdeOptions extends SolverOptions {
  /** 1, 2 or 3. */
  readonly order?: number;
  /** φ(σ), increasing; σ is the ODE, σ² the SDE, the default the paper's `ER SDE 5`. */
  readonly noiseScale?: (sigma: number) => number;
  readonly sNoise?: number;
}

/** The paper's recommended φ: `σ·(e^{σ^0.3} + 10)`. */
export const erSdeNoiseScale = (sigma: number): number => sigma * (Math.exp(sigma ** 0.3) + 10);

/** Simpson's rule over [to, from] (the authors take a left Riemann sum of 200 points, which limits the order). */
function integral(value: (sigma: number) => number, to: number, from: number): number {
  const panels = 100;
  const h = (from - to) / panels;
  let sum = value(to) + value(from);
  for (let i = 1; i < panels; i++) sum += (i % 2 === 0 ? 2 : 4) * value(to + i * h);
  return (sum * h) / 3;
}

/**
 * VE/VP ER-SDE-Solver-1/2/3 in the frame of unit signal: with r = φ(σ')/φ(σ),
 * `x/α ← r·x/α + (1 − r)·x̂₀ + (Taylor terms of x̂₀ in σ) + √(σ'² − r²σ²)·z`. One evaluation per step.
 */
export const erSde: Solver<ErSdeOptions> = (
  denoise,
  x,
  grid,
  { order = 3, noiseScale: phi = erSdeNoiseScale, sNoise = 1, ...options } = {},
) => {
  if (![1, 2, 3].includes(order)) throw new ConfigError(`ER-SDE has orders 1, 2 and 3, got ${order}`);
  const sigmas: number[] = [];
  let previous: State | undefined;
  let previousSlope: State | undefined;
  return integrate(denoise, x, grid, options, (x, { x0 }, from, to, step) => {
    sigmas.unshift(sigmaRatio(from));
    const [s, s1, s2] = sigmas;
    const [sigma, next] = [s as number, sigmaRatio(to)];
    const r = next === 0 ? 0 : phi(next) / phi(sigma);
    const terms: Term[] = [
      [(to.alpha / from.alpha) * r, x],
      [to.alpha * (1 - r), x0],
    ];
    const slope =
      previous === undefined || s1 === undefined
        ? undefined
        : combine([1 / (sigma - s1), x0], [-1 / (sigma - s1), previous]);
    if (next > 0 && order >= 2 && slope !== undefined) {
      const dt = next - sigma;
      terms.push([to.alpha * (dt + phi(next) * integral((u) => 1 / phi(u), next, sigma)), slope]);
      if (order === 3 && previousSlope !== undefined && s2 !== undefined) {
        const curvature = combine([2 / (sigma - s2), slope], [-2 / (sigma - s2), previousSlope]);
        const weighted = integral((u) => (u - sigma) / phi(u), next, sigma);
        terms.push([to.alpha * (dt ** 2 / 2 + phi(next) * weighted), curvature]);
      }
    }
    previous = x0;
    previousSlope = slope;
    const added = Math.sqrt(Math.max(next ** 2 - (r * sigma) ** 2, 0));
    if (added > 0 && sNoise > 0) terms.push([to.alpha * added * sNoise, drawNoise(options.noise, x, step)]);
    return combine(...terms);
  });
};
