/** @file Samplers that go down, then up by fresh noise: LCM, consistency models, sCM, TCD, Euler ancestral on a flow. */
import { ConfigError } from '../../../tensor/index.ts';
import { type Point, transition } from '../process.ts';
import { drawNoise, integrate, type Solver, type SolverOptions } from '../solver.ts';
import { combine, type State, type Term } from '../state.ts';

/** Options of multistep consistency sampling. */
export interface ConsistencyOptions extends SolverOptions {
  /** Turns x̂₀ into the consistency function `cSkip·x + cOut·x̂₀`, the identity at the data (Song et al. 2023, eq. 5). */
  readonly boundary?: ((point: Point) => { readonly cSkip: number; readonly cOut: number }) | undefined;
  /** Levels the noise brings the sample to when they are not those of the grid. */
  readonly landings?: readonly Point[] | undefined;
  /** Standard deviation of the noise (sCM's σ_data). */
  readonly noiseScale?: number;
  /** Changes the size of x̂₀ before noise is added, so that the next evaluation is of another size (scale-wise distillation). */
  readonly resize?: ((x0: State, step: number) => State) | undefined;
}

/**
 * Multistep consistency sampling (Song et al. 2023, Algorithm 1; LCM, Luo et al. 2023, Algorithm 3):
 * `x ← α'·f(x) + σ'·z`. Stochastic, one evaluation per step; the last step adds no noise.
 */
export const consistency: Solver<ConsistencyOptions> = (
  denoise,
  x,
  grid,
  { boundary, landings, noiseScale = 1, resize, ...options } = {},
) =>
  integrate(denoise, x, grid, options, (x, { x0 }, from, next, step) => {
    const to = landings?.[step] ?? next;
    const { cSkip, cOut } = boundary?.(from) ?? { cSkip: 0, cOut: 1 };
    const data = resize?.(x0, step) ?? x0;
    const terms: Term[] = [[to.alpha * cOut, data]];
    if (cSkip !== 0) terms.push([to.alpha * cSkip, x]);
    if (to.sigma > 0) terms.push([to.sigma * noiseScale, drawNoise(options.noise, data, step)]);
    return combine(...terms);
  });

/** LCM's boundary condition for a timestep: `cSkip = ¼/(s² + ¼)`, `cOut = s/√(s² + ¼)` with s = t·timestepScaling. */
export function lcmBoundary(timestepScaling = 10): (point: Point) => { cSkip: number; cOut: number } {
  return ({ t }) => {
    const scaled = t * timestepScaling;
    return { cSkip: 0.25 / (scaled ** 2 + 0.25), cOut: scaled / Math.sqrt(scaled ** 2 + 0.25) };
  };
}

/** A deterministic step down to `s`, then, if noise is to be drawn, up to `to` by the forward process. */
function downAndUp(x0: State, eps: State, s: Point, to: Point, draw?: () => State, noiseScale = 1): State {
  const denoised = combine([s.alpha, x0], [s.sigma, eps]);
  if (draw === undefined) return denoised;
  const { scale, variance } = transition(s, to);
  return combine([scale, denoised], [noiseScale * Math.sqrt(variance), draw()]);
}

/** TCD's own options. */
export interface TcdOptions extends SolverOptions {
  /** γ in [0, 1]: 0 deterministic, 1 as stochastic as a consistency model. */
  readonly eta?: number;
  /** The point `s` that a step towards `to` denoises to before noise is added; by TCD `t_s = ⌊(1 − η)·t⌋`. */
  readonly between?: (to: Point, eta: number) => Point;
}

/**
 * Strategic stochastic sampling (Zheng et al. 2024, TCD, Algorithm 2): a DDIM step down to `s`, then noise up to the
 * next level by the forward process. One evaluation per step.
 */
export const tcd: Solver<TcdOptions> = (denoise, x, grid, { eta = 0.3, between, ...options } = {}) => {
  if (!(eta >= 0 && eta <= 1)) throw new ConfigError(`eta lies in [0, 1], got ${eta}`);
  return integrate(denoise, x, grid, options, (x: State, { x0, eps }, _from, to, step) => {
    const s = between?.(to, eta) ?? to;
    const draw = eta === 0 || step === grid.length - 2 ? undefined : () => drawNoise(options.noise, x, step);
    return downAndUp(x0, eps, s, to, draw);
  });
};

/** Options of Euler ancestral on a rectified flow. */
export interface FlowAncestralOptions extends SolverOptions {
  /** 0: Euler; 1: as much noise as ComfyUI's default. */
  readonly eta?: number;
  /** Factor on the added noise; 0 leaves the noise, and the rescaling that makes room for it, out. */
  readonly noiseScale?: number;
}

/**
 * Euler ancestral for rectified flow (ComfyUI's `euler_ancestral_RF`): an Euler step down to
 * `σ_down = σ'·(1 + η·(σ'/σ − 1))`, then noise up to σ' by the forward process. One evaluation per step; the step into
 * clean data adds no noise.
 */
export const flowEulerAncestral: Solver<FlowAncestralOptions> = (
  denoise,
  x,
  grid,
  { eta = 1, noiseScale = 1, ...options } = {},
) =>
  integrate(denoise, x, grid, options, (x, { x0, eps }, from, to, step) => {
    const sigma = to.sigma * (1 + eta * (to.sigma / from.sigma - 1));
    const noisy = to.sigma > 0 && eta > 0 && noiseScale > 0;
    const draw = noisy ? () => drawNoise(options.noise, x, step) : undefined;
    return downAndUp(x0, eps, { t: to.t, alpha: 1 - sigma, sigma }, to, draw, noiseScale);
  });
