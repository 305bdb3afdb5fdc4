/** @file How often something happens in a run: every so many steps, or every so many seconds. */
import { ConfigError } from '../tensor/index.ts';

/** A number of steps (`500`), or a time (`'30s'`, `'2m'`, `'1h'`); 0 is never. */
export type Interval = number | string;

/** An interval, understood. */
export type ParsedInterval = { readonly steps: number } | { readonly seconds: number } | 'never';

const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600 };

/** Throws `ConfigError` for anything that is neither a whole number of steps nor a time. */
export function parseInterval(name: string, interval: Interval): ParsedInterval {
  if (typeof interval === 'number') {
    if (interval === 0) return 'never';
    if (Number.isInteger(interval) && interval > 0) return { steps: interval };
  } else {
    const match = /^(\d+(?:\.\d+)?)\s*([smh])$/.exec(interval.trim());
    const seconds = match ? Number(match[1]) * SECONDS[match[2]!]! : Number.NaN;
    if (seconds > 0) return { seconds };
  }
  throw new ConfigError(
    `${name} is a number of steps or a time, got ${JSON.stringify(interval)}`,
    "e.g. 500 (steps), '30s', '2m', or 0 for never",
  );
}

/** Says when something is due; time is counted from the last time it was done. */
export class Timetable {
  readonly #interval: ParsedInterval;
  #seconds: number;

  /** `seconds`: the clock when the run starts. */
  constructor(interval: ParsedInterval, seconds: number) {
    this.#interval = interval;
    this.#seconds = seconds;
  }

  /** Whether it is due after `step` steps are done, at `seconds` on the clock. */
  isDue(step: number, seconds: number): boolean {
    if (this.#interval === 'never') return false;
    if ('steps' in this.#interval) return step % this.#interval.steps === 0;
    return seconds - this.#seconds >= this.#interval.seconds;
  }

  done(seconds: number): void {
    this.#seconds = seconds;
  }
}
