/** @file Shows a training run while it happens: a bar that is redrawn, or plain lines where there is no terminal. */
import colours from 'picocolors';
import { makeGrid, terminalImage } from '../formats/index.ts';
import type { NdArray } from '../tensor/index.ts';
import type { SchedulePlan, TrainingEvent } from '../training/index.ts';
import { bar, formatCount, formatDuration, formatRate, sparkline } from './format.ts';
import type { Terminal } from './terminal.ts';

/** A terminal is redrawn at most this often, and a plain line written this often. Milliseconds. */
const REDRAW = 100;
const LINE_EVERY = 5000;
/** Losses are smoothed over about this many steps. */
const SMOOTHING = 20;
const PICTURE_ROWS = 2;

/** Draws the progress of one session. */
export class TrainingProgress {
  readonly #terminal: Terminal;
  /** Seconds the run may take, when it is limited by time. */
  #budget: number | undefined;
  /** Seconds the run had taken when this session started. */
  #earlier = 0;
  readonly #write: (text: string) => void;
  #began = performance.now();
  readonly #losses: number[] = [];
  readonly #seconds: number[] = [];
  #smooth: number | undefined;
  #plan: SchedulePlan | undefined;
  #step = 0;
  #validation: number | undefined;
  #drawnAt = Number.NEGATIVE_INFINITY;
  #drawn = false;

  /** `write`: where the display goes; stderr by default. */
  constructor(terminal: Terminal, write = (text: string): void => void process.stderr.write(text)) {
    this.#terminal = terminal;
    this.#write = write;
  }

  /** A passing remark while there is nothing to draw yet. */
  prepare(text: string): void {
    if (!this.#terminal.interactive) return;
    this.#write(`\r\u001b[K${colours.dim(`${text} …`)}`);
    this.#drawn = true;
  }

  /** Removes a remark or bar that is left when a run breaks off. */
  close(): void {
    this.#clear(true);
  }

  /** Takes note of what happened, and shows it. */
  show(event: TrainingEvent): void {
    this.#step = event.step;
    switch (event.type) {
      case 'start':
        this.#began = performance.now();
        this.#earlier = event.elapsed;
        this.#budget = event.minutes === null ? undefined : event.minutes * 60;
        this.#line(
          `${formatCount(event.parameters)} parameters, ${formatCount(event.data.train)} pictures of ${event.data.imageShape.slice(1).join('×')} to learn from, ${formatCount(event.data.heldOut)} held out`,
        );
        if (event.resumed) this.#line(`continuing after step ${event.step}`);
        break;
      case 'schedule':
        this.#plan = event;
        break;
      case 'step':
        this.#losses.push(event.loss);
        this.#seconds.push(event.seconds);
        this.#smooth = this.#smooth === undefined ? event.loss : this.#smooth + (event.loss - this.#smooth) / SMOOTHING;
        this.#redraw(this.#terminal.interactive ? REDRAW : LINE_EVERY);
        break;
      case 'validation':
        this.#validation = event.loss;
        if (this.#step === this.#plan?.totalSteps) this.prepare('drawing the final pictures');
        break;
      case 'warning':
        this.#line(`${colours.yellow('warning')} ${event.message}`);
        break;
      case 'end':
        this.#redraw(0);
        this.#clear(false);
        break;
      case 'preview':
      case 'checkpoint':
        break;
    }
  }

  /** Shows sampled pictures in the terminal, where it has the colours. */
  showPictures(images: NdArray): void {
    if (!this.#terminal.truecolor) return;
    const [count = 0, , , width = 0] = images.shape;
    const columns = Math.max(
      1,
      Math.min(Math.floor(count / PICTURE_ROWS), Math.floor(this.#terminal.columns / (width + 1))),
    );
    const shown = Math.min(count, columns * PICTURE_ROWS);
    const size = images.data.length / count;
    const part = { ...images, shape: [shown, ...images.shape.slice(1)], data: images.data.slice(0, shown * size) };
    this.#clear(true);
    this.#write(`${terminalImage(makeGrid(part, { columns, padding: 1 }), { maxWidth: this.#terminal.columns })}\n`);
    this.#redraw(0);
  }

  /** Writes a line that stays. */
  #line(text: string): void {
    this.#clear(true);
    this.#write(`${text}\n`);
  }

  #redraw(interval: number): void {
    const now = performance.now();
    if (now - this.#drawnAt < interval || this.#losses.length === 0) return;
    this.#drawnAt = now;
    if (!this.#terminal.interactive) {
      this.#write(`${this.#facts().join(', ')}\n`);
      return;
    }
    const width = Math.max(10, Math.min(24, this.#terminal.columns - 70));
    const facts = this.#facts();
    const room = Math.max(0, Math.min(20, this.#terminal.columns - width - facts.join('  ').length - 4));
    const curve = room >= 6 ? `  ${colours.dim(sparkline(this.#losses, room))}` : '';
    this.#write(`\r\u001b[K${colours.cyan(bar(this.#fraction(), width))} ${facts.join('  ')}${curve}`);
    this.#drawn = true;
  }

  /** Removes the bar, or leaves it as the last line. */
  #clear(remove: boolean): void {
    if (this.#drawn) this.#write(remove ? '\r\u001b[K' : '\n');
    this.#drawn = false;
  }

  #elapsed(): number {
    return this.#earlier + (performance.now() - this.#began) / 1000;
  }

  #fraction(): number {
    if (this.#plan) return this.#step / this.#plan.totalSteps;
    return this.#budget === undefined ? 0 : Math.min(0.99, this.#elapsed() / this.#budget);
  }

  #facts(): string[] {
    const recent = this.#seconds.slice(-SMOOTHING);
    const perStep = recent.reduce((a, b) => a + b, 0) / recent.length;
    const left = this.#plan
      ? (this.#plan.totalSteps - this.#step) * perStep
      : this.#budget === undefined
        ? undefined
        : this.#budget - this.#elapsed();
    return [
      `${Math.floor(this.#fraction() * 100)} %`,
      this.#plan ? `step ${this.#step}/${this.#plan.totalSteps}` : `step ${this.#step}`,
      formatRate(1 / perStep),
      ...(left === undefined ? [] : [`${formatDuration(left)} left`]),
      `loss ${this.#smooth!.toFixed(4)}`,
      ...(this.#validation === undefined ? [] : [`held-out ${this.#validation.toFixed(4)}`]),
    ];
  }
}
