/** @file How an error is measured, element by element, inside a trace. */
import { type Tensor, where } from '../../../graph/index.ts';

/** Turns the error of every element into its loss. */
export type Distance = (error: Tensor) => Tensor;

/** `e²`. */
export const squaredDistance: Distance = (error) => error.square();

/** `|e|`. */
export const absoluteDistance: Distance = (error) => error.abs();

/** Huber: `e²` up to δ, then `2δ|e| − δ²`, so that both pieces and their slopes meet. */
export function huberDistance(delta = 1): Distance {
  return (error) => {
    const size = error.abs();
    return where(size.lessEqual(delta), error.square(), size.mul(2 * delta).sub(delta ** 2));
  };
}

/** Pseudo-Huber `2c·(√(e² + c²) − c)`: `e²` for small errors, `2c|e|` for large ones (Song & Dhariwal 2024). */
export function pseudoHuberDistance(c = 0.1): Distance {
  return (error) =>
    error
      .square()
      .add(c ** 2)
      .sqrt()
      .sub(c)
      .mul(2 * c);
}
