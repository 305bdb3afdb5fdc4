/** @file `inkwash explain`: what a scheduler does, and what diffusion does to pictures. */
import { type ScheduleReport, scheduleReport } from '../evaluation/index.ts';
import { findScheduler } from '../pipelines/index.node.ts';
import { braillePlot } from './braille-plot.ts';
import type { Terminal } from './terminal.ts';
import { UsageError } from './usage-error.ts';

/** Flags of `inkwash explain`, as parsed. */
export interface ExplainFlags {
  readonly steps?: number;
  readonly solver?: string;
  readonly out?: string;
}

/** Runs the command; returns the exit code. */
export async function explain(subject: string | undefined, flags: ExplainFlags, terminal: Terminal): Promise<number> {
  if (subject === undefined) {
    throw new UsageError('nothing to explain', 'name a scheduler, a model folder or a run: inkwash explain dpm++2m');
  }
  const found = await findScheduler(subject, flags.solver);
  const report = scheduleReport(found.json, { steps: flags.steps ?? found.steps });
  terminal.printJson({ subject, solver: found.solver ?? null, ...report });
  terminal.print(reportText(report));
  return 0;
}

/** Rows of the grid to print; longer grids are cut in the middle. */
const ROWS = 12;

function reportText(report: ScheduleReport): string {
  const { curves, grid, terminal } = report;
  const facts = [
    ['scheduler', `${report.scheduler}, ${report.stochastic ? 'stochastic' : 'deterministic'}`],
    ['process', [report.process, report.schedule, `predicts ${report.prediction}`].filter(Boolean).join(', ')],
    ['cost', `${report.steps} steps, ${report.evaluations} network evaluations`],
    ['orders', runs(grid.slice(0, -1).map(({ order }) => order ?? 0))],
    [
      'end',
      `SNR ${digits(terminal.snr)}, KL to pure noise ${digits(terminal.klPerDimension)} nats per dimension, ` +
        `${digits(100 * terminal.signalLeak)} % of the picture left`,
    ],
  ].map(([name, value]) => `${name!.padEnd(9)}  ${value}`);
  const plots = sideBySide(
    braillePlot(
      [
        { x: curves.t, y: curves.alpha },
        { x: curves.t, y: curves.sigma },
      ],
      { title: 'α and σ over t' },
    ),
    braillePlot([{ x: curves.t, y: curves.logSnr }], { title: 'log SNR over t' }),
  );
  return [
    ...facts,
    '',
    ...plots,
    '',
    ...gridTable(report),
    ...report.warnings.map((text) => `\nwarning  ${text}`),
  ].join('\n');
}

function gridTable({ grid }: ScheduleReport): string[] {
  const cells = grid.map(({ t, alpha, sigma, snr, logSnr, order }, i) => [
    String(i),
    ...[t, alpha, sigma, snr, logSnr].map(digits),
    order === undefined ? '' : String(order),
  ]);
  const shown =
    cells.length > ROWS ? [...cells.slice(0, ROWS - 4), ['…', '', '', '', '', '', ''], ...cells.slice(-3)] : cells;
  const head = ['step', 't', 'α', 'σ', 'SNR', 'log SNR', 'order'];
  const rows = [head, ...shown];
  const widths = head.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) => row.map((cell, column) => cell.padStart(widths[column]!)).join('  '));
}

/** `[1, 2, 2, 1]` → `1, 2 (×2), 1`. */
function runs(values: readonly number[]): string {
  const parts: [number, number][] = [];
  for (const value of values) {
    const last = parts.at(-1);
    if (last && last[0] === value) last[1]++;
    else parts.push([value, 1]);
  }
  if (parts.length > 8) return `${values.slice(0, 12).join(', ')}, …`;
  return parts.map(([value, count]) => (count > 1 ? `${value} (×${count})` : String(value))).join(', ');
}

function sideBySide(left: readonly string[], right: readonly string[]): string[] {
  return left.map((line, i) => `${line}   ${right[i] ?? ''}`.trimEnd());
}

/** Four digits; infinities as ∞. */
function digits(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? '' : value > 0 ? '∞' : '−∞';
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e5)) return value.toExponential(2);
  return String(Number(value.toPrecision(4)));
}
