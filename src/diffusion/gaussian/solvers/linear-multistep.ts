/** @file Classical linear multistep methods on ε̂: LMS (variable steps in σ), PLMS/PNDM and iPNDM (Adams-Bashforth weights). */
import { quadratureWeights } from '../exponential.ts';
import { type Parameterisation, readout } from '../parameterisation.ts';
import { type Point, sigmaRatio } from '../process.ts';
import { eachStep, type Grid, integrate, type Solver, type SolverOptions } from '../solver.ts';
import { combine, type State, type Term } from '../state.ts';

/** LMS's own options. */
export interface LmsOptions extends SolverOptions {
  /** 1 to 4 (higher is unstable). */
  readonly order?: number;
  /**
   * Points of the whole grid before this tail, for parity with diffusers, which counts the order from the start of the
   * whole grid: slopes it never evaluated then count as zero.
   */
  readonly before?: Grid | undefined;
}

/**
 * LMS of k-diffusion (Adams-Bashforth with variable steps in σ/α): ε̂ as a polynomial in σ, integrated exactly.
 * One evaluation per step, deterministic; works in any frame, since `d(x/α) = ε̂ d(σ/α)`.
 */
export const lms: Solver<LmsOptions> = (denoise, x, grid, { order = 4, before = [], ...options } = {}) => {
  const history: { sigma: number; eps: State | undefined }[] = before
    .map((point) => ({ sigma: sigmaRatio(point), eps: undefined }))
    .reverse();
  return integrate(denoise, x, grid, options, (x, { eps }, from, to) => {
    const sigma = sigmaRatio(from);
    history.unshift({ sigma, eps });
    history.length = Math.min(history.length, order);
    const step = sigmaRatio(to) - sigma;
    const nodes = history.map((node) => (node.sigma - sigma) / step);
    // moments of the plain integral: ∫₀¹ uʲ du
    const weights = quadratureWeights(
      nodes,
      history.map((_, j) => 1 / (j + 1)),
    );
    const scale = to.alpha / from.alpha;
    const terms = history.flatMap(({ eps: slope }, k): Term[] =>
      slope === undefined ? [] : [[to.alpha * step * weights[k]!, slope]],
    );
    return combine([scale, x], ...terms);
  });
};

/** Adams-Bashforth weights for equal steps, newest first, for 1 to 4 known slopes. */
export const ADAMS_BASHFORTH: readonly (readonly number[])[] = [
  [1],
  [3 / 2, -1 / 2],
  [23 / 12, -16 / 12, 5 / 12],
  [55 / 24, -59 / 24, 37 / 24, -9 / 24],
];

/** The Adams-Bashforth average of the slopes in `history` (newest first, at most 4), times `factor`. */
const averaged = (history: readonly State[], factor = 1): Term[] =>
  history.map((slope, k) => [factor * ADAMS_BASHFORTH[history.length - 1]![k]!, slope]);

/** PNDM's own options. */
export interface PndmOptions extends SolverOptions {
  /** Start with Runge-Kutta steps (PNDM) or with one step of doubled evaluation (PLMS of Stable Diffusion). */
  readonly start?: 'runge-kutta' | 'plms';
  /**
   * The middle of each of the first three steps, for `runge-kutta`: where the first slope leads, and where the network is
   * then asked. One point, but in diffusers on steps of odd length.
   */
  readonly halfway?: readonly { readonly reached: Point; readonly asked: Point }[];
  /** The quantity whose history is averaged; diffusers averages the raw network output. */
  readonly parameterisation?: Parameterisation | undefined;
  /** Points where steps land when not at the next grid point; Runge-Kutta steps land on it. */
  readonly landings?: readonly Point[] | undefined;
  /** Where the second evaluation of `plms` takes the state to have started when not at the first grid point. */
  readonly restart?: Point | undefined;
}

/**
 * Pseudo numerical methods (Liu et al. 2022): classical Runge-Kutta or Adams-Bashforth averages of ε̂, carried from
 * point to point by the DDIM formula. Deterministic; one evaluation per step after the start.
 */
export const pndm: Solver<PndmOptions> = (
  denoise,
  x,
  grid,
  {
    start = 'plms',
    halfway = [],
    parameterisation: target = () => ({ p: 0, q: 1 }),
    landings,
    restart,
    ...options
  } = {},
) => {
  const history: State[] = [];
  const evaluate = async (x: State, point: Point, step: number) => {
    const prediction = await denoise(x, point, step);
    const { p, q } = target(point);
    const output = p === 0 && q === 1 ? prediction.eps : combine([p, prediction.x0], [q, prediction.eps]);
    return { prediction, output };
  };
  /** From point to point by the DDIM formula, with a weighted average of outputs. */
  const transfer = (x: State, outputs: readonly Term[], from: Point, to: Point): State => {
    const { eps } = readout(target, from);
    const onX = to.alpha / from.alpha;
    const onEps = to.sigma - onX * from.sigma;
    const slopes = outputs.map(([weight, output]): Term => [onEps * eps[1] * weight, output]);
    return combine([onX + onEps * eps[0], x], ...slopes);
  };
  return eachStep(x, grid, options, async (x, from, next, step) => {
    const to = landings?.[step] ?? next;
    const first = await evaluate(x, from, step);
    history.unshift(first.output);
    history.length = Math.min(history.length, 4);
    const half = halfway[step];
    const advance = (outputs: readonly Term[], start: Point, end: Point) => ({
      x: transfer(x, outputs, start, end),
      prediction: first.prediction,
    });
    if (start === 'runge-kutta' && step < 3 && half !== undefined) {
      const { reached, asked } = half;
      const second = await evaluate(transfer(x, [[1, first.output]], from, reached), asked, step);
      const third = await evaluate(transfer(x, [[1, second.output]], from, asked), asked, step);
      const fourth = await evaluate(transfer(x, [[1, third.output]], from, next), next, step);
      const slopes: Term[] = [
        [1 / 6, first.output],
        [1 / 3, second.output],
        [1 / 3, third.output],
        [1 / 6, fourth.output],
      ];
      return advance(slopes, from, next);
    }
    // at clean data there is no slope to take
    if (start === 'plms' && step === 0 && grid.length > 2) {
      const second = await evaluate(transfer(x, [[1, first.output]], from, to), next, step);
      const slopes: Term[] = [
        [1 / 2, first.output],
        [1 / 2, second.output],
      ];
      return advance(slopes, restart ?? from, next);
    }
    return advance(averaged(history), from, to);
  });
};

/** iPNDM's own options. */
export interface IpndmOptions extends SolverOptions {
  /** Slopes of an earlier run to go on from, newest first; kept up to date. */
  readonly history?: State[];
}

/**
 * iPNDM (Zhang & Chen 2023, App. H.2): PLMS started with lower orders instead of extra evaluations.
 * Order 4 on equal steps, one evaluation per step, deterministic. α below 1e-8 is taken as 1e-8.
 */
export const ipndm: Solver<IpndmOptions> = (denoise, x, grid, { history = [], ...options } = {}) => {
  return integrate(denoise, x, grid, options, (x, { eps }, from, to) => {
    history.unshift(eps);
    history.length = Math.min(history.length, 4);
    const scale = to.alpha / Math.max(from.alpha, 1e-8);
    const onSlope = to.sigma - scale * from.sigma;
    return combine([scale, x], ...averaged(history, onSlope));
  });
};
