/** @file The flags that say how a model is opened, the same for every verb that opens one. */
import type { LoadPipelineOptions } from '../pipelines/index.node.ts';
import { type Flags, type FlagValues, text, toggle } from './flags.ts';
import type { Terminal } from './terminal.ts';

/** Flags of every verb that opens a model. */
export const MODEL_FLAGS = {
  scheduler: text('In place of its own, or for a network saved alone: a class, a solver or a path', { value: 'name' }),
  variant: text('Variant of the weights, e.g. fp16', { value: 'name' }),
  ignoreExtra: toggle('Go on without tensors that the network has no place for'),
} satisfies Flags;

/** What they were given. */
export type ModelFlagValues = Partial<FlagValues<typeof MODEL_FLAGS>>;

/** What they ask of `loadPipeline`; warnings go to `terminal`. */
export function modelOptions(
  { scheduler, variant, ignoreExtra }: ModelFlagValues,
  terminal: Pick<Terminal, 'warn'>,
): Pick<LoadPipelineOptions, 'scheduler' | 'variant' | 'ignoreExtra' | 'onWarning'> {
  return { scheduler, variant, ignoreExtra, onWarning: terminal.warn };
}

/** The flags again, for the next command. */
export function modelWords({ scheduler, variant, ignoreExtra }: ModelFlagValues): string[] {
  return [
    ...(scheduler === undefined ? [] : ['--scheduler', scheduler]),
    ...(variant === undefined ? [] : ['--variant', variant]),
    ...(ignoreExtra ? ['--ignore-extra'] : []),
  ];
}
