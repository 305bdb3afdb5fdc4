/** @file From a network to a denoiser: parameterisation, input scaling, clipping and learned variance, composed once. */
import { EngineError, ShapeError } from '../../tensor/index.ts';
import { parameterisation as named, type Parameterisation, readout, type Target } from './parameterisation.ts';
import type { Point } from './process.ts';
import { combine, combineClamped, firstNonFinite, type State } from './state.ts';

/**
 * A network: the raw output for state `x` at `point`, in an array that it does not write to again: solvers keep it.
 * `step` counts the solver's steps, for messages and intervals.
 */
export type Network = (x: State, point: Point, step: number) => State | Promise<State>;

/** What a solver steps with: estimates of the data and of the noise in `x = α·x₀ + σ·ε`. */
export interface Prediction {
  /** x̂₀, after clipping or thresholding. */
  readonly x0: State;
  /** ε̂. It need not agree with a clipped x̂₀: diffusers keeps the network's own noise, CFG++ the unconditional one. */
  readonly eps: State;
  /** Raw second half of a learned-variance network's output. */
  readonly variance?: State;
  /** All estimates of the data of a network that makes several, along its last axis: x̂₀ is the first of them. */
  readonly several?: readonly State[];
}

/** A denoiser: what solvers call, once per network evaluation. */
export type Denoiser = (x: State, point: Point, step: number) => Prediction | Promise<Prediction>;

/** A change to x̂₀ before the solver sees it, such as `clip` or `dynamicThreshold`; may work in place. */
export interface X0Transform {
  (x0: State, point: Point, step: number): State;
  /** Set when all it does is to clamp to [−range, range]: the denoiser then does so while it reads x̂₀. */
  readonly range?: number;
}

/** How a network's output is read. */
export interface DenoiserOptions {
  /** What the network predicts: a name or a function. */
  readonly prediction?: string | Parameterisation;
  /** Factor on the network's input, e.g. `unitVariance` for a variance-preserving network driven in σ-space. */
  readonly scaleInput?: ((point: Point) => number) | undefined;
  /** Clipping, thresholding … of x̂₀. */
  readonly transform?: X0Transform | undefined;
  /** Recompute ε̂ from the transformed x̂₀ (GLIDE; `use_clipped_model_output` in diffusers). */
  readonly consistent?: boolean;
  /** Elements of one sample's state; given, the network's output holds [prediction, variance] along the channels. */
  readonly learnedVariance?: number | undefined;
  /** The network makes `count` predictions, one after another in every `lastAxis` elements of the state. */
  readonly several?: { readonly count: number; readonly lastAxis: number } | undefined;
}

/** `1/√(α² + σ²)`: brings the state of any frame to the unit variance that variance-preserving networks were trained on. */
export const unitVariance = ({ alpha, sigma }: Point): number => 1 / Math.hypot(alpha, sigma);

/**
 * Wraps `network` into a denoiser. Throws `EngineError` naming step and time when the output is not finite, and
 * `ShapeError` when it has the wrong size.
 */
export function denoiser(
  network: Network,
  { prediction = 'epsilon', scaleInput, transform, consistent = false, learnedVariance, several }: DenoiserOptions = {},
): Denoiser {
  const parameterisation = named(prediction);
  const estimateData = (x: State, output: State, point: Point, step: number, [onX, onOutput]: Factors): State => {
    if (onX === Number.POSITIVE_INFINITY) return unknownData(parameterisation(point), x, output, point, step);
    if (transform?.range !== undefined) return combineClamped([onX, x], [onOutput, output], transform.range);
    const x0 = apply([onX, onOutput], x, output);
    return transform === undefined ? x0 : transform(x0 === output ? output.slice() : x0, point, step);
  };
  /** ε̂ predicted where nothing but noise is left: x̂₀ = (x − σ·ε̂)/0, whose signs are all that a limit on x̂₀ leaves. */
  const unknownData = ({ q }: Target, x: State, output: State, point: Point, step: number): State => {
    const infinite = combine([q, x], [-point.sigma, output]).map((difference: number) => difference / 0);
    return transform === undefined ? infinite : transform(infinite, point, step);
  };
  return async (x, point, step) => {
    const scale = scaleInput?.(point) ?? 1;
    const raw = await network(scale === 1 ? x : combine([scale, x]), point, step);
    assertFinite(raw, `the network's output`, point, step);
    const read = readout(parameterisation, point);
    if (several !== undefined) {
      const outputs = splitSeveral(raw, x, several);
      const estimates = outputs.map((output) => apply(read.x0, x, output));
      return { x0: estimates[0]!, eps: apply(read.eps, x, outputs[0]!), several: estimates };
    }
    const { output, variance } = splitVariance(raw, x, learnedVariance);
    // worked out when asked for: many solvers step with one of the two
    const x0 = once(() => estimateData(x, output, point, step, read.x0));
    const eps = once(() =>
      consistent && transform !== undefined
        ? combine([1 / point.sigma, x], [-point.alpha / point.sigma, x0()])
        : apply(read.eps, x, output),
    );
    return {
      get x0() {
        return x0();
      },
      get eps() {
        return eps();
      },
      ...(variance !== undefined && { variance }),
    };
  };
}

