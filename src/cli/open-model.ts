/** @file Flags that choose a model's engine, and the pipeline they ask for. */
import { type DiffusionPipeline, loadPipeline } from '../pipelines/index.node.ts';
import { DEVICES } from '../runtime/index.node.ts';
import { choice, type Flags, type FlagValues, whole } from './flags.ts';
import { type ModelFlagValues, modelOptions } from './model-flags.ts';
import type { Terminal } from './terminal.ts';

/** Where programs run; settings of a run as well. */
export const ENGINE_FLAGS = {
  device: choice('Where to compute', DEVICES, { setting: 'device' }),
  threads: whole('Threads of one operation', { least: 1, setting: 'threads' }),
} satisfies Flags;

/** Loads the model of a run or a model folder, in a worker so that Ctrl-C is heard. */
export function openModel(
  path: string,
  { device, threads, ...given }: FlagValues<typeof ENGINE_FLAGS> & ModelFlagValues,
  terminal: Pick<Terminal, 'warn'>,
): Promise<DiffusionPipeline> {
  return loadPipeline(path, {
    worker: true,
    onFallback: terminal.warn,
    ...modelOptions(given, terminal),
    ...(device !== undefined && { device }),
    ...(threads !== undefined && { threads }),
  });
}
