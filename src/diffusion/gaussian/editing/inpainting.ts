/** @file Inpainting with any unconditional model: replacement of the known part, and RePaint's resampling. */
import { ConfigError, ShapeError } from '../../../tensor/index.ts';
import type { Denoiser } from '../denoiser.ts';
import { type Point, transition } from '../process.ts';
import { drawNoise, type Grid, type NoiseSource, type Solver, type SolverOptions } from '../solver.ts';
import { ddim } from '../solvers/ddim.ts';
import { combine, emptyLike, type State } from '../state.ts';
import { addNoise } from './image-to-image.ts';

/** What is known of the picture. */
export interface Known {
  /** Data x₀; only the elements where `mask` is 1 are used. */
  readonly x0: State;
  /** 1 where the data is known, 0 where it is to be invented; fractions blend. */
  readonly mask: State;
}

/** `mask·known + (1 − mask)·invented`. */
export function blendByMask(known: State, invented: State, mask: State): State {
  if (known.length !== mask.length || invented.length !== mask.length) {
    throw new ShapeError(
      `mask, known and invented data have ${mask.length}, ${known.length} and ${invented.length} elements`,
    );
  }
  const out = emptyLike(invented);
  for (let i = 0; i < out.length; i++) out[i] = mask[i]! * known[i]! + (1 - mask[i]!) * invented[i]!;
  return out;
}

/**
 * Inpainting by replacement (Song et al. 2021; Lugmayr et al. 2022, without resampling): before every evaluation the
 * known part is replaced by the forward process's own draw at that level. Wraps a denoiser, so that any solver works,
 * and also replaces x̂₀ by the known data. `noise` is one fixed draw, so that the known part follows one path.
 */
export function inpaint(denoise: Denoiser, { x0, mask }: Known, noise: State): Denoiser {
  return async (x, point, step) => {
    const seen = blendByMask(addNoise(x0, noise, point), x, mask);
    const prediction = await denoise(seen, point, step);
    const data = blendByMask(x0, prediction.x0, mask);
    const several = prediction.several?.map((estimate) => blendByMask(x0, estimate, mask));
    const eps = combine([1 / point.sigma, x], [-point.alpha / point.sigma, data]);
    return { ...prediction, x0: data, eps, ...(several === undefined ? {} : { several }) };
  };
}

/** Options of RePaint. */
export interface RepaintOptions extends SolverOptions {
  readonly noise: NoiseSource;
  /** Steps to jump back up. */
  readonly jumpLength?: number;
  /** Times every stretch of `jumpLength` steps is run in all. */
  readonly jumpSamples?: number;
  /** η of the DDIM steps; 1 is the paper's DDPM. */
  readonly eta?: number;
  /** One draw serves the known part and the DDIM step, as in diffusers' scheduler; by default each has its own. */
  readonly sharedNoise?: boolean;
  /** A step back up from the cleaner `from` to the noisier `to`; by default one draw from q(x_to|x_from). */
  readonly ascend?: (x: State, from: Point, to: Point, draw: () => State) => State;
}

/** The walk of RePaint over `steps` steps: +1 one step down (towards data), −1 one step back up. */
export function repaintSchedule(steps: number, jumpLength = 10, jumpSamples = 10): number[] {
  if (jumpLength < 1 || jumpSamples < 1) throw new ConfigError('jumpLength and jumpSamples are at least 1');
  const jumps = new Map<number, number>();
  for (let t = 0; t < steps - jumpLength; t += jumpLength) jumps.set(t, jumpSamples - 1);
  const moves: number[] = [];
  for (let t = steps; t >= 1; ) {
    t--;
    moves.push(1);
    const left = jumps.get(t) ?? 0;
    if (left > 0) {
      jumps.set(t, left - 1);
      for (let k = 0; k < jumpLength; k++, t++) moves.push(-1);
    }
  }
  return moves;
}

/**
 * RePaint (Lugmayr et al. 2022, Algorithm 1): every reverse step takes the known part from the forward process and the
 * rest from the model; now and then it goes `jumpLength` steps back up by the forward process, so that both parts come to
 * agree. Stochastic; one evaluation per downward move.
 */
export async function repaint(
  denoise: Denoiser,
  x: State,
  grid: Grid,
  { x0, mask }: Known,
  { noise, jumpLength = 10, jumpSamples = 10, eta = 1, sharedNoise = false, ascend, onStep, signal }: RepaintOptions,
): Promise<State> {
  const steps = grid.length - 1;
  const moves = repaintSchedule(steps, jumpLength, jumpSamples);
  let state = x;
  let at = 0;
  for (const [step, move] of moves.entries()) {
    signal?.throwIfAborted();
    const from = grid[at]!;
    const to = grid[at + move]!;
    if (move < 0) {
      state = (ascend ?? forward)(state, from, to, () => drawNoise(noise, state, step));
    } else {
      const draw = drawNoise(noise, state, step);
      let preview: State = state;
      const invented = await ddim(denoise, state, [from, to], {
        eta,
        noise: sharedNoise ? () => draw : noise,
        onStep: (event) => {
          preview = event.x0;
        },
      });
      state = blendByMask(addNoise(x0, draw, to), invented, mask);
      await onStep?.({ step, steps: moves.length, from, to, x: state, x0: preview });
    }
    at += move;
  }
  return state;
}

/** One step of the forward process, from the cleaner `from` to the noisier `to`. */
function forward(x: State, from: Point, to: Point, draw: () => State): State {
  const { scale, variance } = transition(from, to);
  return combine([scale, x], [Math.sqrt(variance), draw()]);
}

/** A solver with the known part replaced: `inpaint` around the denoiser, and the known data exact at the end. */
export function inpaintingSolver<O extends SolverOptions>(solver: Solver<O>, known: Known, noise: State): Solver<O> {
  return async (denoise, x, grid, options) => {
    const result = await solver(inpaint(denoise, known, noise), x, grid, options);
    return blendByMask(addNoise(known.x0, noise, grid[grid.length - 1]!), result, known.mask);
  };
}
