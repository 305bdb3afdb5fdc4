/** @file NumPy's rounding, to the bit: grids of diffusers are made of it, and the last bit decides which way a half is rounded. */

/** Rounds to the nearest integer, halves to the even one, as `numpy.round` does. */
export function roundHalfEven(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  if (rest !== 0.5) return Math.round(x);
  return floor % 2 === 0 ? floor : floor + 1;
}

/** `count` numbers from `start` to `end`, as `numpy.linspace` computes them. */
export function linspace(start: number, end: number, count: number): number[] {
  if (count === 1) return [start];
  const step = (end - start) / (count - 1);
  return Array.from({ length: count }, (_, i) => (i === count - 1 ? end : i * step + start));
}

/**
 * `numpy.arange(start, stop, step)`: NumPy steps by the difference of its first two numbers, which has lost digits of `step`.
 * 1000 less three times 1000/48 is 937.5; `arange` has a little less.
 */
export function arange(start: number, stop: number, step: number): number[] {
  const difference = start + step - start;
  return Array.from({ length: Math.max(0, Math.ceil((stop - start) / step)) }, (_, i) => start + i * difference);
}

const f = Math.fround;
const NUMERATOR = [0.025899792, 0.380883774, 1.48000063, 2.11267754, 1, 0].map(f);
const DENOMINATOR = [0.0058750954, 0.154647638, 0.986494296, 2.45300607, 2.61267754, 1].map(f);
/** Horner's rule in fused float32 steps. */
const polynomial = (coefficients: readonly number[], z: number): number =>
  coefficients.reduce((value, coefficient) => f(value * z + coefficient));

/**
 * The natural logarithm of a positive normal float32 as `numpy.log` computes it on x86 (AVX2 and later): k·ln 2 and a rational
 * function of the mantissa, in one number of fourteen a last bit off the nearest float32. Whether a level lies above or below
 * the noisiest trained one can hang on that bit, and with it the first time.
 */
export function logFloat32(x: number): number {
  let exponent = Math.ceil(Math.log2(x));
  let mantissa = x / 2 ** exponent;
  // Math.log2 may be off beside powers of two
  if (mantissa >= 1) [mantissa, exponent] = [mantissa / 2, exponent + 1];
  if (mantissa <= f(Math.SQRT1_2)) [mantissa, exponent] = [mantissa * 2, exponent - 1];
  const z = f(mantissa - 1);
  return f(exponent * f(Math.LN2) + f(polynomial(NUMERATOR, z) / polynomial(DENOMINATOR, z)));
}
