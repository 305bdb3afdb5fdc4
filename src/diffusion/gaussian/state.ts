/** @file The state of a sampler: a flat float array, and the one operation solvers do with it, a linear combination. */
import { ShapeError } from '../../tensor/index.ts';

/**
 * A sample or a batch of samples, flattened. The array's own precision is the precision of the run: hand a solver a
 * `Float64Array` and it integrates in float64 (as EDM's authors do), a `Float32Array` and every step rounds to float32
 * (as diffusers does). Coefficients are float64 either way.
 */
export type State = Float32Array | Float64Array;

/** One term `coefficient · array` of a linear combination. */
export type Term = readonly [coefficient: number, array: State];

/** A zero-filled state of the length and precision of `x`. */
export function emptyLike(x: State): State {
  return x instanceof Float32Array ? new Float32Array(x.length) : new Float64Array(x.length);
}

/** A copy of `x` in the precision of `model`. */
export function copyLike(model: State, x: ArrayLike<number>): State {
  return model instanceof Float32Array ? Float32Array.from(x) : Float64Array.from(x);
}

/**
 * `Σᵢ cᵢ·aᵢ` as a new array of the first term's precision; sums run in float64 and round once. Terms whose coefficient
 * is exactly zero are skipped, so an undefined direction (0 · ∞) cannot poison a step that does not use it.
 * Throws `ShapeError` when the lengths differ.
 */
export function combine(...terms: readonly Term[]): State {
  const model = terms[0]?.[1];
  if (model === undefined) throw new ShapeError('a linear combination needs at least one term');
  for (const [, array] of terms) {
    if (array.length !== model.length) {
      throw new ShapeError(
        `arrays of one step have ${model.length} and ${array.length} elements`,
        'the network must return as many elements as the state it was given',
      );
    }
  }
  const out = emptyLike(model);
  const used = terms.filter(([coefficient]) => coefficient !== 0);
  const [first, second, third, fourth, fifth] = used;
  if (first === undefined) return out;
  if (second === undefined) return scaleInto(out, first);
  if (third === undefined) return sumOf2(out, first, second);
  if (fourth === undefined) return sumOf3(out, first, second, third);
  if (fifth === undefined) return sumOf4(out, first, second, third, fourth);
  if (used.length === 5) return sumOf5(out, first, second, third, fourth, fifth);
  // more terms are rare: sum them in float64 first
  const sum = new Float64Array(out.length);
  for (const [coefficient, array] of used) {
    for (let i = 0; i < sum.length; i++) sum[i] = sum[i]! + coefficient * array[i]!;
  }
  out.set(sum);
  return out;
}

// A function each, which the engine compiles by itself: in one function, every loop would start out interpreted again.

function scaleInto(out: State, [a, x]: Term): State {
  for (let i = 0; i < out.length; i++) out[i] = a * x[i]!;
  return out;
}

function sumOf2(out: State, [a, x]: Term, [b, y]: Term): State {
  for (let i = 0; i < out.length; i++) out[i] = a * x[i]! + b * y[i]!;
  return out;
}

function sumOf3(out: State, [a, x]: Term, [b, y]: Term, [c, z]: Term): State {
  for (let i = 0; i < out.length; i++) out[i] = a * x[i]! + b * y[i]! + c * z[i]!;
  return out;
}

function sumOf4(out: State, [a, x]: Term, [b, y]: Term, [c, z]: Term, [d, w]: Term): State {
  for (let i = 0; i < out.length; i++) out[i] = a * x[i]! + b * y[i]! + c * z[i]! + d * w[i]!;
  return out;
}

function sumOf5(out: State, [a, x]: Term, [b, y]: Term, [c, z]: Term, [d, w]: Term, [e, v]: Term): State {
  for (let i = 0; i < out.length; i++) out[i] = a * x[i]! + b * y[i]! + c * z[i]! + d * w[i]! + e * v[i]!;
  return out;
}

/** `a·x + b·y` kept in [−limit, limit]: one pass for what is a combination and a clip. */
export function combineClamped([a, x]: Term, [b, y]: Term, limit: number): State {
  const out = emptyLike(x);
  // picked from a table: noise makes branches unpredictable, which costs four times as much as the sum
  const choice = Float64Array.of(0, limit, -limit);
  for (let i = 0; i < out.length; i++) {
    const value = a * x[i]! + b * y[i]!;
    choice[0] = value;
    out[i] = choice[Number(value > limit) + 2 * Number(value < -limit)]!;
  }
  return out;
}

/** Index of the first element that is NaN or infinite, or -1. */
export function firstNonFinite(x: State): number {
  // 0·finite stays 0, anything else turns a sum into NaN; four sums, so that no addition waits for the one before
  let [a, b, c, d] = [0, 0, 0, 0];
  const whole = x.length - (x.length % 4);
  for (let i = 0; i < whole; i += 4) {
    a += 0 * x[i]!;
    b += 0 * x[i + 1]!;
    c += 0 * x[i + 2]!;
    d += 0 * x[i + 3]!;
  }
  for (let i = whole; i < x.length; i++) a += 0 * x[i]!;
  return a + b + c + d === 0 ? -1 : x.findIndex((value: number) => !Number.isFinite(value));
}
