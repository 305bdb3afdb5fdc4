/** @file Where a run stands: with its configuration, all that a checkpoint holds besides the variables. */
import { z } from 'zod';

const count = z.int().nonnegative();

/** Checks a stored `RunState`. */
export const runStateSchema = z.strictObject({
  /** Updates made. */
  step: count,
  /** Batches taken from the loader. */
  loaderStep: count,
  seed: z.int(),
  /** Seconds of training so far, over all sessions. */
  elapsed: z.number().nonnegative(),
  schedule: z.strictObject({ totalSteps: count, start: z.number(), end: count }).nullable(),
  /** Lowest validation loss so far. */
  bestLoss: z.number().nullable(),
  bestStep: count.nullable(),
  /** Fingerprint of the training pictures. */
  data: z.string(),
  /** Where the folder of the pictures lay, seen from the run; null for built-in data. */
  dataFromRun: z.string().nullable().default(null),
  /** Hash of the configuration. */
  config: z.string(),
});

/** Where a run stands; everything else follows from its configuration. */
export type RunState = z.output<typeof runStateSchema>;
