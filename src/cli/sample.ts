/** @file `inkwash sample`: pictures from a run or a model folder. */
import { join } from 'node:path';
import {
  type GenerateOptions,
  type GenerationProgress,
  generationText,
  type Label,
  loadPipeline,
  saveGrid,
  saveImages,
} from '../pipelines/index.node.ts';
import type { Device } from '../runtime/index.node.ts';
import { ConfigError } from '../tensor/index.ts';
import { isRunFolder } from '../training/index.node.ts';
import { formatDuration } from './format.ts';
import { outKind } from './out-kind.ts';
import { ProgressLine } from './progress-line.ts';
import { stopOnSignals } from './signals.ts';
import type { Terminal } from './terminal.ts';

/** Flags of `inkwash sample`, as parsed. */
export interface SampleFlags {
  readonly count?: number;
  readonly steps?: number;
  readonly timesteps?: string | number;
  readonly solver?: string;
  readonly seed?: number;
  readonly label?: string | number | readonly (string | number)[];
  readonly caption?: string | number;
  readonly guidance?: number;
  readonly batch?: number;
  readonly eta?: number;
  readonly rng?: string;
  readonly out?: string;
  readonly images?: string;
  readonly columns?: number;
  readonly device?: string;
  readonly threads?: number;
  readonly variant?: string;
}

/** Pictures of the default grid. */
const DEFAULT_COUNT = 64;

/** Runs the command; returns the exit code. */
export async function sample(path: string, flags: SampleFlags, terminal: Terminal): Promise<number> {
  const { count = DEFAULT_COUNT, out = defaultOut(path), device, threads, variant } = flags;
  outKind(out, ['png']);
  const stop = stopOnSignals(() => terminal.say('\nstopping'));
  const line = new ProgressLine(terminal);
  const pipeline = await loadPipeline(path, {
    worker: true,
    onFallback: terminal.warn,
    ...(device !== undefined && { device: device as Device }),
    ...(threads !== undefined && { threads }),
    ...(variant !== undefined && { variant: String(variant) }),
  });
  try {
    const began = performance.now();
    const result = await pipeline.generate({
      ...generateOptions(flags, pipeline.notes.classNames),
      count,
      signal: stop.signal,
      onStep: ({ done, total }: GenerationProgress) => line.show('sampling', done, total),
    });
    const seconds = (performance.now() - began) / 1000;
    line.clear();
    const textOf = (index: number) => ({ parameters: generationText(result, pipeline.imageShape, index) });
    await saveGrid(out, result.images, {
      text: textOf(0),
      ...(flags.columns !== undefined && { columns: flags.columns }),
    });
    const images =
      flags.images === undefined
        ? []
        : await saveImages(result.images, (i) => join(String(flags.images), `${result.seeds[i]}.png`), textOf);
    const { solver, steps, guidance, seeds, labels } = result;
    terminal.say(`${count} pictures in ${formatDuration(seconds)} (${solver}, ${steps} steps, seeds from ${seeds[0]})`);
    terminal.printJson({ grid: out, images, count, solver, steps, guidance, seeds, labels: labels ?? null, seconds });
    terminal.print(out);
    terminal.next(`inkwash sample ${path} --seed ${(seeds.at(-1) ?? 0) + 1}`);
    return 0;
  } finally {
    line.clear();
    stop.release();
    await pipeline.engine.dispose();
  }
}

function defaultOut(path: string): string {
  return isRunFolder(path) ? join(path, 'samples', 'grid.png') : 'grid.png';
}

function generateOptions(flags: SampleFlags, classNames?: readonly string[]): GenerateOptions {
  const { count = DEFAULT_COUNT, steps, timesteps, solver, seed, guidance, batch, eta, rng, label, caption } = flags;
  return {
    ...(steps !== undefined && { steps: whole('steps', steps) }),
    ...(timesteps !== undefined && { timesteps: times(timesteps) }),
    ...(solver !== undefined && { solver: String(solver) }),
    ...(seed !== undefined && { seed: whole('seed', seed) }),
    ...(guidance !== undefined && { guidance: finite('guidance', guidance) }),
    ...(batch !== undefined && { batchSize: whole('batch', batch) }),
    ...(eta !== undefined && { eta: finite('eta', eta) }),
    ...(rng !== undefined && { rng: rng as NonNullable<GenerateOptions['rng']> }),
    ...(label !== undefined && { label: labels([label].flat().map(String), classNames, count) }),
    ...(caption !== undefined && { caption: String(caption) }),
  };
}

/** One class, or several in turns: a text that is no class's name is a list of them. */
function labels(texts: readonly string[], classNames: readonly string[] = [], count: number): Label | Label[] {
  const all = texts.flatMap((text) => (classNames.includes(text) ? text : text.split(',').map((part) => part.trim())));
  const given = all.map((text) => (text === 'none' && !classNames.includes(text) ? null : text));
  return given.length === 1 ? given[0]! : Array.from({ length: count }, (_, i) => given[i % given.length]!);
}

/** `999,700,300` as numbers. */
function times(text: string | number): number[] {
  const numbers = String(text).split(',').map(Number);
  if (numbers.every(Number.isFinite)) return numbers;
  throw new ConfigError(`--timesteps is a list of times such as 999,700,300, got '${text}'`);
}

function finite(name: string, value: unknown): number {
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  throw new ConfigError(`--${name} is a number, got ${JSON.stringify(value)}`);
}

function whole(name: string, value: unknown): number {
  if (Number.isInteger(value) && (value as number) >= 0) return value as number;
  throw new ConfigError(`--${name} is a whole number, got ${JSON.stringify(value)}`);
}
