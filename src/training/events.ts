/** @file The events of a run, one JSON object a line in `events.jsonl`: enough to redraw every curve. */
import type { MemoryPlan } from '../runtime/index.ts';
import type { SchedulePlan } from './schedule.ts';

interface Timed {
  /** ISO 8601. */
  readonly time: string;
  /** Updates made when it happened. */
  readonly step: number;
}

export interface StartEvent extends Timed {
  readonly type: 'start';
  /** Whether the run continues from a checkpoint; events of later steps before this one are void. */
  readonly resumed: boolean;
  /** Seconds of the run so far, preparation and earlier sessions included. */
  readonly elapsed: number;
  /** The run's length, when it is limited by time. */
  readonly minutes: number | null;
  readonly engine: string;
  readonly parameters: number;
  readonly memory: MemoryPlan;
  readonly data: {
    readonly name: string;
    readonly train: number;
    readonly heldOut: number;
    readonly imageShape: readonly number[];
    readonly classNames: readonly string[] | null;
    readonly fingerprint: string;
  };
}

export interface TrainingStepEvent extends Timed {
  readonly type: 'step';
  readonly loss: number;
  /** Norm of the gradient before clipping. */
  readonly gradientNorm: number;
  readonly learningRate: number;
  /** Seconds the step took. */
  readonly seconds: number;
}

export interface ValidationEvent extends Timed {
  readonly type: 'validation';
  readonly loss: number;
  /** Whether it is the lowest so far; the model folder then holds these weights. */
  readonly best: boolean;
  readonly seconds: number;
}

export interface PreviewEvent extends Timed {
  readonly type: 'preview';
  /** The picture's file, in the run folder. */
  readonly path: string;
  readonly seconds: number;
}

export interface CheckpointEvent extends Timed {
  readonly type: 'checkpoint';
  /** Its folder, in the run folder. */
  readonly path: string;
  /** Folders of the older checkpoints that it replaced; absent in runs of earlier versions. */
  readonly removed?: readonly string[];
  readonly seconds: number;
}

/** The length and the decay of the run are fixed from here on. */
export interface ScheduleEvent extends Timed, SchedulePlan {
  readonly type: 'schedule';
  readonly secondsPerStep: number | null;
}

export interface WarningEvent extends Timed {
  readonly type: 'warning';
  readonly message: string;
}

export interface EndEvent extends Timed {
  readonly type: 'end';
  readonly reason: 'finished' | 'stopped' | 'failed';
  readonly message?: string;
  /** Seconds of the run, over all its sessions. */
  readonly seconds: number;
  /** Largest resident memory of the process, bytes. */
  readonly peakRss: number;
}

export type TrainingEvent =
  | StartEvent
  | TrainingStepEvent
  | ValidationEvent
  | PreviewEvent
  | CheckpointEvent
  | ScheduleEvent
  | WarningEvent
  | EndEvent;

/** An event before it is given its time. */
export type NewTrainingEvent = TrainingEvent extends infer E
  ? E extends TrainingEvent
    ? Omit<E, 'time'>
    : never
  : never;

/**
 * Reads the text of an `events.jsonl`. A resumed run continues from a checkpoint: what was recorded of later steps
 * before is left out. A last line cut short by a crash is ignored.
 */
export function parseEvents(text: string): TrainingEvent[] {
  let events: TrainingEvent[] = [];
  for (const line of text.split('\n')) {
    if (line.trim() === '') continue;
    let event: TrainingEvent;
    try {
      event = JSON.parse(line) as TrainingEvent;
    } catch {
      continue;
    }
    if (event.type === 'start' && event.resumed) events = events.filter(({ step }) => step <= event.step);
    events.push(event);
  }
  return events;
}
