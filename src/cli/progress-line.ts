/** @file The progress of work that is counted: pictures prepared, steps of a sampler. */
import { formatDuration } from './format.ts';
import { type Progress, progressBar, progressText } from './progress-bar.ts';
import type { Terminal } from './terminal.ts';

/** Shows how far a count is, with the time that is left. */
export class ProgressLine {
  readonly #terminal: Terminal;
  #began: number | undefined;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  show(what: string, done: number, total: number): void {
    const now = performance.now();
    this.#began ??= now;
    // the first takes longer than those that follow
    const left = done > 1 ? ((now - this.#began) / 1000 / (done - 1)) * (total - done) : undefined;
    const progress: Progress = {
      fraction: done / total,
      facts: [
        { text: what, rank: 1 },
        { text: `${done}/${total}`, rank: 3 },
        ...(left === undefined ? [] : [{ text: `${formatDuration(left)} left`, rank: 2 }]),
      ],
    };
    const { live, colours } = this.#terminal;
    live.show((columns) =>
      Number.isFinite(columns) ? progressBar(progress, columns, colours) : progressText(progress),
    );
  }

  clear(): void {
    this.#terminal.live.end();
    this.#began = undefined;
  }
}
