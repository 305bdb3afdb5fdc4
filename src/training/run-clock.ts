/** @file The clock of a run limited by time: it measures steps and what follows the last one, plans by them, and corrects the plan. */
import type { TrainingConfig } from './config.ts';
import { planByClock, type SchedulePlan } from './schedule.ts';

/** What follows the last step, or happens between steps. */
export type Chore = 'validation' | 'checkpoint' | 'preview';

/** Steps that a rate is taken from. */
const RECENT = 20;
/** A plan is corrected when the end it leads to misses the time asked for by more than this part of it. */
const TOLERANCE = 0.02;
/** Steps between two corrections. */
const PATIENCE = 4;
/** Final pictures may take this part of the time. */
const FINAL_SHARE = 0.2;
/** Pictures are sampled so many at a time. */
const CHUNK = 8;
/** Seconds to write the final pictures, close the engine and end the process. */
const CLOSING = 0.5;
/** Where a validation was not measured yet: a forward pass takes this part of a step. */
const FORWARD_SHARE = 0.4;

/** Plans a run so that all of it, from `elapsed` 0 to the end of the process, takes `config.minutes`. */
export class RunClock {
  readonly #config: TrainingConfig;
  readonly #finalCount: number;
  readonly #steps: number[] = [];
  readonly #last = new Map<Chore, number>();
  #training = 0;
  #between = 0;
  /** Seconds to sample `CHUNK` final pictures. */
  #chunk = 0;
  #correctedAt = 0;

  /** `finalCount`: pictures at the end, where there is time for them. */
  constructor(config: TrainingConfig, finalCount: number) {
    this.#config = config;
    this.#finalCount = finalCount;
  }

  /** Seconds asked for. */
  get budget(): number {
    return (this.#config.minutes ?? 0) * 60;
  }

  /** Takes note of a step. */
  step(seconds: number): void {
    this.#steps.push(seconds);
    this.#training += seconds;
    if (this.#steps.length > RECENT) this.#steps.shift();
  }

  /** Takes note of what happened between steps; `measuring` when it did so to be measured only. */
  chore(chore: Chore, seconds: number, { measuring = false } = {}): void {
    this.#last.set(chore, seconds);
    if (!measuring) this.#between += seconds;
  }

  /** Takes note of how long final pictures take. */
  sampling(secondsPerChunk: number): void {
    this.#chunk = secondsPerChunk;
  }

  /** Steps that were measured. */
  get measured(): number {
    return this.#steps.length;
  }

  /** Seconds of a step, with its share of what happens between steps. */
  get secondsPerStep(): number {
    const recent = this.#steps.reduce((sum, seconds) => sum + seconds, 0) / this.#steps.length;
    return recent * (1 + this.#between / this.#training);
  }

  /** Pictures at the end that fit into their share of the time; at least one chunk. */
  get pictures(): number {
    const chunks = this.#chunk > 0 ? Math.floor((FINAL_SHARE * this.budget) / this.#chunk) : Number.POSITIVE_INFINITY;
    return Math.min(this.#finalCount, CHUNK * Math.max(1, chunks));
  }

  /** Seconds to keep for what follows the last step; `batches`: of a validation. */
  reserve(batches: number): number {
    const forward = batches * FORWARD_SHARE * this.secondsPerStep;
    const chores = (this.#last.get('validation') ?? forward) + (this.#last.get('checkpoint') ?? 0);
    return chores + (this.#chunk * this.pictures) / CHUNK + CLOSING;
  }

  /** The plan, once it is time for it; see `planByClock`. */
  plan(step: number, elapsed: number, batches: number): SchedulePlan | undefined {
    const { secondsPerStep } = this;
    this.#correctedAt = step;
    return planByClock(this.#config, { step, elapsed, secondsPerStep, reserve: this.reserve(batches) });
  }

  /**
   * The plan that ends in time where `plan` would not; undefined while it will. The rate goes on from where it is: what is
   * left of the decay is stretched over the steps that are left.
   */
  correct({ start, end }: SchedulePlan, step: number, elapsed: number, batches: number): SchedulePlan | undefined {
    if (step >= end || step < this.#correctedAt + PATIENCE) return undefined;
    const left = this.budget - this.reserve(batches) - elapsed;
    if (Math.abs(left - (end - step) * this.secondsPerStep) <= TOLERANCE * this.budget) return undefined;
    const steps = Math.max(1, Math.floor(left / this.secondsPerStep));
    if (steps === end - step) return undefined;
    this.#correctedAt = step;
    const progress = Math.max(0, (step - start) / (end - start));
    return { totalSteps: step + steps, start: step - (progress * steps) / (1 - progress), end: step + steps };
  }

  /** Whether there is time for more final pictures when `done` are there. */
  allows(done: number, elapsed: number): boolean {
    const late = elapsed + this.#chunk + CLOSING - this.budget;
    return done < this.pictures && late <= TOLERANCE * this.budget;
  }
}
