/** @file `inkwash.json`: what a trained image model carries beside its network and scheduler. */
import { z } from 'zod';
import { DataError } from '../tensor/index.ts';
import { ignoredKeys, unknownKeys } from './parse-config.ts';

/** File of the notes in a model folder. */
export const NOTES_FILE = 'inkwash.json';

/** The layout of the file; a later one may mean other things by the same keys. */
const FORMAT = 1;

const count = z.int().nonnegative();

const schema = z.object({
  format: z.literal(FORMAT),
  /** Names of the classes, in the order of their labels. */
  classNames: z.array(z.string()).readonly().optional(),
  /** Pictures of each class in the data: how often a class is shown when none is asked for. */
  classCounts: z.array(count).readonly().optional(),
  /** Label that stands for no class: the network's unconditional half of classifier-free guidance. */
  nullLabel: count.optional(),
  /** What the model was trained on. */
  data: z.string().optional(),
  /** Steps the weights were trained for. */
  trainedSteps: count.optional(),
  /** How it is sampled unless asked otherwise. */
  sampling: z.object({ solver: z.string(), steps: z.int().positive(), guidance: z.number() }).readonly().optional(),
});

/** Facts that diffusers' layout has no place for. */
export type ImageModelNotes = Readonly<Omit<z.output<typeof schema>, 'format'>>;

/** The notes as `inkwash.json` holds them. */
export function formatNotes(notes: ImageModelNotes): string {
  return `${JSON.stringify({ format: FORMAT, ...notes }, undefined, 2)}\n`;
}

/**
 * Reads the JSON of the notes in the file `path`; keys nobody knows are ignored, and `onWarning` is told of them.
 * Throws `DataError` for notes of another format, and for values that do not fit.
 */
export function parseNotes(json: object, path: string, onWarning: (message: string) => void): ImageModelNotes {
  const { format } = json as { format?: unknown };
  if (format !== FORMAT) {
    throw new DataError(
      `${path} has the format ${JSON.stringify(format)}, expected ${FORMAT}`,
      typeof format === 'number' ? 'it was written by a later inkwash: update yours' : 'restore the file, or remove it',
    );
  }
  const unknown = unknownKeys(schema, json);
  if (unknown.length > 0) onWarning(ignoredKeys(path, unknown, Object.keys(schema.shape)));
  const result = schema.safeParse(json);
  if (!result.success) {
    const [issue] = result.error.issues;
    throw new DataError(
      `${path}: '${issue?.path.join('.')}' does not fit (${issue?.message})`,
      'restore the file, or remove it',
    );
  }
  const { format: _, ...notes } = result.data;
  return notes;
}
