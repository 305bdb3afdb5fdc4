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
import { atomicWrite, checkWritable } from '../formats/index.node.ts';
import { pipelineNetwork, statesOfPictures } from '../pipelines/index.node.ts';
import { plural } from '../tensor/plural.ts';
import { decimal, type Flags, type FlagValues, list, outFile, text, toggle, whole, wholes } from './flags.ts';
import { tableLines, wrapped } from './layout.ts';
import { MODEL_FLAGS, modelWords } from './model-flags.ts';
import { ENGINE_FLAGS, openModel } from './open-model.ts';
import { openPictures } from './open-pictures.ts';
import { ProgressLine } from './progress-line.ts';
import { shellLine } from './shell-line.ts';
import { stopOnSignals } from './signals.ts';
import type { Terminal } from './terminal.ts';
import { UsageError } from './usage-error.ts';
import { defineVerb } from './verb.ts';

const flags = {
  data: text('The data the model learned', { value: 'data' }),
  steps: wholes('Numbers of steps (default: 5,10,20)', { least: 1, example: '5,10,20,50' }),
  solvers: list('Solvers, separated by commas (default: all that fit)'),
  count: whole('Samples per solver (default: 40; 256 for a thorough run)', { short: 'n', least: 2 }),
  seed: whole('Seed of the first sample (default: 0)'),
  within: decimal('How near to the reference is good enough (default: 10)', { value: 'percent', least: 0 }),
  reference: whole('Steps of the reference trajectory (default: 200)', { least: 2 }),
  noSearch: toggle('Compare and search no grids'),
  batch: whole('Samples per run of the network', { least: 1 }),
  out: outFile('Also as a page (.html) or a plot (.svg); an older file is replaced', ['html', 'svg']),
  ...MODEL_FLAGS,
  ...ENGINE_FLAGS,
} satisfies Flags;

export const solversVerb = defineVerb({
  name: 'solvers',
  subject: '<model>',
  about: 'Measure every solver on a model of your own, and recommend one',
  flags,
  examples: ['inkwash solvers runs/avatars --data avatars'],
  run: solvers,
});

async function solvers(path: string, given: FlagValues<typeof flags>, terminal: Terminal): Promise<number> {
  const { data, count = 40, batch = Math.min(count, 64), steps, seed, within, reference, out } = given;
  if (data === undefined) {
    const command = shellLine(['inkwash', 'solvers', path, '--data', 'avatars']);
    throw new UsageError('no data to measure against was given', `name the data the model learned: ${command}`);
  }
  if (out !== undefined) await checkWritable(out.path);
  const stop = stopOnSignals({ onRequest: () => terminal.say('stopping') });
  const line = new ProgressLine(terminal);
  const pipeline = await openModel(path, given, terminal);
  try {
    const { train, heldOut } = await openPictures(data, pipeline.imageShape, terminal);
    const { networkFor, sampleSize } = await pipelineNetwork(pipeline, { batchSize: batch });
    const found = await compareSolvers({
      scheduler: pipeline.scheduler,
      networkFor,
      sampleSize,
      train: statesOfPictures(train, pipeline.kind),
      heldOut: statesOfPictures(heldOut, pipeline.kind),
      count,
      search: !given.noSearch,
      solvers: given.solvers,
      ...(steps && { steps }),
      ...(seed !== undefined && { seed }),
      ...(within !== undefined && { within }),
      ...(reference !== undefined && { referenceSteps: reference }),
      signal: stop.signal,
      onStart: () => terminal.say(`sampling ${plural(count, 'picture')} with each solver; Ctrl-C stops`),
      onProgress: ({ what, done, total }) => line.show(what, done, total),
    });
    line.clear();
    const words = [...sampleWords(path, found.recommendation.result), ...modelWords(given)];
    const command = shellLine(['inkwash', ...words]);
    if (out?.kind === 'html') await atomicWrite(out.path, solverPage(found, path, command));
    if (out?.kind === 'svg') await atomicWrite(out.path, solverSvg(found));
    terminal.printJson({ model: path, data, command, out: out?.path ?? null, ...found });
    terminal.print(comparisonText(found, terminal.resultColumns));
    if (out !== undefined) terminal.print(out.path);
    terminal.next(words);
    return 0;
  } finally {
    line.clear();
    stop.release();
    await pipeline.engine.dispose();
  }
}

/** The command that samples as `result` did. */
function sampleWords(path: string, result: SolverResult): string[] {
  const searched = result.grid === 'searched';
  const visits = searched ? ['--timesteps', result.times.join(',')] : ['--steps', String(result.steps)];
  return ['sample', path, '--solver', searched ? result.solver : resultName(result), ...visits];
}

function comparisonText(comparison: SolverComparison, columns: number): string {
  const { head, rows, chosen } = solverTable(comparison);
  const table = tableLines({ head, rows, words: [1], spare: [6, 0, 3, 5, 4], chosen }, columns);
  const verdicts = verdictLines(comparison).map((line) => wrapped(line, columns));
  const standing = verdicts.length > 0 ? ['', ...verdicts] : [];
  const facts = solverFacts(comparison).map((line) => wrapped(line, columns));
  const advice = `recommended    ${wrapped(adviceText(comparison), columns, 15)}`;
  return [...facts, '', ...table, ...standing, '', advice].join('\n');
}
