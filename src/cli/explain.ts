/** @file `inkwash explain`: what a scheduler does, and what diffusion does to pictures. */
import {
  gridTable,
  type ScheduleReport,
  type Strip,
  scheduleFacts,
  schedulePage,
  scheduleReport,
  scheduleSvg,
  stripHtml,
  stripSheet,
} from '../evaluation/index.ts';
import { atomicWrite, checkWritable, encodePng, writePng, writeUnderFreeName } from '../formats/index.node.ts';
import { defaultScheduler, findScheduler } from '../pipelines/index.node.ts';
import { braillePlot } from './braille-plot.ts';
import { type DiffusionStrip, diffusionStrip } from './diffusion-strip.ts';
import { type Flags, type FlagValues, type OutFile, outFile, text, whole } from './flags.ts';
import { factLines, tableLines, widthOf, wrapped } from './layout.ts';
import { MODEL_FLAGS } from './model-flags.ts';
import { shellLine } from './shell-line.ts';
import type { Terminal } from './terminal.ts';
import { UsageError } from './usage-error.ts';
import { defineVerb } from './verb.ts';

const flags = {
  steps: whole("Solver steps (default: the model's own, else 50)", { least: 1 }),
  solver: text("In place of the model's own solver", { value: 'name' }),
  data: text('Draw what it does to pictures of this data set', { value: 'data' }),
  model: text('With --data: draw how this run or model folder brings them back', { value: 'model' }),
  seed: whole('With --data: seed of the first picture of the model (default: 0)'),
  ...MODEL_FLAGS,
  out: outFile(
    'Also as a page with all pictures (.html), plots (.svg), or where the pictures go (.png); an older file is replaced',
    ['html', 'svg', 'png'],
  ),
} satisfies Flags;

export const explainVerb = defineVerb({
  name: 'explain',
  subject: '[subject]',
  about: 'Say what a scheduler does: its curves, its grid, its end, its cost',
  flags,
  examples: ['inkwash explain dpm++2m --steps 20', 'inkwash explain runs/avatars --data avatars --out explain.html'],
  run: explain,
});

async function explain(
  subject: string | undefined,
  { data, model, out, steps: asked, solver, seed, ...opening }: FlagValues<typeof flags>,
  terminal: Terminal,
): Promise<number> {
  const named = opening.scheduler ?? subject ?? model;
  if (named === undefined && data === undefined) {
    throw new UsageError('nothing to explain', 'name a scheduler, a model folder or a run: inkwash explain dpm++2m');
  }
  checkDrawing({ data, model, seed, out });
  if (out) await checkWritable(out.path);
  if (data !== undefined && !holdsPictures(out)) await checkWritable(PICTURES);
  const found =
    named === undefined
      ? defaultScheduler(data!, solver)
      : await findScheduler(named, solver, { onWarning: terminal.warn });
  const steps = asked ?? found.steps;
  const options = { steps, ...(seed !== undefined && { seed }) };
  // refuses a bad request before anything slow
  scheduleReport(found.plan, options);
  const drawn =
    data === undefined
      ? undefined
      : await diffusionStrip({ plan: found.plan, data, model: model ?? subject, opening }, options, terminal);
  const report = scheduleReport(found.plan, { steps, dataPower: drawn?.dataPower });
  const files = await write(report, drawn, { name: named ?? `diffusion of ${data}`, out });
  terminal.printJson({ subject: named ?? null, solver: found.solver ?? null, files, ...report });
  terminal.print(reportText(report, terminal.resultColumns));
  for (const path of files) terminal.print(path);
  return 0;
}

/** Refuses flags that only pictures have a use for. */
function checkDrawing({ data, model, seed, out }: Partial<FlagValues<typeof flags>>): void {
  if (data !== undefined) return;
  if (model !== undefined) {
    const command = shellLine(['inkwash', 'explain', model]);
    throw new UsageError('--model goes with --data', `for its scheduler alone: ${command}`);
  }
  if (seed !== undefined) throw new UsageError('--seed goes with --data', 'leave it out, or name data');
  if (out?.kind !== 'png') return;
  throw new UsageError(`--out ${out.path} is for pictures, which go with --data`, 'end its name in .html or .svg');
}

/** Where pictures go that are not part of `--out`; with a number where that is taken. */
const PICTURES = 'explain.png';

function holdsPictures(out: OutFile | undefined): boolean {
  return out?.kind === 'html' || out?.kind === 'png';
}

/** Writes pictures first, then the page or the plots; returns the paths. */
async function write(
  report: ScheduleReport,
  drawn: DiffusionStrip | undefined,
  { name, out }: { readonly name: string; readonly out: OutFile | undefined },
): Promise<string[]> {
  const files: string[] = [];
  if (drawn && !holdsPictures(out)) {
    const sheet = stripSheet(drawn.strip);
    const write = (path: string) => writePng(path, sheet, { overwrite: false });
    files.push(await writeUnderFreeName(PICTURES, write));
  }
  if (out === undefined) return files;
  if (out.kind === 'png' && drawn) await writePng(out.path, stripSheet(drawn.strip));
  if (out.kind === 'svg') await atomicWrite(out.path, scheduleSvg(report));
  if (out.kind === 'html') await atomicWrite(out.path, schedulePage(report, name, await pictureSections(drawn)));
  return [...files, out.path];
}

async function pictureSections(drawn: DiffusionStrip | undefined): Promise<{ heading: string; body: string[] }[]> {
  if (!drawn) return [];
  const address = async (picture: Parameters<typeof encodePng>[0]): Promise<string> =>
    `data:image/png;base64,${Buffer.from(await encodePng(picture)).toString('base64')}`;
  const body = [`<p>${drawn.caption}</p>`, await stripHtml(drawn.strip satisfies Strip, address)];
  return [{ heading: 'Pictures', body }];
}

/** Rows of the grid to print; longer grids are cut in the middle. */
const ROWS = 12;

function reportText(report: ScheduleReport, columns: number): string {
  const { curves, warnings } = report;
  const levels = [curves.alpha, curves.sigma].map((y) => ({ x: curves.t, y }));
  const plots = arranged(
    [
      braillePlot(levels, { title: 'α and σ over t', columns }),
      braillePlot([{ x: curves.t, y: curves.logSnr }], { title: 'log SNR over t', columns }),
    ],
    columns,
  );
  const notes = warnings.map((text) => `\nwarning  ${wrapped(text, columns, 9)}`);
  return [...factLines(scheduleFacts(report), columns), '', ...plots, '', ...gridLines(report, columns), ...notes].join(
    '\n',
  );
}

function gridLines(report: ScheduleReport, columns: number): string[] {
  const { head, rows } = gridTable(report);
  const cut = [...rows.slice(0, ROWS - 4), ['…', ...head.slice(1).map(() => '')], ...rows.slice(-3)];
  // σ and α say the same as the ratios
  return tableLines({ head, rows: rows.length > ROWS ? cut : rows, spare: [4, 6, 2, 3] }, columns);
}

/** Plots side by side where there is room, else one below the other. */
function arranged(plots: readonly (readonly string[])[], columns: number): string[] {
  const [left = [], right = []] = plots;
  const beside = left.map((line, i) => `${line}   ${right[i] ?? ''}`.trimEnd());
  if (beside.every((line) => widthOf(line) <= columns)) return beside;
  return [...left, '', ...right].map((line) => line.trimEnd());
}
