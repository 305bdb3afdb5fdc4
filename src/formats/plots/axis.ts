/** @file Axes of plots: from values to pixels, with ticks at round numbers. */

/** Linear, or logarithmic to the base ten; a logarithmic axis leaves out what is not positive. */
export type ScaleKind = 'linear' | 'log';

/** A mapping from values to pixels. */
export interface Axis {
  readonly kind: ScaleKind;
  /** Ends of the range, in values. */
  readonly range: readonly [low: number, high: number];
  readonly ticks: readonly number[];
  /** The pixel of a value; NaN where it has none. */
  at(value: number): number;
}

/** What an axis is made from. */
export interface AxisOptions {
  readonly kind: ScaleKind;
  readonly values: readonly number[];
  /** Pixels of the low and the high end. */
  readonly pixels: readonly [from: number, to: number];
  /** Values that are always in range, e.g. 0. */
  readonly include?: readonly number[] | undefined;
  /** Ticks to aim for. */
  readonly count?: number;
}

/** The axis over all finite `values`, widened to round ends on a linear scale. */
export function makeAxis({ kind, values, pixels, include = [], count = 5 }: AxisOptions): Axis {
  const usable = [...values, ...include].filter((value) => Number.isFinite(value) && (kind === 'linear' || value > 0));
  const [low, high] = widened(kind, usable);
  const ticks = kind === 'linear' ? linearTicks(low, high, count) : logTicks(low, high);
  const range: readonly [number, number] =
    kind === 'linear' ? [Math.min(low, ticks[0]!), Math.max(high, ticks.at(-1)!)] : [low, high];
  const position = kind === 'linear' ? (value: number) => value : Math.log;
  const [from, to] = [position(range[0]), position(range[1])];
  return {
    kind,
    range,
    ticks,
    at(value) {
      const share = (position(value) - from) / (to - from);
      return Number.isFinite(share) ? pixels[0] + share * (pixels[1] - pixels[0]) : Number.NaN;
    },
  };
}

function widened(kind: ScaleKind, values: readonly number[]): [number, number] {
  if (values.length === 0) return kind === 'linear' ? [0, 1] : [1, 10];
  const low = values.reduce((a, b) => Math.min(a, b));
  const high = values.reduce((a, b) => Math.max(a, b));
  if (kind === 'log') {
    const margin = Math.max((high / low) ** 0.05, 1.05);
    return [low / margin, high * margin];
  }
  return high > low ? [low, high] : [low - 0.5, high + 0.5];
}

/** Multiples of 1, 2 or 5 times a power of ten that enclose [low, high] in about `count` intervals. */
export function linearTicks(low: number, high: number, count = 5): number[] {
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((factor) => factor * power >= rough * 0.999) ?? 10);
  const [first, last] = [Math.floor(low / step + 1e-9), Math.ceil(high / step - 1e-9)];
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

/** Ticks that a logarithmic axis has at least. */
const LEAST = 3;

/** Powers of ten, a few of them on long ranges; 1, 2 and 5 times them on short ones, and even steps where those miss it. */
export function logTicks(low: number, high: number): number[] {
  const [first, last] = [Math.floor(Math.log10(low)), Math.ceil(Math.log10(high))];
  const decades = last - first;
  const stride = Math.ceil(decades / 8);
  const factors = decades <= 3 ? [1, 2, 5] : [1];
  const ticks: number[] = [];
  for (let power = first; power <= last; power += stride) {
    for (const factor of factors) ticks.push(Number((factor * 10 ** power).toPrecision(12)));
  }
  const within = (tick: number): boolean => tick >= low && tick <= high;
  const kept = ticks.filter(within);
  return kept.length >= LEAST ? kept : linearTicks(low, high).filter(within);
}

const SUPERSCRIPTS = '⁰¹²³⁴⁵⁶⁷⁸⁹';

/** A tick in few characters: `0.25`, `50`, `10⁻⁹`. */
export function tickText(value: number): string {
  const size = Math.abs(value);
  if (value === 0 || (size >= 1e-3 && size < 1e5)) return String(value).replace('-', '−');
  const power = Math.floor(Math.log10(size) + 1e-9);
  const mantissa = Number((size / 10 ** power).toPrecision(3));
  const digits = String(Math.abs(power)).replaceAll(/\d/g, (digit) => SUPERSCRIPTS[Number(digit)]!);
  return `${value < 0 ? '−' : ''}${mantissa === 1 ? '' : `${mantissa}·`}10${power < 0 ? '⁻' : ''}${digits}`;
}
