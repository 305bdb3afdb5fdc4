/** @file Shows a training run while it happens: a bar that is redrawn, or plain lines where there is no terminal. */
import { makeGrid, terminalImage } from '../formats/index.ts';
import type { NdArray } from '../tensor/index.ts';
import { plural } from '../tensor/plural.ts';
import type { SchedulePlan, TrainingEvent } from '../training/index.ts';
import { formatCount, formatDuration, formatRate } from './format.ts';
import { shortened } from './layout.ts';
import { type Progress, type ProgressFact, progressBar, progressText } from './progress-bar.ts';
import type { Terminal } from './terminal.ts';

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
  #began = performance.now();
  readonly #losses: number[] = [];
  readonly #seconds: number[] = [];
  #smooth: number | undefined;
  #plan: SchedulePlan | undefined;
  #step = 0;
  /** Checkpoints that newer ones have replaced in this session. */
  #removed = 0;
  #validation: { readonly loss: number; readonly step: number } | undefined;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  /** A passing remark while there is nothing to draw yet. */
  prepare(text: string): void {
    const { live, colours } = this.#terminal;
    live.remark((columns) => colours.dim(shortened(`${text} …`, columns)));
  }

  /** Removes a remark or bar that is left when a run breaks off. */
  close(): void {
    this.#terminal.live.end();
  }

  /** Takes note of what happened, and shows it. */
  show(event: TrainingEvent): void {
    this.#step = event.step;
    const { live } = this.#terminal;
    switch (event.type) {
      case 'start':
        this.#began = performance.now();
        this.#earlier = event.elapsed;
        this.#budget = event.minutes === null ? undefined : event.minutes * 60;
        this.#sayStart(event);
        break;
      case 'schedule':
        this.#plan = event;
        break;
      case 'step':
        this.#losses.push(event.loss);
        this.#seconds.push(event.seconds);
        this.#smooth = this.#smooth === undefined ? event.loss : this.#smooth + (event.loss - this.#smooth) / SMOOTHING;
        // a log tells at once that the run is under way
        this.#draw(this.#losses.length === 1);
        break;
      case 'validation':
        this.#validation = event;
        if (this.#step === this.#plan?.totalSteps) this.prepare('drawing the final pictures');
        break;
      case 'warning':
        this.#terminal.warn(event.message);
        break;
      case 'end':
        if (this.#losses.length > 0) this.#draw(true);
        live.end({ keep: true });
        if (this.#removed > 1) this.#terminal.say(`${plural(this.#removed, 'older checkpoint')} removed`);
        break;
      case 'checkpoint':
        this.#tellRemoved(event.removed ?? []);
        break;
      case 'preview':
        break;
    }
  }

  /** Says once that checkpoints go, and how to keep more; how many went is told at the end. */
  #tellRemoved(removed: readonly string[]): void {
    if (this.#removed === 0 && removed.length > 0) {
      this.#terminal.say(
        `only the newest checkpoints are kept: removed ${removed.join(', ')} (keep more with --set keepCheckpoints=10)`,
      );
    }
    this.#removed += removed.length;
  }

  #sayStart({ parameters, data, resumed, step }: Extract<TrainingEvent, { type: 'start' }>): void {
    const { train, heldOut, imageShape } = data;
    const [, height, width] = imageShape;
    this.#terminal.say(
      `${plural(parameters, 'parameter', formatCount(parameters))}, ${plural(train, 'picture', formatCount(train))} of ` +
        `${width}×${height} to learn from, ${formatCount(heldOut)} held out`,
    );
    if (resumed) this.#terminal.say(`continuing after step ${step}`);
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
    const drawn = terminalImage(makeGrid(part, { columns, padding: 1 }), { maxWidth: this.#terminal.columns });
    this.#terminal.live.above(() => this.#terminal.write(`${drawn}\n`));
  }

  #draw(urgent: boolean): void {
    const { live, colours } = this.#terminal;
    const compose = (columns: number): string => {
      const progress: Progress = { fraction: this.#fraction(), facts: this.#facts(), curve: this.#losses };
      return Number.isFinite(columns) ? progressBar(progress, columns, colours) : progressText(progress);
    };
    live.show(compose, { urgent });
  }

  #elapsed(): number {
    return this.#earlier + (performance.now() - this.#began) / 1000;
  }

  #fraction(): number {
    if (this.#plan) return this.#step / this.#plan.totalSteps;
    return this.#budget === undefined ? 0 : Math.min(0.99, this.#elapsed() / this.#budget);
  }

  #facts(): ProgressFact[] {
    const recent = this.#seconds.slice(-SMOOTHING);
    const perStep = recent.reduce((a, b) => a + b, 0) / recent.length;
    const left = this.#plan
      ? (this.#plan.totalSteps - this.#step) * perStep
      : this.#budget === undefined
        ? undefined
        : this.#budget - this.#elapsed();
    return [
      { text: `${Math.floor(this.#fraction() * 100)} %`, rank: 6 },
      { text: this.#plan ? `step ${this.#step}/${this.#plan.totalSteps}` : `step ${this.#step}`, rank: 4 },
      { text: formatRate(1 / perStep), rank: 1 },
      ...(left === undefined ? [] : [{ text: `${formatDuration(left)} left`, rank: 5 }]),
      { text: `loss ${this.#smooth!.toFixed(4)}`, rank: 3 },
      ...(this.#validation === undefined ? [] : [{ text: this.#heldOut(this.#validation), rank: 2 }]),
    ];
  }

  /** The loss on pictures that are held out, and how old it is. */
  #heldOut({ loss, step }: { readonly loss: number; readonly step: number }): string {
    const age = this.#step - step;
    return `held-out ${loss.toFixed(4)}${age > 0 ? ` (${plural(age, 'step')} ago)` : ''}`;
  }
}
