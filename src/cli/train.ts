/** @file `inkwash train`: from flags to a configuration, then the run with its progress. */
import { readFile } from 'node:fs/promises';
import { BUILT_IN_DATA, type DataReport } from '../data/index.node.ts';
import { readProblem } from '../formats/index.node.ts';
import { ConfigError } from '../tensor/index.ts';
import { plural } from '../tensor/plural.ts';
import {
  type ConfigObject,
  defaultRunFolder,
  isRunFolder,
  mergeConfigs,
  parseOverrides,
  type TrainingConfigInput,
  type TrainingResult,
  trainDiffusion,
} from '../training/index.node.ts';
import { DATA_FLAGS } from './data-flags.ts';
import { decimal, type Flags, type FlagValues, text, texts, toggle, whole } from './flags.ts';
import { formatBytes, formatDuration } from './format.ts';
import { ENGINE_FLAGS } from './open-model.ts';
import { ProgressLine } from './progress-line.ts';
import { settingsOf } from './settings-of.ts';
import { type Interrupted, stopOnSignals } from './signals.ts';
import { skippedByReason } from './skipped-files.ts';
import type { Terminal } from './terminal.ts';
import { TrainingProgress } from './training-progress.ts';
import { UsageError } from './usage-error.ts';
import { defineVerb } from './verb.ts';

const flags = {
  out: text('Folder of the run (default: runs/<data>, numbered where that is taken)', { value: 'folder' }),
  ...DATA_FLAGS,
  batch: whole('Pictures per step', { least: 1, setting: 'batchSize' }),
  steps: whole('Length of the run in steps', { least: 1, setting: 'steps' }),
  minutes: decimal('Length of the run in minutes, everything included', { above: 0, setting: 'minutes' }),
  epochs: decimal('Length of the run in passes over the pictures', { above: 0, setting: 'epochs' }),
  lr: decimal('Peak learning rate', { value: 'rate', above: 0, setting: 'learningRate' }),
  seed: whole('Seed of everything random', { setting: 'seed' }),
  resume: toggle('Continue the run in --out from its newest intact checkpoint'),
  config: text('JSON file of settings', { value: 'file' }),
  set: texts('Any setting, e.g. --set optimizer.weightDecay=0.1; may be repeated', { value: 'key=value' }),
  ...ENGINE_FLAGS,
} satisfies Flags;

type TrainFlags = FlagValues<typeof flags>;

export const trainVerb = defineVerb({
  name: 'train',
  subject: '[data]',
  about: 'Train a model on a built-in data set or a folder of pictures',
  flags,
  examples: ['inkwash train avatars', 'inkwash train ./my-pictures --size 32 --minutes 20'],
  run: train,
});

/** Ctrl-C is typed this often to end a run without the checkpoint that the first asks for. */
const PATIENCE = 3;

async function train(data: string | undefined, given: TrainFlags, terminal: Terminal): Promise<number> {
  const resume = given.resume === true;
  const resumesData = resume && data !== undefined && isRunFolder(data);
  const config = await requestedConfig(resumesData ? undefined : data, given);
  const out = given.out ?? (resumesData ? data : defaultOut(configuredData(config, data), resume));
  const progress = new TrainingProgress(terminal);
  const preparing = new ProgressLine(terminal);
  let opened = false;
  const stop = stopOnSignals({
    patience: PATIENCE,
    onRequest(times) {
      // nothing is learned yet that a checkpoint could keep
      if (!opened) process.exit(stop.interrupted!.exitCode);
      terminal.say(
        times === 1
          ? 'stopping after this step, with a checkpoint'
          : 'the checkpoint is on its way; Ctrl-C once more gives it up and keeps the one before',
      );
    },
  });
  try {
    const result = await trainDiffusion(config as TrainingConfigInput, {
      ...(out !== undefined && { out }),
      resume,
      started: 0,
      signal: stop.signal,
      onEvent(event) {
        terminal.printJson(event);
        progress.show(event);
      },
      onPreview: (images) => progress.showPictures(images),
      onData({ report }) {
        opened = true;
        preparing.clear();
        if (report) reportData(report, terminal);
        progress.prepare('preparing the network');
      },
      onProgress: (done, total) => preparing.show('preparing pictures', done, total),
      onWarning: terminal.warn,
    });
    progress.close();
    return conclude(result, stop.interrupted, terminal);
  } finally {
    progress.close();
    stop.release();
  }
}

/** Where a run goes unless told: the plain folder of its data to resume, a new one (undefined) else. */
function defaultOut(data: string | undefined, resume: boolean): string | undefined {
  if (data !== undefined) return resume ? defaultRunFolder(data) : undefined;
  throw new UsageError(
    resume ? 'which run should go on?' : 'there is nothing to train on',
    resume ? 'give its folder: inkwash train --resume --out runs/avatars' : `e.g. inkwash train ${BUILT_IN_DATA[0]}`,
  );
}

/** The file of `--config`, then the flags, then `--set`. */
async function requestedConfig(data: string | undefined, given: TrainFlags): Promise<ConfigObject> {
  const file = given.config === undefined ? {} : await readConfig(given.config);
  if (typeof file.data === 'string') Object.assign(file, { data: { spec: file.data } });
  const named = mergeConfigs(data === undefined ? {} : { data: { spec: data } }, settingsOf(flags, given));
  return mergeConfigs(mergeConfigs(file, named), parseOverrides(given.set ?? []));
}

async function readConfig(path: string): Promise<ConfigObject> {
  try {
    const json = JSON.parse(await readFile(path, 'utf8')) as ConfigObject;
    if (typeof json === 'object' && json !== null && !Array.isArray(json)) return json;
    throw new TypeError('it holds no object');
  } catch (cause) {
    throw new ConfigError(`could not read ${path}: ${readProblem(cause)}`, 'give a JSON file of settings', {
      cause,
    });
  }
}

/** What the run learns from, whether it was named on the command line or in the file. */
function configuredData({ data }: ConfigObject, named: string | undefined): string | undefined {
  const spec = (data as ConfigObject | undefined)?.spec;
  return named ?? (typeof spec === 'string' ? spec : undefined);
}

/** What was done to the pictures of a folder. */
function reportData({ used, skipped, converted, warnings }: DataReport, terminal: Terminal): void {
  const conversions = Object.entries(converted).map(([kind, count]) => `${count} ${kind}`);
  terminal.say(`${plural(used, 'picture')}${conversions.length > 0 ? ` (${conversions.join(', ')})` : ''}`);
  for (const line of skippedByReason(skipped, 3)) terminal.warn(`skipped ${line}`);
  for (const warning of warnings) terminal.warn(warning);
}

/** Says what the run came to; returns the exit code. */
function conclude(result: TrainingResult, interrupted: Interrupted | undefined, terminal: Terminal): number {
  const { out, reason, step, seconds, bestLoss, grid, memory, peakRss } = result;
  terminal.printJson({ type: 'result', ...result });
  if (reason === 'stopped') {
    terminal.say(`stopped after step ${step}; the checkpoint is ${result.checkpoint}`);
    terminal.next(['train', '--resume', '--out', out]);
    return interrupted?.exitCode ?? 1;
  }
  terminal.say(
    `${plural(step, 'step')} in ${formatDuration(seconds)}${bestLoss === null ? '' : `, held-out loss ${bestLoss.toFixed(4)}`}, ` +
      `memory: ${formatBytes(memory.variables)} of weights and optimizer, ${formatBytes(memory.activations)} of activations planned, ${formatBytes(peakRss)} at most in use`,
  );
  if (grid !== null) terminal.print(grid);
  terminal.next(['sample', out]);
  return 0;
}
