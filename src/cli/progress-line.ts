/** @file A short progress bar for work that takes seconds. */
import colours from 'picocolors';
import { bar, formatDuration } from './format.ts';
import type { Terminal } from './terminal.ts';

const REDRAW = 100;
const WIDTH = 24;

/** One line on stderr, redrawn; nothing where stderr is no terminal. */
export class ProgressLine {
  readonly #terminal: Terminal;
  #began: number | undefined;
  #drawnAt = Number.NEGATIVE_INFINITY;
  #drawn = false;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  show(what: string, done: number, total: number): void {
    const now = performance.now();
    this.#began ??= now;
    if (!this.#terminal.interactive || now - this.#drawnAt < REDRAW) return;
    this.#drawnAt = now;
    const left = done > 1 ? ((now - this.#began) / 1000 / (done - 1)) * (total - done) : undefined;
    const rest = left === undefined ? '' : `  ${formatDuration(left)} left`;
    process.stderr.write(`\r\u001b[K${colours.cyan(bar(done / total, WIDTH))} ${what} ${done}/${total}${rest}`);
    this.#drawn = true;
  }

  clear(): void {
    if (this.#drawn) process.stderr.write('\r\u001b[K');
    this.#drawn = false;
  }
}
