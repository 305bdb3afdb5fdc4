/** @file What a network predicts. Each parameterisation is one line, `F = p·x₀ + q·ε`; every conversion follows from it. */
import { oneOf } from './choices.ts';
import type { Point } from './process.ts';
import { combine, type State } from './state.ts';

/** Weights of a prediction target on the data and on the noise: `F = p·x₀ + q·ε`. */
export interface Target {
  readonly p: number;
  readonly q: number;
}

/** A parameterisation: its target at every point of a process. */
export type Parameterisation = (point: Point) => Target;

/** ε-prediction (Ho et al. 2020): the noise itself. */
export const epsilonPrediction: Parameterisation = () => ({ p: 0, q: 1 });

/** x₀-prediction: the data itself. */
export const samplePrediction: Parameterisation = () => ({ p: 1, q: 0 });

/** v-prediction `v = α·ε − σ·x₀` (Salimans & Ho 2022), with (α, σ) normalised to unit variance. */
export const vPrediction: Parameterisation = ({ alpha, sigma }) => {
  const norm = Math.hypot(alpha, sigma);
  return { p: -sigma / norm, q: alpha / norm };
};

/** The score `∇ log q(x_t) = −ε/σ` (Song et al. 2021). */
export const scorePrediction: Parameterisation = ({ sigma }) => ({ p: 0, q: -1 / sigma });

/** The rectified-flow velocity `u = ε − x₀` (Liu et al. 2022), time running towards noise. */
export const flowPrediction: Parameterisation = () => ({ p: -1, q: 1 });

/** The flow velocity with time running towards data, `u = x₀ − ε` (Lipman et al. 2022; OT-CFM). */
export const reverseFlowPrediction: Parameterisation = () => ({ p: 1, q: -1 });

/** EDM's preconditioning at noise level `sigma` (σ/α): `D(x; σ) = cSkip·x + cOut·F(cIn·x, cNoise)`. */
export interface Preconditioning {
  readonly cSkip: number;
  readonly cOut: number;
  readonly cIn: number;
  readonly cNoise: number;
}

/** Karras et al. 2022, Table 1; `sigmaData` is the standard deviation of the data. */
export function edmPreconditioning(sigma: number, sigmaData = 0.5): Preconditioning {
  const total = sigma ** 2 + sigmaData ** 2;
  return {
    cSkip: sigmaData ** 2 / total,
    cOut: (sigma * sigmaData) / Math.sqrt(total),
    cIn: 1 / Math.sqrt(total),
    cNoise: 0.25 * Math.log(sigma),
  };
}

/**
 * The raw network F of EDM preconditioning: `F = (x₀ − cSkip·(x₀ + σ·ε)) / cOut`. `sign` is −1 for networks trained
 * with the opposite sign of cOut (`v_prediction` in the EDM schedulers of diffusers).
 */
export function edmPrediction({
  sigmaData = 0.5,
  sign = 1,
}: {
  sigmaData?: number;
  sign?: 1 | -1;
} = {}): Parameterisation {
  return ({ alpha, sigma }) => {
    const ratio = sigma / alpha;
    const { cSkip, cOut } = edmPreconditioning(ratio, sigmaData);
    return { p: (1 - cSkip) / (sign * cOut), q: (-cSkip * ratio) / (sign * cOut) };
  };
}

/** Parameterisations by the name that configs use. */
export const PARAMETERISATIONS = {
  epsilon: epsilonPrediction,
  sample: samplePrediction,
  v_prediction: vPrediction,
  score: scorePrediction,
  flow_prediction: flowPrediction,
  reverse_flow: reverseFlowPrediction,
  edm: edmPrediction(),
} as const satisfies Record<string, Parameterisation>;
export type PredictionType = keyof typeof PARAMETERISATIONS;
const PREDICTION_TYPES = Object.keys(PARAMETERISATIONS) as PredictionType[];

/** The parameterisation called `name`; throws `ConfigError` naming the nearest known one. */
export function parameterisation(name: string | Parameterisation): Parameterisation {
  if (typeof name === 'function') return name;
  return PARAMETERISATIONS[oneOf('prediction type', name, PREDICTION_TYPES)];
}

/** How data and noise are read off a state and an output: `x̂₀ = x0[0]·x + x0[1]·F`, `ε̂ = eps[0]·x + eps[1]·F`. */
export interface Readout {
  readonly x0: readonly [x: number, output: number];
  readonly eps: readonly [x: number, output: number];
}

/**
 * Solves `x = α·x₀ + σ·ε`, `F = p·x₀ + q·ε` for x₀ and ε.
 * With `det = α·q − σ·p`: `x₀ = (q·x − σ·F)/det`, `ε = (α·F − p·x)/det`. In pure noise (α = 0) a prediction of the noise
 * alone says nothing about the data: `x0` is then infinite.
 */
export function readout(parameterisation: Parameterisation, point: Point): Readout {
  const { p, q } = parameterisation(point);
  const { alpha, sigma } = point;
  const det = alpha * q - sigma * p;
  return { x0: [q / det, -sigma / det], eps: p === 0 ? [0, 1 / q] : [-p / det, alpha / det] };
}

/** Rewrites a network output from one parameterisation into another at the same state and point. */
export function convertPrediction(
  from: string | Parameterisation,
  to: string | Parameterisation,
  output: State,
  x: State,
  point: Point,
): State {
  const { x0, eps } = readout(parameterisation(from), point);
  const { p, q } = parameterisation(to)(point);
  return combine([p * x0[1] + q * eps[1], output], [p * x0[0] + q * eps[0], x]);
}