/** `compute`, called the first time only. */
function once(compute: () => State): () => State {
  let value: State | undefined;
  return () => {
    value ??= compute();
    return value;
  };
}

/** An estimate as a combination of the state and the network's output. */
type Factors = readonly [onX: number, onOutput: number];

function apply([onX, onOutput]: Factors, x: State, output: State): State {
  return onX === 0 && onOutput === 1 ? output : combine([onX, x], [onOutput, output]);
}

function splitVariance(raw: State, x: State, sampleSize: number | undefined): { output: State; variance?: State } {
  if (raw.length === x.length) return { output: raw };
  if (sampleSize === undefined || raw.length !== 2 * x.length || x.length % sampleSize !== 0) {
    throw new ShapeError(`the network returned ${raw.length} elements for a state of ${x.length}`, {
      api: 'a network that also predicts its variance returns twice as many, and needs the learnedVariance option',
      cli: 'a network that also predicts its variance returns twice as many: set variance_type to learned_range in its scheduler_config.json',
    });
  }
  const output = x.slice();
  const variance = x.slice();
  for (let at = 0; at < x.length; at += sampleSize) {
    output.set(raw.subarray(2 * at, 2 * at + sampleSize), at);
    variance.set(raw.subarray(2 * at + sampleSize, 2 * at + 2 * sampleSize), at);
  }
  return { output, variance };
}

/** [rows, count, lastAxis] → `count` arrays of [rows, lastAxis]. */
function splitSeveral(raw: State, x: State, { count, lastAxis }: { count: number; lastAxis: number }): State[] {
  if (raw.length !== count * x.length || x.length % lastAxis !== 0) {
    throw new ShapeError(
      `the network returned ${raw.length} elements for a state of ${x.length} with rows of ${lastAxis}`,
      `it makes ${count} predictions, so its last axis is ${count} times as long as that of the state`,
    );
  }
  return Array.from({ length: count }, (_, k) => {
    const output = x.slice();
    for (let at = 0; at < x.length; at += lastAxis) {
      const start = count * at + k * lastAxis;
      output.set(raw.subarray(start, start + lastAxis), at);
    }
    return output;
  });
}

/** Throws `EngineError` that names `what`, the step and the time when `x` holds a NaN or an infinity. */
export function assertFinite(x: State, what: string, point: Point, step: number): void {
  const at = firstNonFinite(x);
  if (at < 0) return;
  throw new EngineError(
    `${what} is ${x[at]} at element ${at}, step ${step} (t = ${point.t}, σ = ${point.sigma})`,
    'lower the guidance, check the weights and the prediction type',
  );
}

/** Clamps x̂₀ to [−range, range], in place. */
export function clipData(range = 1): X0Transform {
  const clip = (x0: State): State => {
    for (let i = 0; i < x0.length; i++) {
      const value = x0[i]!;
      if (value > range) x0[i] = range;
      else if (value < -range) x0[i] = -range;
    }
    return x0;
  };
  return Object.assign(clip, { range });
}

/**
 * Dynamic thresholding (Saharia et al. 2022, Imagen): per sample, s = the `ratio` quantile of |x̂₀| kept in
 * [1, maxValue]; clamp to [−s, s], divide by s. `sampleSize`: elements of one sample (default: all of them).
 */
export function dynamicThreshold({
  ratio = 0.995,
  maxValue = 1,
  sampleSize,
}: {
  readonly ratio?: number;
  readonly maxValue?: number;
  readonly sampleSize?: number | undefined;
} = {}): X0Transform {
  // s lies between 1 and maxValue: there is nothing to measure, and sorting would cost more than the solver's step
  if (maxValue === 1) return clipData(1);
  return (x0) => {
    const size = sampleSize ?? x0.length;
    for (let start = 0; start < x0.length; start += size) {
      const sample = x0.subarray(start, start + size);
      // as torch.clamp does, the upper bound wins when it lies below the lower one
      const s = Math.min(maxValue, Math.max(1, quantile(sample.map(Math.abs), ratio)));
      for (let i = 0; i < sample.length; i++) sample[i] = Math.min(s, Math.max(-s, sample[i]!)) / s;
    }
    return x0;
  };
}

/** The `q` quantile with linear interpolation; sorts `values` in place. */
export function quantile(values: State, q: number): number {
  values.sort();
  const position = q * (values.length - 1);
  const low = Math.floor(position);
  const high = Math.min(low + 1, values.length - 1);
  return values[low]! + (position - low) * (values[high]! - values[low]!);
}
