/** @file `inkwash inspect`: what a data set, a model or a run is. */
import {
  type DataInspection,
  describeClasses,
  inspect as inspectSubject,
  type ModelInspection,
  type RunInspection,
} from '../pipelines/index.node.ts';
import { formatCount, plural, sparkline } from './format.ts';
import type { Terminal } from './terminal.ts';

/** Flags of `inkwash inspect`, as parsed. */
export interface InspectFlags {
  readonly size?: number;
}

/** Characters of a loss curve. */
const CURVE = 50;

/** Runs the command; returns the exit code. */
export async function inspect(subject: string, { size }: InspectFlags, terminal: Terminal): Promise<number> {
  const found = await inspectSubject(subject, { ...(size !== undefined && { size }), onWarning: terminal.warn });
  terminal.printJson(found);
  switch (found.kind) {
    case 'data':
      terminal.print(table(dataRows(found)));
      terminal.next(`inkwash train ${subject}${size === undefined ? '' : ` --size ${size}`}`);
      break;
    case 'model':
      terminal.print(table(modelRows(found)));
      terminal.next(`inkwash sample ${subject}`);
      break;
    case 'run':
      terminal.print(table(runRows(found)));
      terminal.next(
        found.state === 'finished' ? `inkwash sample ${subject}` : `inkwash train --resume --out ${subject}`,
      );
      break;
  }
  return 0;
}

type Row = readonly [name: string, value: string | undefined];

function table(rows: readonly Row[]): string {
  const shown = rows.filter((row): row is readonly [string, string] => row[1] !== undefined);
  const width = Math.max(...shown.map(([name]) => name.length));
  return shown.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join('\n');
}

/** `a 3, b 5`, at most ten. */
function counts(entries: readonly (readonly [string, number])[]): string {
  const some = entries.slice(0, 10).map(([name, count]) => `${name} ${count}`);
  return some.join(', ') + (entries.length > 10 ? `, … and ${entries.length - 10} more` : '');
}

function dataRows({ name, train, heldOut, imageShape, classes, captions, report, fingerprint }: DataInspection): Row[] {
  const [channels, height, width] = imageShape;
  return [
    ['data', name],
    ['pictures', `${train} to train on, ${heldOut} held out`],
    ['shape', `${width}×${height}, ${channels === 1 ? 'grey' : 'RGB'}`],
    ['classes', classes ? counts(Object.entries(classes)) : 'none'],
    ['captions', captions.length > 0 ? captions.map((caption) => `"${caption}"`).join('\n          ') : undefined],
    [
      'converted',
      report && Object.keys(report.converted).length > 0 ? counts(Object.entries(report.converted)) : undefined,
    ],
    ...(report?.skipped ?? []).map(({ file, reason }): Row => ['skipped', `${file}: ${reason}`]),
    ...(report?.warnings ?? []).map((warning): Row => ['warning', warning]),
    ['fingerprint', fingerprint],
  ];
}

function modelRows({ path, className, parameters, config, scheduler, predictionType, notes }: ModelInspection): Row[] {
  const size = typeof config.sample_size === 'number' ? [config.sample_size, config.sample_size] : config.sample_size;
  return [
    ['model', path],
    ['network', `${className}, ${formatCount(parameters)} parameters`],
    [
      'pictures',
      `${size?.join('×') ?? 'of any size'}, ${config.in_channels === 1 ? 'grey' : `${config.in_channels} channels`}`,
    ],
    ['channels', config.block_out_channels.join(', ')],
    ['blocks', `${config.down_block_types.join(', ')}; ${plural(config.layers_per_block, 'layer')} each`],
    ['scheduler', `${scheduler}, predicts ${predictionType}`],
    ['classes', notes.classNames && describeClasses(notes.classNames).replace(/^the classes are: /, '')],
    [
      'trained',
      notes.trainedSteps === undefined ? undefined : `${plural(notes.trainedSteps, 'step')} on ${notes.data}`,
    ],
    ['samples', notes.sampling && `${notes.sampling.solver}, ${notes.sampling.steps} steps`],
  ];
}

function runRows(run: RunInspection): Row[] {
  const { losses, validations, checkpoints } = run;
  const best = validations.reduce<(typeof validations)[number] | undefined>(
    (lowest, one) => (lowest && lowest.loss <= one.loss ? lowest : one),
    undefined,
  );
  return [
    ['run', `${run.path} (${run.state})`],
    ['data', run.config.data.spec],
    ['steps', run.totalSteps === null ? String(run.step) : `${run.step} of ${run.totalSteps}`],
    ['network', run.parameters === null ? undefined : `${formatCount(run.parameters)} parameters`],
    ['loss', losses.length > 0 ? `${sparkline(losses, CURVE)} ${losses.at(-1)!.toFixed(4)}` : undefined],
    [
      'held-out',
      best &&
        `${sparkline(
          validations.map(({ loss }) => loss),
          CURVE,
        )} best ${best.loss.toFixed(4)} at step ${best.step}`,
    ],
    ['checkpoints', checkpoints.map(({ step }) => step).join(', ') || 'none'],
    ['model', run.model ? `${run.path}/model` : 'none yet'],
    ...run.warnings.map((warning): Row => ['warning', warning]),
  ];
}
