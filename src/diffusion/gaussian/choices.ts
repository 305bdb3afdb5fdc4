/** @file Naming a choice: unknown names are refused with the nearest known one. */
import { ConfigError } from '../../tensor/index.ts';

/** Edits (insert, delete, replace) that turn `a` into `b`. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)));
    }
    row = next;
  }
  return row[b.length]!;
}

/** The candidate that reads most like `name`. */
export function nearest(name: string, candidates: readonly string[]): string | undefined {
  const plain = (text: string) => text.toLowerCase().replace(/[^a-z0-9+]/g, '');
  let best: string | undefined;
  let bestDistance = Number.POSITIVE_INFINITY;
  for (const candidate of candidates) {
    const distance = editDistance(plain(name), plain(candidate));
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

/** `name` if it is one of `candidates`; otherwise a `ConfigError` that suggests the nearest. */
export function oneOf<T extends string>(what: string, name: string, candidates: readonly T[]): T {
  if ((candidates as readonly string[]).includes(name)) return name as T;
  throw new ConfigError(
    `unknown ${what} '${name}'`,
    `did you mean '${nearest(name, candidates)}'? known: ${candidates.join(', ')}`,
  );
}
