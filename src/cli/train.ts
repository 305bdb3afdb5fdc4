/** @file `inkwash train`: from flags to a configuration, then the run with its progress. */
import { readFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { BUILT_IN_DATA, type DataReport } from '../data/index.node.ts';
import { ConfigError } from '../tensor/index.ts';
import {
  type ConfigObject,
  freeRunFolder,
  isRunFolder,
  mergeConfigs,
  parseOverrides,
  type TrainingConfigInput,
  type TrainingResult,
  trainDiffusion,
} from '../training/index.node.ts';
import { formatBytes, formatDuration, plural } from './format.ts';
import { stopOnSignals } from './signals.ts';
import type { Terminal } from './terminal.ts';
import { TrainingProgress } from './training-progress.ts';

/** Flags of `inkwash train`, as parsed. */
export interface TrainFlags {
  readonly out?: string;
  readonly resume?: boolean;
  readonly config?: string;
  readonly set?: string | readonly string[];
  readonly size?: unknown;
  readonly batch?: unknown;
  readonly steps?: unknown;
  readonly minutes?: unknown;
  readonly epochs?: unknown;
  readonly lr?: unknown;
  readonly seed?: unknown;
  readonly device?: unknown;
  readonly threads?: unknown;
}

/** Runs the command; returns the exit code. */
export async function train(data: string | undefined, flags: TrainFlags, terminal: Terminal): Promise<number> {
  const resumesData = flags.resume === true && data !== undefined && isRunFolder(data);
  const config = await requestedConfig(resumesData ? undefined : data, flags);
  const out = flags.out ?? (resumesData ? data : defaultOut(configuredData(config, data), flags.resume === true));
  const stop = stopOnSignals(() =>
    terminal.say('\nstopping after this step, with a checkpoint (Ctrl-C again: at once)'),
  );
  const progress = new TrainingProgress(terminal);
  try {
    const result = await trainDiffusion(config as TrainingConfigInput, {
      out,
      resume: flags.resume === true,
      signal: stop.signal,
      onEvent(event) {
        terminal.printJson(event);
        progress.show(event);
      },
      onPreview: (images) => progress.showPictures(images),
      onData({ report }) {
        if (report) reportData(report, terminal);
        progress.prepare('preparing the network');
      },
      onProgress: dataProgress(terminal),
      onWarning: terminal.warn,
    });
    conclude(result, terminal);
    return 0;
  } finally {
    progress.close();
    stop.release();
  }
}

/** Where a run goes unless told: a free folder for a new one, the plain one to resume. */
function defaultOut(data: string | undefined, resume: boolean): string {
  if (data !== undefined) return resume ? join('runs', basename(resolve(data))) : freeRunFolder(data);
  throw new ConfigError(
    resume ? 'which run should go on?' : 'there is nothing to train on',
    resume ? 'give its folder: inkwash train --resume --out runs/avatars' : `e.g. inkwash train ${BUILT_IN_DATA[0]}`,
  );
}

/** The file of `--config`, then the flags, then `--set`. */
async function requestedConfig(data: string | undefined, flags: TrainFlags): Promise<ConfigObject> {
  const named: Record<string, unknown> = {
    batchSize: flags.batch,
    steps: flags.steps,
    minutes: flags.minutes,
    epochs: flags.epochs,
    learningRate: flags.lr,
    seed: flags.seed,
    device: flags.device,
    threads: flags.threads,
    ...((data !== undefined || flags.size !== undefined) && { data: { spec: data, size: flags.size } }),
  };
  const file = flags.config === undefined ? {} : await readConfig(flags.config);
  if (typeof file.data === 'string') Object.assign(file, { data: { spec: file.data } });
  const settings = flags.set === undefined ? [] : [flags.set].flat().map(String);
  return mergeConfigs(mergeConfigs(file, named as ConfigObject), parseOverrides(settings));
}

async function readConfig(path: string): Promise<ConfigObject> {
  try {
    const json = JSON.parse(await readFile(path, 'utf8')) as ConfigObject;
    if (typeof json === 'object' && json !== null && !Array.isArray(json)) return json;
    throw new TypeError('it holds no object');
  } catch (cause) {
    throw new ConfigError(`could not read ${path}: ${(cause as Error).message}`, 'give a JSON file of settings', {
      cause,
    });
  }
}

/** What the run learns from, whether it was named on the command line or in the file. */
function configuredData({ data }: ConfigObject, named: string | undefined): string | undefined {
  const spec = (data as ConfigObject | undefined)?.spec;
  return named ?? (typeof spec === 'string' ? spec : undefined);
}

function dataProgress(terminal: Terminal): (done: number, total: number) => void {
  let shown = 0;
  return (done, total) => {
    const now = performance.now();
    if (!terminal.interactive || (done < total && now - shown < 200)) return;
    shown = now;
    process.stderr.write(done < total ? `\r\u001b[Kpreparing pictures ${done}/${total}` : '\r\u001b[K');
  };
}

/** What was done to the pictures of a folder. */
function reportData({ used, skipped, converted, warnings }: DataReport, terminal: Terminal): void {
  const conversions = Object.entries(converted).map(([kind, count]) => `${count} ${kind}`);
  terminal.say(`${plural(used, 'picture')}${conversions.length > 0 ? ` (${conversions.join(', ')})` : ''}`);
  for (const { file, reason } of skipped.slice(0, 5)) terminal.warn(`skipped ${file}: ${reason}`);
  if (skipped.length > 5) terminal.warn(`skipped ${skipped.length - 5} more files; see them with: inkwash inspect`);
  for (const warning of warnings) terminal.warn(warning);
}

function conclude(result: TrainingResult, terminal: Terminal): void {
  const { out, reason, step, seconds, bestLoss, grid, memory, peakRss } = result;
  terminal.printJson({ type: 'result', ...result });
  if (reason === 'stopped') {
    terminal.say(`stopped after step ${step}; the checkpoint is ${result.checkpoint}`);
    terminal.next(`inkwash train --resume --out ${out}`);
    return;
  }
  terminal.say(
    `${plural(step, 'step')} in ${formatDuration(seconds)}${bestLoss === null ? '' : `, held-out loss ${bestLoss.toFixed(4)}`}, ` +
      `memory: ${formatBytes(memory.variables)} of weights and optimizer, ${formatBytes(memory.activations)} of activations planned, ${formatBytes(peakRss)} at most in use`,
  );
  if (grid !== null) terminal.print(grid);
  terminal.next(`inkwash sample ${out}`);
}
