/** @file Pictures of one part of the data that are in the other part as well, by their pixels. */
import { contentHash } from './content-hash.ts';
import type { SplitRows } from './split.ts';

/** Pairs of a row to train on and a held-out row with the same pixels. `size`: values of a picture in `pixels`. */
export function twins(
  pixels: Uint8Array,
  size: number,
  { train, heldOut }: SplitRows,
): [train: number, heldOut: number][] {
  if (heldOut.length === 0) return [];
  const hashOf = (row: number): string => contentHash([pixels.subarray(row * size, (row + 1) * size)]);
  const trained = new Map(Array.from(train, (row) => [hashOf(row), row] as const));
  return Array.from(heldOut).flatMap((row) => {
    const twin = trained.get(hashOf(row));
    return twin === undefined ? [] : [[twin, row] as [number, number]];
  });
}
