/** @file Counts and articles in words. */

/** `1, step` → `1 step`; `4, batch` → `4 batches`. `shown`: the number as text, e.g. `12 k`. */
export function plural(count: number, noun: string, shown = String(count)): string {
  return `${shown} ${noun}${count === 1 ? '' : /(s|x|ch|sh)$/.test(noun) ? 'es' : 's'}`;
}

/** `DDPMPipeline` → `a DDPMPipeline`; `LDMPipeline`, `SVG`, `image` → `an …`, as they are said. */
export function withArticle(noun: string): string {
  // letters of an abbreviation are said one by one: an L, an S, but a U
  const vowel = /^[A-Z]{2}(?![a-z])/.test(noun) ? /^[AEFHILMNORSX]/ : /^[aeio]/i;
  return `${vowel.test(noun) ? 'an' : 'a'} ${noun}`;
}
