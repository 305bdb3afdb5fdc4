/** @file Counts in words. */

/** `1, step` → `1 step`; `4, batch` → `4 batches`. `shown`: the number as text, e.g. `12 k`. */
export function plural(count: number, noun: string, shown = String(count)): string {
  return `${shown} ${noun}${count === 1 ? '' : /(s|x|ch|sh)$/.test(noun) ? 'es' : 's'}`;
}
