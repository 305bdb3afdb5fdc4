/** @file Root-mean-square distance between pictures. */
import { ShapeError } from '../tensor/index.ts';

/** `√(mean (a − b)²)`, in units of the elements. Throws `ShapeError` when the lengths differ. */
export function rmsDistance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) throw new ShapeError(`pictures of ${a.length} and ${b.length} elements have no distance`);
  let squares = 0;
  for (let i = 0; i < a.length; i++) squares += (a[i]! - b[i]!) ** 2;
  return Math.sqrt(squares / a.length);
}
