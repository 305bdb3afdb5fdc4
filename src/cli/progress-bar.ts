/** @file A progress bar with what there is to say beside it, in as many columns as there are. */
import { bar, sparkline } from './format.ts';
import { shortened, widthOf } from './layout.ts';
import type { Colours } from './terminal.ts';

/** What is said beside the bar. */
export interface ProgressFact {
  readonly text: string;
  /** Facts of a lower rank go first where there is no room for all. */
  readonly rank: number;
}

/** What is shown. */
export interface Progress {
  /** From 0 to 1. */
  readonly fraction: number;
  /** From left to right. */
  readonly facts: readonly ProgressFact[];
  /** A curve for the room that is left. */
  readonly curve?: readonly number[];
}

/** Columns of the bar and of the curve. */
const BAR = { least: 4, most: 24 };
const CURVE = { least: 6, most: 40 };

/** One line of at most `columns`: the facts that matter most, a bar, and a curve where there is room. */
export function progressBar({ fraction, facts, curve = [] }: Progress, columns: number, colours: Colours): string {
  const shown = fitting(facts, columns);
  const words = shown.map(({ text }) => text).join('  ');
  const room = columns - widthOf(words) - 1;
  if (room < BAR.least) return shortened(words, columns);
  const width = Math.min(BAR.most, room);
  const rest = Math.min(CURVE.most, room - width - 2);
  const drawn = rest >= CURVE.least && curve.length > 1 ? `  ${colours.dim(sparkline(curve, rest))}` : '';
  return `${colours.cyan(bar(fraction, width))} ${words}${drawn}`;
}

/** The same as plain text, for logs. */
export function progressText({ facts }: Progress): string {
  return facts.map(({ text }) => text).join(', ');
}

/** The facts of the highest ranks that fit beside the least bar; the highest of all in any case. */
function fitting(facts: readonly ProgressFact[], columns: number): readonly ProgressFact[] {
  const ranked = [...facts].sort((a, b) => b.rank - a.rank);
  let left = columns - BAR.least - 1;
  const kept = ranked.filter(({ text }, i) => {
    const width = widthOf(text) + (i === 0 ? 0 : 2);
    if (i > 0 && width > left) {
      left = 0;
      return false;
    }
    left -= width;
    return true;
  });
  return facts.filter((fact) => kept.includes(fact));
}
