/** @file Euler-Maruyama on the reverse-time SDE of any process (Song et al. 2021, eq. 6). */
import type { Point, Process } from '../process.ts';
import { drawNoise, integrate, type Solver, type SolverOptions } from '../solver.ts';
import { combine } from '../state.ts';

/** Options of the reverse SDE. */
export interface ReverseSdeOptions extends SolverOptions {
  /** The process the grid's times belong to. */
  readonly process: Process;
  /** Length of a step in time; by default the distance of its points. */
  readonly timeStep?: (from: Point, to: Point) => number;
  /** Return the last step without its noise. */
  readonly denoise?: boolean;
}

/**
 * `x ← x − Δt·(f·x − g²·s) + g·√Δt·z` with drift f = α̇/α, diffusion g² = 2σ·(σ̇ − f·σ) and score s = −ε̂/σ. Order 1,
 * stochastic, one evaluation per step.
 */
export const reverseSde: Solver<ReverseSdeOptions> = (denoiser, x, grid, options) => {
  const { process, timeStep = (from, to) => Math.abs(from.t - to.t), denoise = true, ...rest } = options!;
  const forward = Math.sign(process.end - process.start);
  return integrate(denoiser, x, grid, rest, (x, { eps }, from, to, step) => {
    const sigma = process.sigma(from.t);
    const drift = (forward * process.alphaDot(from.t)) / process.alpha(from.t);
    const diffusion = 2 * sigma * (forward * process.sigmaDot(from.t) - drift * sigma);
    const dt = timeStep(from, to);
    const mean = combine([1 - dt * drift, x], [(-dt * diffusion) / from.sigma, eps]);
    if (denoise && step === grid.length - 2) return mean;
    return combine([1, mean], [Math.sqrt(diffusion * dt), drawNoise(rest.noise, x, step)]);
  });
};
