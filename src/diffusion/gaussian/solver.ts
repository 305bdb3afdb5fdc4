/** @file What a solver is: a short async function over a denoiser, a state and a grid of points. */
import { ConfigError, ShapeError } from '../../tensor/index.ts';
import { assertFinite, type Denoiser, type Prediction } from './denoiser.ts';
import type { Point } from './process.ts';
import type { State } from './state.ts';

/**
 * The points a solver visits, from noise to data: it evaluates the network at `grid[0] … grid[N−1]` and returns the
 * state at `grid[N]`. N steps need N + 1 points. To start midway (image-to-image), pass `grid.slice(k)`.
 */
export type Grid = readonly Point[];

/** Standard normal numbers for `step`, `length` of them; called in order, and only when the step needs noise. */
export type NoiseSource = (length: number, step: number) => State;

/** What `onStep` is told after each step. */
export interface StepEvent {
  /** 0-based. */
  readonly step: number;
  readonly steps: number;
  readonly from: Point;
  readonly to: Point;
  /** The state at `to`. */
  readonly x: State;
  /** The network's estimate of the data at `from`: the preview to show. */
  readonly x0: State;
}

/** Options every solver takes. */
export interface SolverOptions {
  /** Noise of stochastic solvers. */
  readonly noise?: NoiseSource | undefined;
  readonly onStep?: ((event: StepEvent) => void | Promise<void>) | undefined;
  /** Stops between steps by throwing the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Which way the grid runs; `inversion` integrates from data to noise. */
  readonly direction?: 'generation' | 'inversion' | undefined;
  /** Whether levels of the grid may be repeated: set by solvers for which a step between equal levels changes nothing. */
  readonly repeats?: boolean | undefined;
}

/** A solver: integrates `x` along `grid` and returns the state at its end. `x` itself is left untouched. */
export type Solver<Options extends SolverOptions = SolverOptions> = (
  denoise: Denoiser,
  x: State,
  grid: Grid,
  options?: Options,
) => Promise<State>;

/** One step of a solver that evaluates the network once, at `from`. */
export type Update = (x: State, prediction: Prediction, from: Point, to: Point, step: number) => State | Promise<State>;

/** Runs `update` over the grid: one evaluation, one update, one event per step. */
export async function integrate(
  denoise: Denoiser,
  x: State,
  grid: Grid,
  options: SolverOptions,
  update: Update,
): Promise<State> {
  return eachStep(x, grid, options, async (state, from, to, step) => {
    const prediction = await denoise(state, from, step);
    return { x: await update(state, prediction, from, to, step), prediction };
  });
}

/** The loop under every solver: checks the grid, steps, checks the state, reports. */
export async function eachStep(
  x: State,
  grid: Grid,
  { onStep, signal, direction = 'generation', repeats = false }: SolverOptions,
  advance: (x: State, from: Point, to: Point, step: number) => Promise<{ x: State; prediction: Prediction }>,
): Promise<State> {
  assertMonotone(grid, direction, repeats);
  const steps = grid.length - 1;
  let state = x;
  for (let step = 0; step < steps; step++) {
    signal?.throwIfAborted();
    const from = grid[step]!;
    const to = grid[step + 1]!;
    const advanced = await advance(state, from, to, step);
    state = advanced.x;
    assertFinite(state, 'the state', to, step);
    // x̂₀ is worked out when asked for
    if (onStep !== undefined) await onStep({ step, steps, from, to, x: state, x0: advanced.prediction.x0 });
  }
  return state;
}

/**
 * Throws `ConfigError` unless σ/α falls (or, inverting, rises) along the grid; the level nearest to the data may be repeated,
 * and with `repeats` any.
 */
export function assertMonotone(
  grid: Grid,
  direction: 'generation' | 'inversion' = 'generation',
  repeats = false,
): void {
  if (grid.length < 2) {
    throw new ConfigError(`a grid has at least 2 points, got ${grid.length}`, 'ask for at least one step');
  }
  const sign = direction === 'generation' ? 1 : -1;
  for (let i = 0; i + 1 < grid.length; i++) {
    const [a, b] = [grid[i]!, grid[i + 1]!];
    // compares σ/α without dividing, so that α = 0 is the largest ratio
    const fall = sign * (a.sigma * b.alpha - b.sigma * a.alpha);
    const dataEnd = direction === 'generation' ? i + 2 === grid.length : i === 0;
    if (!(fall > 0 || (fall === 0 && (dataEnd || repeats)))) {
      throw new ConfigError(
        `the grid does not ${direction === 'generation' ? 'descend' : 'ascend'}: σ/α is ${a.sigma / a.alpha} at ` +
          `point ${i} (t = ${a.t}) and ${b.sigma / b.alpha} at point ${i + 1} (t = ${b.t})`,
        direction === 'generation'
          ? 'order the times from noise to data, without repeats'
          : 'order them from data to noise',
      );
    }
  }
}

/** Draws the noise of `step`, or explains that the solver needs a source. */
export function drawNoise(noise: NoiseSource | undefined, x: State, step: number): State {
  if (noise === undefined) {
    throw new ConfigError('this solver is stochastic and was given no noise', {
      api: "pass noise: noiseSource('philox', seed)",
    });
  }
  const drawn = noise(x.length, step);
  if (drawn.length !== x.length) {
    throw new ShapeError(`the noise source returned ${drawn.length} numbers, asked for ${x.length}`);
  }
  return drawn;
}

/** Rounds to the precision of `x`: coefficients of float32 runs are rounded as diffusers rounds them. */
export function rounding(x: State): (value: number) => number {
  return x instanceof Float32Array ? Math.fround : (value) => value;
}
