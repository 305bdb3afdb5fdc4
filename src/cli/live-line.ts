/** @file The last line of a terminal, redrawn in place; plain lines now and then where there is none. */
import { widthOf } from './layout.ts';

/** A terminal is redrawn at most this often. Milliseconds. */
const REDRAW = 100;
/** Plain lines come this often at first, then whenever this part of the time so far has passed again, and at least this often. */
const PLAIN = { first: 5000, share: 0.1, most: 60_000 };

/** Columns left free: for the cursor, and for the `^C` that a terminal writes there. */
const ROOM = 3;

/** Where a live line is drawn. */
export interface LiveLineOptions {
  readonly interactive: boolean;
  /** Columns of the terminal now. */
  readonly columns: () => number;
  readonly write: (text: string) => void;
  /** Milliseconds. */
  readonly now?: () => number;
}

/** Draws the text for `columns`; plain lines have no limit. */
export type Composer = (columns: number) => string;

/** One line that shows how work goes. */
export class LiveLine {
  readonly #options: LiveLineOptions;
  readonly #now: () => number;
  readonly #began: number;
  #compose: Composer | undefined;
  #shownAt: number;
  /** Columns that the line on the screen takes; 0: there is none. */
  #drawn = 0;

  constructor(options: LiveLineOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
    this.#began = this.#now();
    // work that is soon over needs no plain lines
    this.#shownAt = options.interactive ? Number.NEGATIVE_INFINITY : this.#began;
  }

  /** Shows `compose`, unless something was shown a moment ago; `urgent` shows it at once. */
  show(compose: Composer, { urgent = false } = {}): void {
    this.#compose = compose;
    const now = this.#now();
    if (!urgent && now - this.#shownAt < this.#interval(now)) return;
    this.#shownAt = now;
    if (this.#options.interactive) this.#draw();
    else this.#options.write(`${compose(Number.POSITIVE_INFINITY)}\n`);
  }

  /** A passing remark, only where it can be removed again. */
  remark(compose: Composer): void {
    if (this.#options.interactive) this.show(compose, { urgent: true });
  }

  /** Writes lines that stay, above the live one. */
  above(write: () => void): void {
    this.#erase();
    write();
    if (this.#compose && this.#options.interactive) this.#draw();
  }

  /** Draws again in the columns there are now. */
  redraw(): void {
    if (this.#drawn > 0) this.#draw();
  }

  /** Ends the line: it is removed, or stays as the last that was drawn. */
  end({ keep = false } = {}): void {
    if (keep && this.#drawn > 0) this.#options.write('\n');
    else this.#erase();
    this.#drawn = 0;
    this.#compose = undefined;
  }

  #interval(now: number): number {
    if (this.#options.interactive) return REDRAW;
    return Math.min(PLAIN.most, Math.max(PLAIN.first, PLAIN.share * (now - this.#began)));
  }

  #draw(): void {
    const text = this.#compose!(Math.max(1, this.#options.columns() - ROOM));
    this.#options.write(`${this.#eraser()}${text}`);
    this.#drawn = widthOf(text);
  }

  #erase(): void {
    if (this.#drawn > 0) this.#options.write(this.#eraser());
    this.#drawn = 0;
  }

  /** A line drawn before the terminal became narrower takes several rows now. */
  #eraser(): string {
    const rows = Math.max(0, Math.ceil(this.#drawn / Math.max(1, this.#options.columns())) - 1);
    return `${rows > 0 ? `\u001b[${rows}A` : ''}\r\u001b[${rows > 0 ? 'J' : 'K'}`;
  }
}
