/** @file Numbers as short text, the same in the terminal and on pages. */

/** Four digits; `∞` for infinities, nothing for NaN. */
export function significant(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? '' : value > 0 ? '∞' : '−∞';
  const size = Math.abs(value);
  const text =
    size !== 0 && (size < 1e-3 || size >= 1e5) ? value.toExponential(2) : String(Number(value.toPrecision(4)));
  return text.replaceAll('-', '−').replace('e+', 'e');
}

/** A share of one as a percentage of two digits: `0.0683` → `6.8 %`. */
export function percentText(share: number): string {
  const percent = 100 * share;
  if (percent > 0 && percent < 0.001) return '< 0.001 %';
  return `${String(Number(percent.toPrecision(2))).replace('-', '−')} %`;
}
