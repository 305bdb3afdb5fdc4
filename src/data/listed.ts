/** @file Lists in messages, which end. */

/** `a`, `a, b, c`, `a, b, c and 9 more`. */
export function listed(items: readonly (string | number)[], most = 3): string {
  const shown = items.slice(0, most).join(', ');
  return items.length > most ? `${shown} and ${items.length - most} more` : shown;
}
