/** @file `inkwash solvers`: which solver, and how many steps, suit a model of one's own. */
import {
  adviceText,
  compareSolvers,
  resultName,
  type SolverComparison,
  type SolverResult,
  solverFacts,
  solverPage,
  solverSvg,
  solverTable,
  verdictLines,
} from '../evaluation/index.ts';
import { atomicWrite } from '../formats/index.node.ts';
import { loadPipeline, pipelineNetwork } from '../pipelines/index.node.ts';
import type { Device } from '../runtime/index.node.ts';
import { ConfigError } from '../tensor/index.ts';
import { openPictures } from './open-pictures.ts';
import { outKind } from './out-kind.ts';
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
  const kind = outKind(flags.out, ['html', 'svg']);
  const { count = 40, batch = Math.min(count, 64), device, threads } = flags;
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
    terminal.say(`sampling ${count} pictures with each solver; Ctrl-C stops`);
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
    const command = sampleCommand(path, found.recommendation.result);
    const { out } = flags;
    if (kind === 'html') await atomicWrite(out!, solverPage(found, path, command));
    if (kind === 'svg') await atomicWrite(out!, solverSvg(found));
    terminal.printJson({ model: path, data: flags.data, command, out: out ?? null, ...found });
    terminal.print(comparisonText(found));
    if (out !== undefined) terminal.print(out);
    terminal.next(command);
    return 0;
  } finally {
    line.clear();
    stop.release();
    await pipeline.engine.dispose();
  }
}

/** The command that samples as `result` did. */
function sampleCommand(path: string, result: SolverResult): string {
  const searched = result.grid === 'searched';
  const visits = searched ? `--timesteps ${result.times.join(',')}` : `--steps ${result.steps}`;
  return `inkwash sample ${path} --solver ${searched ? result.solver : resultName(result)} ${visits}`;
}

function comparisonText(comparison: SolverComparison): string {
  const { head, rows, chosen } = solverTable(comparison);
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map((row) => row[column]!.length)));
  const table = [head, ...rows].map((row, i) => {
    const cells = row.map((cell, column) => (column === 1 ? cell.padEnd(widths[1]!) : cell.padStart(widths[column]!)));
    return `${cells.join('  ')}${i === chosen + 1 ? '  ←' : ''}`;
  });
  const verdicts = verdictLines(comparison);
  const standing = verdicts.length > 0 ? ['', ...verdicts] : [];
  return [...solverFacts(comparison), '', ...table, ...standing, '', `recommended    ${adviceText(comparison)}`].join(
    '\n',
  );
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
