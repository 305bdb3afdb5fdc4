/** @file A schedule report as plots and as a page. */
import {
  factList,
  htmlPage,
  htmlTable,
  type PageSection,
  plotRow,
  svgPlot,
  warningBox,
} from '../../formats/plots/index.ts';
import { plural } from '../../tensor/plural.ts';
import type { ScheduleReport } from '../schedule-report.ts';
import { percentText, significant } from './numbers.ts';

/** The plots of a report: α and σ, log SNR, and where the grid puts its steps. */
export function schedulePlots(report: ScheduleReport): string[] {
  const { curves, grid } = report;
  const unitSignal = curves.alpha.every((alpha) => alpha === 1);
  const timed = grid.filter(({ order }) => order !== undefined);
  const steps = grid.map((_, i) => i);
  const levels = svgPlot(
    [
      { label: 'α signal', x: curves.t, y: curves.alpha },
      { label: 'σ noise', x: curves.t, y: curves.sigma },
    ],
    {
      title: 'Signal and noise',
      xLabel: 't (training time)',
      yLabel: 'level (data: 1)',
      yScale: unitSignal ? 'log' : 'linear',
      width: 528,
      height: 320,
    },
  );
  const sameTimes = timed.every(({ t }) => t >= curves.t[0]! && t <= curves.t.at(-1)!);
  const snr = svgPlot(
    [
      { label: 'process', x: curves.t, y: curves.logSnr },
      ...(sameTimes
        ? [
            {
              label: 'grid',
              x: timed.map(({ t }) => t),
              y: timed.map(({ logSnr }) => logSnr),
              style: 'marks' as const,
              notes: timed.map(
                ({ t, snr, order }, i) => `step ${i}: t = ${significant(t)}, SNR ${significant(snr)}, order ${order}`,
              ),
            },
          ]
        : []),
    ],
    {
      title: 'Log signal-to-noise ratio',
      xLabel: 't (training time)',
      yLabel: 'log SNR (nats)',
      width: 528,
      height: 320,
    },
  );
  const pace = svgPlot(
    [
      {
        label: 'grid',
        x: steps,
        y: grid.map(({ logSnr }) => logSnr),
        style: 'both',
        notes: grid.map(({ t, logSnr }, i) => `step ${i}: t = ${significant(t)}, log SNR ${significant(logSnr)}`),
      },
    ],
    { title: 'Where the steps go', xLabel: 'step', yLabel: 'log SNR (nats)', width: 528, height: 320 },
  );
  return [levels, snr, pace];
}

/** All plots of a report as one SVG file. */
export function scheduleSvg(report: ScheduleReport): string {
  const plots = schedulePlots(report);
  const placed = plots.map((svg, i) => svg.replace('<svg ', `<svg y="${i * 330}" `));
  return `<svg xmlns="http://www.w3.org/2000/svg" width="528" height="${plots.length * 330}">\n${placed.join('\n')}\n</svg>\n`;
}

/** Parameterisations in the notation of the papers. */
const PREDICTIONS: Readonly<Record<string, string>> = {
  epsilon: 'ε',
  sample: 'x₀',
  v_prediction: 'v',
  flow_prediction: 'the velocity of the flow',
  reverse_flow: 'the velocity of the flow, towards data',
  trigflow: 'the velocity of TrigFlow',
  score: 'the score',
  scaled_score: 'σ times the score',
  edm: 'what EDM preconditioning turns into x₀',
  consistency: 'what the consistency boundary condition turns into x₀',
};

/** Rows of facts about a report, as text. */
export function scheduleFacts(report: ScheduleReport): [name: string, value: string][] {
  const { terminal, grid } = report;
  return [
    ['scheduler', `${report.scheduler}, ${report.stochastic ? 'stochastic' : 'deterministic'}`],
    [
      'process',
      [report.process, report.schedule, `predicts ${PREDICTIONS[report.prediction] ?? report.prediction}`]
        .filter(Boolean)
        .join(', '),
    ],
    ['cost', `${plural(report.steps, 'step')}, ${plural(report.evaluations, 'network evaluation')}`],
    ['orders', runLengths(grid.slice(0, -1).map(({ order }) => order ?? 0))],
    [
      'end',
      `SNR ${significant(terminal.snr)}, KL to pure noise ${significant(terminal.klPerDimension)} nats per dimension, ` +
        `${percentText(terminal.signalLeak)} of the picture left`,
    ],
  ];
}

/** The grid as a table: head and rows. */
export function gridTable({ grid }: ScheduleReport): { head: string[]; rows: string[][] } {
  return {
    head: ['step', 't', 'α', 'σ', 'SNR', 'log SNR', 'order'],
    rows: grid.map(({ t, alpha, sigma, snr, logSnr, order }, i) => [
      String(i),
      ...[t, alpha, sigma, snr, logSnr].map(significant),
      order === undefined ? '' : String(order),
    ]),
  };
}

/** The page of `inkwash explain`; `pictures`: sections to put after the plots. */
export function schedulePage(report: ScheduleReport, subject: string, pictures: readonly PageSection[] = []): string {
  const { head, rows } = gridTable(report);
  const lead = `How ${subject} turns pictures into noise, and the steps it takes back.`;
  return htmlPage(`inkwash explain ${subject}`, lead, [
    { body: [factList(scheduleFacts(report)), ...report.warnings.map(warningBox)] },
    ...pictures,
    { heading: 'Curves', body: [plotRow(schedulePlots(report))] },
    { heading: 'Grid', body: [htmlTable(head, rows)] },
  ]);
}

/** `[1, 2, 2, 1]` → `1, 2 (×2), 1`. */
export function runLengths(values: readonly number[]): string {
  const parts: [number, number][] = [];
  for (const value of values) {
    const last = parts.at(-1);
    if (last && last[0] === value) last[1]++;
    else parts.push([value, 1]);
  }
  if (parts.length > 8) return `${values.slice(0, 12).join(', ')}, …`;
  return parts.map(([value, count]) => (count > 1 ? `${value} (×${count})` : String(value))).join(', ');
}
