/** @file `inkwash inspect`: what a data set, a model or a run is. */
import {
  type DataInspection,
  describeClasses,
  type Inspection,
  inspect as inspectSubject,
  type ModelInspection,
  type PipelineInspection,
  type RunInspection,
  schedulerNear,
} from '../pipelines/index.node.ts';
import { ConfigError } from '../tensor/index.ts';
import { plural } from '../tensor/plural.ts';
import { unetPreset } from '../training/index.node.ts';
import { DATA_FLAGS } from './data-flags.ts';
import { type Flags, type FlagValues, text } from './flags.ts';
import { formatCount, sparkline } from './format.ts';
import { factLines } from './layout.ts';
import { skippedByReason } from './skipped-files.ts';
import type { Terminal } from './terminal.ts';
import { UsageError } from './usage-error.ts';
import { defineVerb } from './verb.ts';
import type { Written } from './written.ts';

const flags = {
  ...DATA_FLAGS,
  variant: text("Variant of a model's weights, e.g. fp16", { value: 'name' }),
} satisfies Flags;

export const inspectVerb = defineVerb({
  name: 'inspect',
  subject: '<subject>',
  about: 'Say what a data set, a model or a run is',
  flags,
  examples: ['inkwash inspect runs/avatars', 'inkwash inspect ./my-pictures'],
  run: inspect,
});

/** Characters of a loss curve. */
const CURVE = { least: 8, most: 50 };

async function inspect(
  subject: string,
  { size, captionColumn, folderRepeats, variant }: FlagValues<typeof flags>,
  terminal: Terminal,
  written: Written<typeof flags>,
): Promise<number> {
  const found = await inspectSubject(subject, {
    ...(size !== undefined && { size }),
    ...(captionColumn !== undefined && { captionColumn }),
    ...(folderRepeats !== undefined && { folderRepeats }),
    ...(variant !== undefined && { variant }),
    onWarning: terminal.warn,
  });
  refuseUnused(found, subject, written);
  const { resultColumns } = terminal;
  const show = (rows: readonly Row[]): void => terminal.print(table(rows, resultColumns));
  terminal.printJson(found);
  switch (found.kind) {
    case 'data':
      show(dataRows(found, folderRepeats === true));
      proposeTraining(found, ['train', subject, ...written.again()], terminal);
      break;
    case 'model':
      show(modelRows(found));
      terminal.next(['sample', subject, ...sampledWith(found), ...written.again()]);
      break;
    case 'pipeline':
      show(pipelineRows(found));
      if (found.components.some(({ name }) => name === 'scheduler')) terminal.next(['explain', subject]);
      break;
    case 'run':
      show(runRows(found, Math.max(CURVE.least, Math.min(CURVE.most, resultColumns - 48))));
      terminal.next(found.state === 'finished' ? ['sample', subject] : ['train', '--resume', '--out', subject]);
      break;
  }
  return 0;
}

/** Refuses flags that what was found has no use for. */
function refuseUnused({ kind }: Inspection, subject: string, written: Written<typeof flags>): void {
  const used = kind === 'data' ? Object.keys(DATA_FLAGS) : kind === 'model' ? ['variant'] : [];
  const unused = written.again({ without: used }).find((word) => word.startsWith('--'));
  if (unused === undefined) return;
  const what = kind === 'data' ? 'data' : `a ${kind}`;
  throw new UsageError(`${unused.split('=')[0]} does not go with ${subject}, which is ${what}`, 'leave it out');
}

/** The command that trains on data; a warning where no network fits the size of its pictures. */
function proposeTraining({ imageShape }: DataInspection, words: readonly string[], terminal: Terminal): void {
  const [channels = 0, height = 0, width = 0] = imageShape;
  try {
    unetPreset({ imageShape: [channels, height, width] });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    terminal.warn(`to train on this, ${error.cliHint}: ${error.problem}`);
    return;
  }
  terminal.next(words);
}

type Row = readonly [name: string, value: string | undefined];

function table(rows: readonly Row[], columns: number): string {
  return factLines(
    rows.filter((row): row is readonly [string, string] => row[1] !== undefined),
    columns,
  ).join('\n');
}

/** `a 3, b 5`, at most ten. */
function counts(entries: readonly (readonly [string, number])[]): string {
  const some = entries.slice(0, 10).map(([name, count]) => `${name} ${count}`);
  return some.join(', ') + (entries.length > 10 ? `, … and ${entries.length - 10} more` : '');
}

