/** @file The course of a run: how many steps it has and when the rate decays, known at once or fixed once by the clock. */
import type { TrainingConfig } from './config.ts';
import { type DecayWindow, learningRateAt } from './learning-rate.ts';

/** Decided once; recorded in events and checkpoints, so that a resumed run follows it. */
export interface SchedulePlan extends DecayWindow {
  /** Steps of the whole run. The same as `end`. */
  readonly totalSteps: number;
}

/** A run limited by time measures for at least this part of it before it plans the rest. */
const LEAST_MEASURED = 0.03;
/** A constant rate has nothing to plan but the end. */
const CONSTANT_MEASURED = 0.95;

/** The plan of a run whose length is given in steps or epochs; undefined for one given in minutes. */
export function planBySteps(config: TrainingConfig, batchesPerEpoch: number): SchedulePlan | undefined {
  const { steps, epochs, accumulate, hold } = config;
  const total =
    steps ?? (epochs === null ? undefined : Math.max(1, Math.round((epochs * batchesPerEpoch) / accumulate)));
  if (total === undefined) return undefined;
  return { totalSteps: total, start: Math.floor(total * hold), end: total };
}

/** What the clock says of a run limited by time. */
export interface Measurement {
  /** Steps done. */
  readonly step: number;
  /** Seconds of the run so far, over all its sessions. */
  readonly elapsed: number;
  /** Seconds of a step, with its share of validations, previews and checkpoints. */
  readonly secondsPerStep: number;
  /** Seconds to keep for what follows the last step. */
  readonly reserve: number;
}

/**
 * Plans the rest of a run limited by time, once the `hold` part has passed: the decay takes as many steps as the
 * remaining time allows at the measured rate. Undefined while it is too early.
 */
export function planByClock(
  config: TrainingConfig,
  { step, elapsed, secondsPerStep, reserve }: Measurement,
): SchedulePlan | undefined {
  if (config.minutes === null) return undefined;
  const available = Math.max(0, config.minutes * 60 - reserve);
  const measured = config.decay === 'constant' ? CONSTANT_MEASURED : Math.max(config.hold, LEAST_MEASURED);
  if (elapsed < available * measured && elapsed + secondsPerStep < available) return undefined;
  const totalSteps = step + Math.max(1, Math.floor((available - elapsed) / secondsPerStep));
  return { totalSteps, start: step, end: totalSteps };
}

/** The learning rate of `step`; a run without a plan yet holds its peak. */
export function plannedLearningRate(step: number, config: TrainingConfig, plan: SchedulePlan | undefined): number {
  const window = plan ?? { start: Number.POSITIVE_INFINITY, end: Number.POSITIVE_INFINITY };
  const { learningRate, warmupSteps, decay } = config;
  return learningRateAt(step, { learningRate, warmupSteps, decay, floor: 0 }, window);
}
