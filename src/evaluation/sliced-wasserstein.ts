/** @file Sliced Wasserstein distance between two sets of pictures: exact in one dimension, averaged over directions. */
import { fillNormal, ShapeError } from '../tensor/index.ts';

/** Options of the sliced Wasserstein distance. */
export interface SlicedWassersteinOptions {
  /** Elements of one sample, D. */
  readonly dimensions: number;
  /** Random directions. Default 256. */
  readonly projections?: number;
  /** Of the directions. */
  readonly seed?: number;
}

/**
 * `√(E_θ W₂²(θ·a, θ·b))` over random unit vectors θ (Rabin et al. 2011; Bonneel et al. 2015). Its unit is that of a pixel:
 * shifting every element of one set by δ puts the sets δ apart, since `E (θ·1)² = 1`. Two finite sets of the same law are
 * not at distance 0: compare with the distance of real pictures from real pictures, in the same numbers.
 *
 * Returns a function of `a: [n, D]`, so that `b: [m, D]` is projected once. Throws `ShapeError` when a set is empty or
 * no whole number of samples.
 */
export function slicedWassersteinTo(
  b: Float32Array,
  { dimensions, projections = 256, seed = 0 }: SlicedWassersteinOptions,
): (a: Float32Array) => number {
  const directions = Array.from({ length: projections }, (_, draw) => unitVector(dimensions, seed, draw));
  const targets = directions.map((direction) => projected(b, direction));
  return (a) => {
    let squares = 0;
    directions.forEach((direction, i) => {
      squares += squaredWasserstein(projected(a, direction), targets[i]!);
    });
    return Math.sqrt(squares / projections);
  };
}

/** `slicedWassersteinTo(b)(a)`. */
export function slicedWasserstein(a: Float32Array, b: Float32Array, options: SlicedWassersteinOptions): number {
  return slicedWassersteinTo(b, options)(a);
}

function unitVector(dimensions: number, seed: number, draw: number): Float32Array {
  const direction = fillNormal(new Float32Array(dimensions), { seed, draw });
  const norm = Math.sqrt(direction.reduce((sum, value) => sum + value * value, 0));
  return direction.map((value) => value / norm);
}

/** The samples' coordinates along `direction`, ascending. */
function projected(samples: Float32Array, direction: Float32Array): Float64Array {
  const size = direction.length;
  const count = samples.length / size;
  if (!Number.isInteger(count) || count < 1) {
    throw new ShapeError(`a set of samples of ${size} elements was expected, got ${samples.length} elements`);
  }
  const out = new Float64Array(count);
  for (let n = 0; n < count; n++) {
    let dot = 0;
    for (let d = 0; d < size; d++) dot += samples[n * size + d]! * direction[d]!;
    out[n] = dot;
  }
  return out.sort();
}

/**
 * `W₂²` of two empirical distributions on the line, given ascending: `∫₀¹ (F⁻¹(u) − G⁻¹(u))² du`, exact for any sizes.
 */
export function squaredWasserstein(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const [n, m] = [a.length, b.length];
  let total = 0;
  // masses counted in units of 1/(n·m), so that they stay whole
  for (let i = 0, j = 0, at = 0; i < n && j < m; ) {
    const next = Math.min((i + 1) * m, (j + 1) * n);
    total += (next - at) * (a[i]! - b[j]!) ** 2;
    at = next;
    if (next === (i + 1) * m) i++;
    if (next === (j + 1) * n) j++;
  }
  return total / (n * m);
}
