/** @file Editing by starting midway: SDEdit, interpolation of latents, DDIM inversion; any solver, any model. */
import { ConfigError, ShapeError } from '../../../tensor/index.ts';
import { plural } from '../../../tensor/plural.ts';
import type { Denoiser } from '../denoiser.ts';
import type { Point } from '../process.ts';
import type { Grid, SolverOptions } from '../solver.ts';
import { ddim } from '../solvers/ddim.ts';
import { combine, type State } from '../state.ts';

/** `x_t = α·x₀ + σ·ε`: a draw of the forward process at `point`, given its noise. */
export function addNoise(x0: State, noise: State, { alpha, sigma }: Point): State {
  return combine([alpha, x0], [sigma, noise]);
}

/**
 * The tail of a grid that image-to-image runs for `strength` ∈ [0, 1] (SDEdit, Meng et al. 2022): 1 starts from pure
 * noise, 0 changes nothing. As diffusers counts, the last `⌊steps·strength⌋` steps are run.
 * Throws `ConfigError` outside [0, 1] and where no step is left.
 */
export function strengthGrid(grid: Grid, strength: number): Grid {
  if (!(strength >= 0 && strength <= 1)) throw new ConfigError(`strength lies in [0, 1], got ${strength}`);
  const steps = grid.length - 1;
  const kept = Math.min(Math.floor(steps * strength), steps);
  if (kept < 1) {
    throw new ConfigError(
      `strength ${strength} of ${plural(steps, 'step')} leaves none to run`,
      `use a strength of at least ${(1 / steps).toPrecision(2)}, or more steps`,
    );
  }
  return grid.slice(steps - kept);
}

/** The tail of a grid that starts at or just below noise level `sigma` = σ/α. */
export function gridFromLevel(grid: Grid, sigma: number): Grid {
  const start = grid.findIndex((point) => point.sigma <= sigma * point.alpha);
  if (start < 0 || start > grid.length - 2) {
    throw new ConfigError(`no step of the grid starts below noise level ${sigma}`, 'ask for a higher level');
  }
  return grid.slice(start);
}

/**
 * Spherical interpolation of two noises: keeps the norm, and with it the variance that the prior asks for.
 * `t` = 0 gives `a`, 1 gives `b`; nearly parallel inputs are interpolated linearly.
 */
export function slerp(a: State, b: State, t: number): State {
  if (a.length !== b.length) throw new ShapeError(`cannot interpolate ${a.length} and ${b.length} elements`);
  let [ab, aa, bb] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    ab += a[i]! * b[i]!;
    aa += a[i]! ** 2;
    bb += b[i]! ** 2;
  }
  const cosine = Math.min(1, Math.max(-1, ab / Math.sqrt(aa * bb)));
  if (Math.abs(cosine) > 0.9995 || Number.isNaN(cosine)) return combine([1 - t, a], [t, b]);
  const angle = Math.acos(cosine);
  return combine([Math.sin((1 - t) * angle) / Math.sin(angle), a], [Math.sin(t * angle) / Math.sin(angle), b]);
}

/** Options of DDIM inversion. */
export interface InversionOptions extends SolverOptions {
  /** Fixed-point iterations per step; 0 is plain DDIM inversion, 2-5 make it nearly exact (Pan et al. 2023, AIDI). */
  readonly refinements?: number;
}

/**
 * DDIM inversion: carries data up to the noise from which deterministic DDIM gives it back. `grid` is the generation
 * grid; it is walked from its end. Each step needs ε̂ at the noisier end, which is not known yet: plain inversion takes
 * the one at the cleaner end, `refinements` re-evaluate at the estimate. A clean last point is left through the noise
 * prediction of the first noisy one.
 */
export async function ddimInversion(
  denoise: Denoiser,
  x0: State,
  grid: Grid,
  { refinements = 0, onStep, signal }: InversionOptions = {},
): Promise<State> {
  let state = x0;
  const steps = grid.length - 1;
  for (let step = 0; step < steps; step++) {
    signal?.throwIfAborted();
    const from = grid[steps - step]!;
    const to = grid[steps - step - 1]!;
    // at clean data the network knows no noise level, so it is asked at the next one
    const asked = from.sigma === 0 ? to : from;
    const first = await denoise(state, asked, step);
    let next = lift(state, first.eps, from, to);
    let x0Preview = first.x0;
    for (let k = 0; k < refinements; k++) {
      const better = await denoise(next, to, step);
      next = lift(state, better.eps, from, to);
      x0Preview = better.x0;
    }
    state = next;
    await onStep?.({ step, steps, from, to, x: state, x0: x0Preview });
  }
  return state;
}

/** The DDIM formula solved for the noisier state: `x_to = α_to/α_from·x + (σ_to − α_to/α_from·σ_from)·ε̂`. */
function lift(x: State, eps: State, from: Point, to: Point): State {
  const scale = to.alpha / from.alpha;
  return combine([scale, x], [to.sigma - scale * from.sigma, eps]);
}

/** Inversion followed by deterministic DDIM on the same grid, and the largest error of the round trip. */
export async function reconstruct(
  denoise: Denoiser,
  x0: State,
  grid: Grid,
  options: InversionOptions = {},
): Promise<{ noise: State; x0: State; error: number }> {
  const noise = await ddimInversion(denoise, x0, grid, options);
  const back = await ddim(denoise, noise, grid);
  let error = 0;
  for (let i = 0; i < x0.length; i++) error = Math.max(error, Math.abs(back[i]! - x0[i]!));
  return { noise, x0: back, error };
}