function dataRows(found: DataInspection, repeats: boolean): Row[] {
  const { name, train, heldOut, imageShape, classes, captions, report, fingerprint } = found;
  const [channels, height, width] = imageShape;
  return [
    ['data', name],
    ['pictures', `${train} to train on${repeats ? ' in an epoch, with repeats' : ''}, ${heldOut} held out`],
    ['shape', `${width}×${height}, ${channels === 1 ? 'grey' : 'RGB'}`],
    ['classes', classes ? counts(Object.entries(classes)) : 'none'],
    ['captions', captions.length > 0 ? captions.map((caption) => `"${caption}"`).join('\n') : undefined],
    [
      'converted',
      report && Object.keys(report.converted).length > 0 ? counts(Object.entries(report.converted)) : undefined,
    ],
    ...skippedByReason(report?.skipped ?? []).map((line): Row => ['skipped', line]),
    ...(report?.warnings ?? []).map((warning): Row => ['warning', warning]),
    ['fingerprint', fingerprint],
  ];
}

/** What sampling it needs to be told: the scheduler of a network saved alone, that tensors are left aside. */
function sampledWith({ path, scheduler, extraTensors }: ModelInspection): string[] {
  return [
    ...(scheduler === null ? ['--scheduler', schedulerNear(path) ?? 'DDPMScheduler'] : []),
    ...(extraTensors.length > 0 ? ['--ignore-extra'] : []),
  ];
}

function pipelineRows({ path, className, problem, components }: PipelineInspection): Row[] {
  return [
    ['pipeline', `${path} (${className})`],
    ['sampled', `no: ${problem}`],
    ...components.map(({ name, className, library }): Row => [name, `${className} of ${library}`]),
  ];
}

function modelRows(found: ModelInspection): Row[] {
  const { path, pipeline, className, parameters, config, scheduler, predictionType, notes, warnings } = found;
  const size = typeof config.sample_size === 'number' ? [config.sample_size, config.sample_size] : config.sample_size;
  return [
    ['model', `${path} (${pipeline ?? 'a network saved alone'})`],
    ['network', `${className}, ${plural(parameters, 'parameter', formatCount(parameters))}`],
    [
      'pictures',
      `${size?.toReversed().join('×') ?? 'of any size'}, ${config.in_channels === 1 ? 'grey' : plural(config.in_channels, 'channel')}`,
    ],
    ['channels', config.block_out_channels.join(', ')],
    ['blocks', `${config.down_block_types.join(', ')}; ${plural(config.layers_per_block, 'layer')} each`],
    ['scheduler', scheduler === null ? 'none' : `${scheduler}, predicts ${predictionType}`],
    ['classes', notes.classNames && describeClasses(notes.classNames).replace(/^the classes are: /, '')],
    [
      'trained',
      notes.trainedSteps === undefined ? undefined : `${plural(notes.trainedSteps, 'step')} on ${notes.data}`,
    ],
    ['samples', notes.sampling && `${notes.sampling.solver}, ${plural(notes.sampling.steps, 'step')}`],
    ...warnings.map((warning): Row => ['warning', warning]),
  ];
}

function runRows(run: RunInspection, curve: number): Row[] {
  const { losses, validations, checkpoints } = run;
  const best = validations.reduce<(typeof validations)[number] | undefined>(
    (lowest, one) => (lowest && lowest.loss <= one.loss ? lowest : one),
    undefined,
  );
  return [
    ['run', `${run.path} (${run.state})`],
    ['data', run.config.data.spec],
    ['steps', run.totalSteps === null ? String(run.step) : `${run.step} of ${run.totalSteps}`],
    ['network', run.parameters === null ? undefined : plural(run.parameters, 'parameter', formatCount(run.parameters))],
    ['loss', losses.length > 0 ? `${sparkline(losses, curve)} ${losses.at(-1)!.toFixed(4)}` : undefined],
    [
      'held-out',
      best &&
        `${sparkline(
          validations.map(({ loss }) => loss),
          curve,
        )} best ${best.loss.toFixed(4)} at step ${best.step}`,
    ],
    ['checkpoints', checkpoints.map(({ step }) => step).join(', ') || 'none'],
    ['model', run.model ? `${run.path}/model` : 'none yet'],
    ...run.warnings.map((warning): Row => ['warning', warning]),
  ];
}
