/** @file A comparison of solvers as a table, as plots and as a page. */
import { commandLine, htmlPage, htmlTable, paragraph, plotRow, svgPlot } from '../../formats/plots/index.ts';
import type { SolverComparison, SolverResult } from '../solver-comparison.ts';

/** What a result is called. */
export function resultName({ solver, grid }: SolverResult): string {
  return grid === 'searched' ? `${solver} (searched grid)` : solver;
}

/** The results as a table: head, rows, and the row that is recommended. */
export function solverTable({ results, reference, recommendation }: SolverComparison): {
  head: string[];
  rows: string[][];
  chosen: number;
} {
  return {
    head: ['evaluations', 'solver', 'steps', 'rms to reference', 'distance to data', 'over reference'],
    rows: results.map((one) => [
      String(one.evaluations),
      resultName(one),
      String(one.steps),
      one.rms === null ? 'stochastic' : one.rms.toFixed(4),
      one.distance.toFixed(4),
      percent(one.distance / reference.distance - 1),
    ]),
    chosen: results.indexOf(recommendation.result),
  };
}

/** What was measured, and against what, as lines of text. */
export function solverFacts({ count, heldOut, reference, floor }: SolverComparison): string[] {
  const known = reference.error === null ? '' : ` (${reference.error.toFixed(4)} rms from its own with half the steps)`;
  return [
    `${count} samples per solver against ${heldOut} held-out pictures; distances in pixel values from -1 to 1`,
    `reference      ${reference.solver}, ${reference.steps} steps: ${reference.distance.toFixed(4)} from the data${known}`,
    `training data  ${floor.mean.toFixed(4)} ± ${floor.std.toFixed(4)} from the held-out: the least to hope for`,
  ];
}

/** The recommendation as a sentence. */
export function adviceText({ recommendation }: SolverComparison): string {
  const { result, within, reached } = recommendation;
  const what = `${resultName(result)} with ${result.steps} steps`;
  return reached
    ? `${what}: the fewest evaluations (${result.evaluations}) whose distance is within ${within} % of the reference's`
    : `${what} comes nearest, but nothing is within ${within} % of the reference: allow more steps`;
}

/** Distance to the data, and to the reference trajectory, over network evaluations. */
export function solverPlots(comparison: SolverComparison): string[] {
  const { results, reference, floor } = comparison;
  const names = [...new Set(results.map(resultName))].sort(
    (a, b) => Number(a.includes('searched')) - Number(b.includes('searched')),
  );
  const seriesOf = (value: (one: SolverResult) => number | null) =>
    names.flatMap((label, colour) => {
      const own = results.filter((one) => resultName(one) === label && value(one) !== null);
      if (own.length === 0) return [];
      const notes = own.map(
        (one) => `${label}, ${one.steps} steps, ${one.evaluations} evaluations: ${value(one)!.toFixed(4)}`,
      );
      const points = { x: own.map((one) => one.evaluations), y: own.map((one) => value(one)!) };
      return [{ label, colour, style: 'both' as const, notes, ...points }];
    });
  const common = {
    xLabel: 'network evaluations per sample',
    xScale: 'log',
    yScale: 'log',
    width: 1060,
    height: 430,
  } as const;
  const distance = svgPlot(
    seriesOf((one) => one.distance),
    {
      ...common,
      title: 'Distance of the samples from held-out pictures',
      yLabel: 'sliced Wasserstein (pixel values)',
      levels: [
        { y: reference.distance, label: `reference, ${reference.evaluations} evaluations` },
        { y: floor.mean, label: 'training pictures' },
      ],
    },
  );
  const rms = seriesOf((one) => one.rms);
  if (rms.length === 0) return [distance];
  return [
    distance,
    svgPlot(rms, {
      ...common,
      title: 'Distance from the reference trajectory (same start noise)',
      yLabel: 'root mean square (pixel values)',
    }),
  ];
}

/** All plots as one SVG file. */
export function solverSvg(comparison: SolverComparison): string {
  const plots = solverPlots(comparison);
  const placed = plots.map((svg, i) => svg.replace('<svg ', `<svg y="${i * 440}" `));
  return `<svg xmlns="http://www.w3.org/2000/svg" width="1060" height="${plots.length * 440}">\n${placed.join('\n')}\n</svg>\n`;
}

/** The page of `inkwash solvers`; `command` samples as recommended. */
export function solverPage(comparison: SolverComparison, model: string, command: string): string {
  const { head, rows, chosen } = solverTable(comparison);
  const { skipped } = comparison;
  const lead = `Which solver, and how many steps, suit ${model}.`;
  return htmlPage(`inkwash solvers ${model}`, lead, [
    { heading: 'Recommended', body: [paragraph(`${adviceText(comparison)}.`), commandLine(command)] },
    {
      body: [
        ...solverFacts(comparison).map((line) => paragraph(line.replaceAll(/ {2,}/g, ': '))),
        plotRow(solverPlots(comparison)),
      ],
    },
    { heading: 'All results', body: [htmlTable(head, rows, { textColumns: [1], chosen })] },
    ...(skipped.length > 0
      ? [
          {
            heading: 'Left out',
            body: skipped.map(({ solver, steps, reason }) => paragraph(`${solver}, ${steps} steps: ${reason}`)),
          },
        ]
      : []),
  ]);
}

function percent(ratio: number): string {
  return `${ratio < 0 ? '−' : '+'}${Math.abs(100 * ratio).toFixed(1)} %`;
}
