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
import { atomicWrite, encodePng, writePng } from '../formats/index.node.ts';
import { defaultScheduler, findScheduler } from '../pipelines/index.node.ts';
import { braillePlot } from './braille-plot.ts';
import { type DiffusionStrip, diffusionStrip } from './diffusion-strip.ts';
import { outKind } from './out-kind.ts';
import type { Terminal } from './terminal.ts';
import { UsageError } from './usage-error.ts';

/** Flags of `inkwash explain`, as parsed. */
export interface ExplainFlags {
  readonly data?: string;
  readonly model?: string;
  readonly steps?: number;
  readonly solver?: string;
  readonly seed?: number;
  readonly out?: string;
}

/** Runs the command; returns the exit code. */
export async function explain(
  given: string | undefined,
  { data, model, out, ...flags }: ExplainFlags,
  terminal: Terminal,
): Promise<number> {
  const kind = outKind(out, data === undefined ? ['html', 'svg'] : ['html', 'svg', 'png']);
  const subject = given ?? model;
  if (subject === undefined && data === undefined) {
    throw new UsageError('nothing to explain', 'name a scheduler, a model folder or a run: inkwash explain dpm++2m');
  }
  if (model !== undefined && data === undefined) {
    throw new UsageError('--model goes with --data', `for its scheduler alone: inkwash explain ${model}`);
  }
  const solver = flags.solver === undefined ? undefined : String(flags.solver);
  const found = subject === undefined ? defaultScheduler(String(data), solver) : await findScheduler(subject, solver);
  const steps = flags.steps ?? found.steps;
  const options = { steps, ...(flags.seed !== undefined && { seed: flags.seed }) };
  // refuses a bad request before anything slow
  scheduleReport(found.plan, options);
  const drawn =
    data === undefined
      ? undefined
      : await diffusionStrip({ plan: found.plan, data: String(data), model: model ?? given }, options, terminal);
  const report = scheduleReport(found.plan, { steps, dataPower: drawn?.dataPower });
  const files = await write(report, drawn, { name: subject ?? `diffusion of ${data}`, out, kind });
  terminal.printJson({ subject: subject ?? null, solver: found.solver ?? null, files, ...report });
  terminal.print(reportText(report));
  for (const file of files) terminal.print(file);
  return 0;
}

async function write(
  report: ScheduleReport,
  drawn: DiffusionStrip | undefined,
  { name, out, kind }: { readonly name: string; readonly out: string | undefined; readonly kind: string | undefined },
): Promise<string[]> {
  const files: string[] = [];
  if (drawn) {
    const file = kind === 'png' ? out! : kind === 'html' ? out!.replace(/\.html$/, '.png') : 'explain.png';
    await writePng(file, stripSheet(drawn.strip));
    files.push(file);
  }
  if (kind === 'svg') await atomicWrite(out!, scheduleSvg(report));
  if (kind === 'html') await atomicWrite(out!, schedulePage(report, name, await pictureSections(drawn)));
  if (kind === 'svg' || kind === 'html') files.push(out!);
  return files;
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

function reportText(report: ScheduleReport): string {
  const { curves, warnings } = report;
  const facts = scheduleFacts(report).map(([name, value]) => `${name.padEnd(9)}  ${value}`);
  const levels = [curves.alpha, curves.sigma].map((y) => ({ x: curves.t, y }));
  const plots = sideBySide(
    braillePlot(levels, { title: 'α and σ over t' }),
    braillePlot([{ x: curves.t, y: curves.logSnr }], { title: 'log SNR over t' }),
  );
  const notes = warnings.map((text) => `\nwarning  ${text}`);
  return [...facts, '', ...plots, '', ...gridLines(report), ...notes].join('\n');
}

function gridLines(report: ScheduleReport): string[] {
  const { head, rows } = gridTable(report);
  const cut = [...rows.slice(0, ROWS - 4), ['…', ...head.slice(1).map(() => '')], ...rows.slice(-3)];
  const lines = [head, ...(rows.length > ROWS ? cut : rows)];
  const widths = head.map((_, column) => Math.max(...lines.map((row) => row[column]!.length)));
  return lines.map((row) =>
    row
      .map((cell, column) => cell.padStart(widths[column]!))
      .join('  ')
      .trimEnd(),
  );
}

function sideBySide(left: readonly string[], right: readonly string[]): string[] {
  return left.map((line, i) => `${line}   ${right[i] ?? ''}`.trimEnd());
}
