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

/** A set of pictures that others are measured against. */
export interface SlicedTarget {
  /** Coordinates of `a: [n, D]` along every direction. Throws `ShapeError` when that is no whole number of samples. */
  project(a: Float32Array): readonly Float64Array[];
  /** Distance of projected samples; of those that `picks` names, in any number, where given. */
  distance(projected: readonly Float64Array[], picks?: ArrayLike<number>): number;
}

/**
 * `√(E_θ W₂²(θ·a, θ·b))` over random unit vectors θ (Rabin et al. 2011; Bonneel et al. 2015). Its unit is that of a pixel:
 * shifting every element of one set by δ puts the sets δ apart, since `E (θ·1)² = 1`. Two finite sets of the same law are
 * not at distance 0: compare with the distance of real pictures from real pictures, in the same numbers.
 *
 * Projects `b: [m, D]` once. Throws `ShapeError` when a set is empty or no whole number of samples.
 */
export function slicedTarget(
  b: Float32Array,
  { dimensions, projections = 256, seed = 0 }: SlicedWassersteinOptions,
): SlicedTarget {
  const directions = Array.from({ length: projections }, (_, draw) => unitVector(dimensions, seed, draw));
  const targets = directions.map((direction) => coordinates(b, direction).sort());
  return {
    project: (a) => directions.map((direction) => coordinates(a, direction)),
    distance: (projected, picks) => {
      const squares = projected.map((all, i) => {
        const some = picks === undefined ? all.slice() : Float64Array.from(picks, (pick) => all[pick]!);
        return squaredWasserstein(some.sort(), targets[i]!);
      });
      return Math.sqrt(squares.reduce((sum, square) => sum + square, 0) / projections);
    },
  };
}

/** Distance from `b`, as a function of `a`; see `slicedTarget`. */
export function slicedWassersteinTo(b: Float32Array, options: SlicedWassersteinOptions): (a: Float32Array) => number {
  const target = slicedTarget(b, options);
  return (a) => target.distance(target.project(a));
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

/** The samples' coordinates along `direction`. */
function coordinates(samples: Float32Array, direction: Float32Array): Float64Array {
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
  return out;
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
