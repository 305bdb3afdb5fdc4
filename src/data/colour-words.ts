/** @file Plain words for colours: the nearest entry of a small named palette, measured in CIE L*a*b*. */

/** A word for each colour, `#rrggbb`; several colours may share a word. */
export type Palette = readonly (readonly [hex: string, word: string])[];

/** sRGB `#rrggbb` (the # may be missing) to CIE L*a*b* under D65. */
export function hexToLab(hex: string): [number, number, number] {
  const value = Number.parseInt(hex.replace('#', ''), 16);
  const linear = [value >> 16, (value >> 8) & 255, value & 255].map((level) => {
    const u = level / 255;
    return u <= 0.04045 ? u / 12.92 : ((u + 0.055) / 1.055) ** 2.4;
  });
  const [r, g, b] = linear as [number, number, number];
  const f = (t: number): number => (t > (6 / 29) ** 3 ? Math.cbrt(t) : t / (3 * (6 / 29) ** 2) + 4 / 29);
  const x = f((0.4124564 * r + 0.3575761 * g + 0.1804375 * b) / 0.95047);
  const y = f(0.2126729 * r + 0.7151522 * g + 0.072175 * b);
  const z = f((0.0193339 * r + 0.119192 * g + 0.9503041 * b) / 1.08883);
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}

/** The word of the palette's colour nearest to `hex`. */
export function nearestColourWord(hex: string, palette: Palette): string {
  const lab = hexToLab(hex);
  let best = '';
  let least = Number.POSITIVE_INFINITY;
  for (const [candidate, word] of palette) {
    const distance = Math.hypot(...hexToLab(candidate).map((value, i) => value - lab[i]!));
    if (distance < least) {
      least = distance;
      best = word;
    }
  }
  return best;
}

/** The distinct words of a palette, in its order. */
export function paletteWords(palette: Palette): string[] {
  return [...new Set(palette.map(([, word]) => word))];
}
