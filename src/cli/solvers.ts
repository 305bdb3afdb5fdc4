/** @file `inkwash solvers`: which solver, and how many steps, suit a model of one's own. */
import { compareSolvers, type SolverComparison, type SolverResult } from '../evaluation/index.ts';
import { loadPipeline, pipelineNetwork } from '../pipelines/index.node.ts';
import type { Device } from '../runtime/index.node.ts';
import { ConfigError } from '../tensor/index.ts';
import { openPictures } from './open-pictures.ts';
import { ProgressLine } from './progress-line.ts';
import { stopOnSignals } from './signals.ts';
import type { Terminal } from './terminal.ts';
import { UsageError } from './usage-error.ts';

/** Flags of `inkwash solvers`, as parsed. */
export interface SolversFlags {
  readonly data?: string;
  readonly steps?: string | number;
  readonly count?: number;
  readonly solvers?: string;
  readonly seed?: number;
  readonly within?: number;
  readonly reference?: number;
  readonly search?: boolean;
  readonly batch?: number;
  readonly out?: string;
  readonly device?: string;
  readonly threads?: number;
}

/** Runs the command; returns the exit code. */
export async function solvers(path: string, flags: SolversFlags, terminal: Terminal): Promise<number> {
  if (flags.data === undefined) {
    throw new UsageError(
      'no data to measure against was given',
      `name the data the model learned: inkwash solvers ${path} --data avatars`,
    );
  }
  const { count = 64, batch = Math.min(count, 64), device, threads } = flags;
  const steps = flags.steps === undefined ? undefined : stepList(flags.steps);
  const names = flags.solvers === undefined ? undefined : list(flags.solvers);
  const stop = stopOnSignals(() => terminal.say('\nstopping'));
  const line = new ProgressLine(terminal);
  const pipeline = await loadPipeline(path, {
    worker: true,
    ...(device !== undefined && { device: device as Device }),
    ...(threads !== undefined && { threads }),
  });
  try {
    const { train, heldOut } = await openPictures(String(flags.data), pipeline.imageShape, terminal);
    const { networkFor, sampleSize } = await pipelineNetwork(pipeline, { batchSize: batch });
    const found = await compareSolvers({
      scheduler: pipeline.scheduler,
      networkFor,
      sampleSize,
      train,
      heldOut,
      count,
      solvers: names,
      ...(steps && { steps }),
      ...(flags.seed !== undefined && { seed: flags.seed }),
      ...(flags.within !== undefined && { within: flags.within }),
      ...(flags.reference !== undefined && { referenceSteps: flags.reference }),
      ...(flags.search !== undefined && { search: flags.search }),
      signal: stop.signal,
      onProgress: ({ what, done, total }) => line.show(what, done, total),
    });
    line.clear();
    terminal.printJson({ model: path, data: flags.data, ...found });
    terminal.print(comparisonText(found));
    terminal.next(sampleCommand(path, found.recommendation.result));
    return 0;
  } finally {
    line.clear();
    stop.release();
    await pipeline.engine.dispose();
  }
}

/** The command that samples as `result` did. */
function sampleCommand(path: string, { solver, steps }: SolverResult): string {
  return `inkwash sample ${path} --solver ${solver} --steps ${steps}`;
}

function comparisonText({ results, reference, floor, recommendation, count, heldOut }: SolverComparison): string {
  const { result, within, reached } = recommendation;
  const head = ['evaluations', 'solver', 'steps', 'rms to reference', 'distance to data', 'over reference', ''];
  const rows = results.map((one) => [
    String(one.evaluations),
    one.grid === 'searched' ? `${one.solver} (searched grid)` : one.solver,
    String(one.steps),
    one.rms === null ? 'stochastic' : one.rms.toFixed(4),
    one.distance.toFixed(4),
    percent(one.distance / reference.distance - 1),
    one === result ? '←' : '',
  ]);
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map((row) => row[column]!.length)));
  const table = [head, ...rows].map((row) =>
    row
      .map((cell, column) => (column === 1 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)))
      .join('  '),
  );
  const name = `${result.solver}${result.grid === 'searched' ? ' on the searched grid' : ''}`;
  const advice = reached
    ? `${name} with ${result.steps} steps: the fewest evaluations (${result.evaluations}) within ${within} % of the reference`
    : `${name} with ${result.steps} steps comes nearest; nothing is within ${within} % of the reference: allow more steps`;
  const error = reference.error === null ? '' : `, known to ${reference.error.toFixed(4)}`;
  return [
    `${count} samples per solver against ${heldOut} held-out pictures; distances in pixel values from -1 to 1`,
    `reference       ${reference.solver}, ${reference.steps} steps: ${reference.distance.toFixed(4)} from the data${error}`,
    `training data   ${floor.mean.toFixed(4)} ± ${floor.std.toFixed(4)} from the held-out: the least to hope for`,
    '',
    ...table.map((row) => row.trimEnd()),
    '',
    `recommended     ${advice}`,
  ].join('\n');
}

function percent(ratio: number): string {
  return `${ratio < 0 ? '−' : '+'}${Math.abs(100 * ratio).toFixed(1)} %`;
}

function list(text: string): string[] {
  return String(text)
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

/** `5,10,20` as numbers. Throws `ConfigError` for anything else. */
function stepList(text: string | number): number[] {
  const numbers = String(text).split(',').map(Number);
  if (numbers.length > 0 && numbers.every((n) => Number.isInteger(n) && n > 0)) return [...new Set(numbers)];
  throw new ConfigError(`--steps is a list of whole numbers such as 5,10,20,50, got '${text}'`);
}
