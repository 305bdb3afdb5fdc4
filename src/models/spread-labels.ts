/** @file Classes for pictures that were asked for without one: as varied, and as frequent, as in the data. */

/** Fractional steps of the golden ratio fill [0, 1) as evenly as any sequence can. */
const GOLDEN = (Math.sqrt(5) - 1) / 2;

/**
 * The class of picture number `index`: classes appear in proportion to `counts` (pictures of each class in the data),
 * spread evenly, and a picture's class does not depend on how many are made.
 */
export function spreadLabel(index: number, counts: readonly number[]): number {
  const total = counts.reduce((sum, count) => sum + count, 0);
  let rest = ((0.5 + index * GOLDEN) % 1) * total;
  for (const [label, count] of counts.entries()) {
    rest -= count;
    if (rest < 0) return label;
  }
  return counts.length - 1;
}
