/**
 * @file The mathematics that DPM-Solver(++), UniPC, DEIS, SA-Solver and RES share: exact integrals of `exp × polynomial`.
 *
 * With λ = log(α/σ), the reverse process from s to t solves (Lu et al. 2022, eq. 9; Xue et al. 2023, eq. 11-12)
 *
 *     data:   x_t = (σ_t/σ_s)·e^{−τ²h}·x_s + α_t·∫₀¹ c·e^{c(u−1)}·x̂₀(λ_s + u·h) du + σ_t·√(1 − e^{−2τ²h})·z,  c = (1+τ²)·h
 *     noise:  x_t = (α_t/α_s)·x_s + (1+τ²)·σ_t·∫₀¹ c·e^{c(u−1)}·ε̂(λ_s + u·h) du + τ·σ_t·√(e^{2h} − 1)·z,   c = −h
 *
 * (τ = 0: the ODE; τ = 1: the SDE). A method chooses nodes u_k where the prediction is known, and how well it computes
 * the moments `M_j = ∫₀¹ c·e^{c(u−1)}·uʲ du`.
 */
import { lambdaOf, type Point } from './process.ts';
import { combine, type State, type Term } from './state.ts';

/** Which prediction is extrapolated: x̂₀ (the "++" solvers) or ε̂. */
export type PredictionKind = 'data' | 'noise';

/** A prediction and the λ at which it was made. */
export interface Node {
  readonly lambda: number;
  readonly value: State;
}

/** `M_0 … M_{count−1}` for the exponent `c`, to full precision for any c (a series where the recurrence would cancel). */
export function exponentialMoments(c: number, count: number): number[] {
  if (c === Number.POSITIVE_INFINITY) return new Array<number>(count).fill(1);
  const moments = [-Math.expm1(-c)];
  for (let j = 1; j < count; j++) {
    moments.push(Math.abs(c) < 1 ? momentSeries(c, j) : 1 - (j / c) * moments[j - 1]!);
  }
  return moments;
}

/** `M_j = j!·Σ_n (−1)ⁿ c^{n+1}/(n+j+1)!`. */
function momentSeries(c: number, j: number): number {
  let term = c;
  for (let k = 2; k <= j + 1; k++) term /= k;
  for (let k = 2; k <= j; k++) term *= k;
  let sum = 0;
  for (let n = 0; n < 30 && Math.abs(term) > 1e-18 * Math.abs(sum); n++) {
    sum += term;
    term *= -c / (n + j + 2);
  }
  return sum;
}

/**
 * Quadrature weights `w_k` with `Σ_k w_k·u_kʲ = M_j`: exact for the polynomial through the nodes, given exact moments.
 */
export function quadratureWeights(nodes: readonly number[], moments: readonly number[]): number[] {
  return nodes.map((node, k) => {
    // monomial coefficients of the k-th Lagrange polynomial
    let basis = [1];
    nodes.forEach((other, m) => {
      if (m === k) return;
      const scale = 1 / (node - other);
      const next = new Array<number>(basis.length + 1).fill(0);
      basis.forEach((coefficient, j) => {
        next[j] = next[j]! - other * scale * coefficient;
        next[j + 1] = next[j + 1]! + scale * coefficient;
      });
      basis = next;
    });
    return basis.reduce((sum, coefficient, j) => sum + coefficient * moments[j]!, 0);
  });
}

/** Adjusts the exact moments to what a published method uses; `c` is the exponent, `order` the number of nodes. */
export type MomentRule = (moments: number[], c: number, order: number) => number[];

/** Exact moments: exponential Adams (DEIS in log ρ, RES, UniPC from order 3, DPM-Solver's `heun` at order 2). */
export const exactMoments: MomentRule = (moments) => moments;

/** `M_1 = M_0/2` at order 2: DPM-Solver's `midpoint`, UniPC's B₂(h) = e^h − 1 with ρ = ½. */
export const midpointMoments: MomentRule = (moments, _c, order) =>
  order === 2 ? [moments[0]!, moments[0]! / 2] : moments;

/** `M_1 = c/2` at order 2: UniPC's B₁(h) = h with ρ = ½, SA-Solver's second-order coefficients. */
export const linearMoments: MomentRule = (moments, c, order) => (order === 2 ? [moments[0]!, c / 2] : moments);

/** One exponential step. */
export interface ExponentialStep {
  readonly x: State;
  readonly from: Point;
  readonly to: Point;
  readonly kind: PredictionKind;
  /** Known predictions; the polynomial goes through all of them. */
  readonly nodes: readonly Node[];
  readonly rule?: MomentRule;
  /** Stochasticity, with the noise that realises it. */
  readonly tau?: number;
  readonly noise?: State | undefined;
}

/** Carries `x` from `from` to `to` through the polynomial that interpolates `nodes` in λ. */
export function exponentialStep({
  x,
  from,
  to,
  kind,
  nodes,
  rule = exactMoments,
  tau = 0,
  noise,
}: ExponentialStep): State {
  const lambda = lambdaOf(from);
  const target = lambdaOf(to);
  const h = target - lambda;
  if (h === 0) return x.slice();
  if (to.sigma === 0 && kind === 'noise') return leapToData(x, from, to, nodes);
  const t2 = tau ** 2;
  const c = kind === 'data' ? (1 + t2) * h : -h;
  const gain = kind === 'data' ? to.alpha : (1 + t2) * to.sigma;
  const moments = rule(exponentialMoments(c, nodes.length), c, nodes.length);
  // in units of the step; a node in pure noise (λ = −∞) is infinitely far from all others, and the polynomial's limit
  // does not see it
  const placed = nodes
    .map(({ lambda: at, value }) => ({ u: at === lambda ? 0 : at === target ? 1 : (at - lambda) / h, value }))
    .filter(({ u }) => u !== -Infinity);
  const weights = quadratureWeights(
    placed.map(({ u }) => u),
    moments,
  );
  const decay = t2 === 0 ? 1 : Math.exp(-t2 * h);
  const onX = kind === 'data' ? (to.sigma / from.sigma) * decay : to.alpha / from.alpha;
  const terms: Term[] = [[onX, x], ...weights.map((w, k): Term => [gain * w, placed[k]!.value])];
  if (noise !== undefined) terms.push([noiseLevel(kind, to.sigma, tau, h), noise]);
  return combine(...terms);
}

/** The limit of a noise step at σ_t = 0, where only order 1 of the ODE has one: `α_t·(x − σ_s·ε̂)/α_s`. */
function leapToData(x: State, from: Point, to: Point, [latest]: readonly Node[]): State {
  const scale = to.alpha / from.alpha;
  return latest === undefined ? x.slice() : combine([scale, x], [-scale * from.sigma, latest.value]);
}

/** Standard deviation that a step of length `h` adds at stochasticity `tau`. */
function noiseLevel(kind: PredictionKind, sigma: number, tau: number, h: number): number {
  if (sigma === 0 || tau === 0) return 0;
  return kind === 'data'
    ? sigma * Math.sqrt(-Math.expm1(-2 * tau ** 2 * h))
    : tau * sigma * Math.sqrt(Math.expm1(2 * h));
}
