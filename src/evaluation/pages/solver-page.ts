/** @file A comparison of solvers as a table, as plots and as a page. */
import {
  commandLine,
  htmlPage,
  htmlTable,
  type PlotOptions,
  paragraph,
  plotRow,
  svgPlot,
} from '../../formats/plots/index.ts';
import { plural } from '../../tensor/plural.ts';
import { type Lead, leadStanding } from '../grid-verdict.ts';
import { isLevel } from '../recommendation.ts';
import type { SolverComparison, SolverResult } from '../solver-comparison.ts';

/** What a result is called; a solver on its own grid or on one with a name as `--solver` takes it. */
export function resultName({ solver, grid }: SolverResult): string {
  if (grid === 'searched') return `${solver} (searched grid)`;
  return grid === 'own' ? solver : `${solver}-${grid}`;
}

/** The results as a table: head, rows, and the row that is recommended. */
export function solverTable({ results, reference, recommendation }: SolverComparison): {
  head: string[];
  rows: string[][];
  chosen: number;
} {
  return {
    head: ['evaluations', 'solver', 'steps', 'rms to reference', 'distance to data', 'over reference', 'noise'],
    rows: results.map((one) => [
      String(one.evaluations),
      resultName(one),
      String(one.steps),
      one.rms === null ? 'stochastic' : one.rms.toFixed(4),
      one.distance.toFixed(4),
      isLevel(one, reference) ? '≈' : percent(one.distance / reference.distance - 1),
      `±${one.noise.toFixed(4)}`,
    ]),
    chosen: results.indexOf(recommendation.result),
  };
}

/** What was measured, and against what, as lines of text. */
export function solverFacts({ count, heldOut, reference, floor }: SolverComparison): string[] {
  const known = reference.error === null ? '' : ` (${reference.error.toFixed(4)} rms from its own with half the steps)`;
  const apart = `different samples are ${reference.spread.toFixed(4)} rms apart`;
  return [
    `${plural(count, 'sample')} per solver against ${plural(heldOut, 'held-out picture')}; distances in pixel values from -1 to 1`,
    `reference      ${reference.solver}, ${plural(reference.steps, 'step')}: ${reference.distance.toFixed(4)} from the data${known}`,
    `training data  ${floor.mean.toFixed(4)} ± ${floor.std.toFixed(4)} from the held-out: the least to hope for`,
    `noise          one standard error of what is over the reference; ≈ where that is less than two; ${apart}`,
  ];
}

/** How the searched grids stand against the best of all others, a line for every number of steps; none where none was searched. */
export function verdictLines({ verdicts, gridSolver }: SolverComparison): string[] {
  const lead = (one: Lead, what: string): string => {
    const over = one.over === 'own' ? `${gridSolver}'s own` : one.over;
    const by = `${Math.abs(one.by).toFixed(4)} ± ${one.noise.toFixed(4)}`;
    const standing = leadStanding(one);
    if (standing === 'level') return `${what} level with ${over} (${one.by < 0 ? 'above' : 'below'} by ${by})`;
    return `${what} ${standing === 'ahead' ? 'below' : 'above'} ${over} by ${by}`;
  };
  return verdicts.map(
    ({ steps, rms, distance }) =>
      `searched, ${plural(steps, 'step')}: ${lead(rms, 'rms')}, the best other grid; ${lead(distance, 'distance to data')}`,
  );
}

/** The recommendation in a sentence or two. */
export function adviceText({ recommendation, reference }: SolverComparison): string {
  const { result, within, reached, nearer } = recommendation;
  const called = (one: SolverResult): string => `${resultName(one)} with ${plural(one.steps, 'step')}`;
  const rms =
    result.rms === null
      ? ''
      : `, rms ${result.rms.toFixed(4)}: ${percentOf(result.rms / reference.spread)} of what different samples are apart`;
  const measured = `${result.distance.toFixed(4)} from the data${rms}`;
  const advice = reached
    ? `${called(result)}: the fewest evaluations (${result.evaluations}) within ${within} % (${measured})`
    : `${called(result)} comes nearest (${measured}), but nothing is within ${within} %: allow more steps`;
  if (nearer === undefined) return `${advice}; nothing is nearer to the data by more than the noise`;
  return `${advice}; ${called(nearer)} is nearer to the data by more than the noise: ${nearer.distance.toFixed(4)}`;
}

/**
 * Distance to the data, and to the reference trajectory, over network evaluations: of all solvers on their own grids, then
 * of one solver on all grids.
 */
export function solverPlots(comparison: SolverComparison): string[] {
  const { results, reference, gridSolver } = comparison;
  const plots = (some: readonly SolverResult[], of: string): string[] => [
    measurePlot(some, (one) => one.distance, {
      title: `${of}: distance of the samples from held-out pictures`,
      yLabel: 'sliced Wasserstein (pixel values)',
      levels: [
        { y: reference.distance, label: `reference, ${plural(reference.evaluations, 'evaluation')}` },
        { y: comparison.floor.mean, label: 'training pictures' },
      ],
    }),
    ...(some.some(({ rms }) => rms !== null)
      ? [
          measurePlot(some, (one) => one.rms, {
            title: `${of}: distance from the reference trajectory (same start noise)`,
            yLabel: 'root mean square (pixel values)',
          }),
        ]
      : []),
  ];
  const own = results.filter(({ grid }) => grid === 'own');
  if (gridSolver === null) return plots(own, 'Solvers');
  const few = Math.max(...results.filter(({ grid }) => grid === 'searched').map(({ steps }) => steps));
  const onGrids = results.filter(({ solver, steps }) => solver === gridSolver && steps <= few);
  return [...plots(own, 'Solvers'), ...plots(onGrids, `Grids of ${gridSolver}`)];
}

function measurePlot(
  results: readonly SolverResult[],
  value: (one: SolverResult) => number | null,
  labels: Pick<PlotOptions, 'title' | 'yLabel' | 'levels'>,
): string {
  const names = [...new Set(results.map(resultName))].sort(
    (a, b) => Number(a.includes('searched')) - Number(b.includes('searched')),
  );
  const series = names.flatMap((label, colour) => {
    const own = results.filter((one) => resultName(one) === label && value(one) !== null);
    if (own.length === 0) return [];
    const notes = own.map(
      (one) =>
        `${label}, ${plural(one.steps, 'step')}, ${plural(one.evaluations, 'evaluation')}: ${value(one)!.toFixed(4)}`,
    );
    const points = { x: own.map((one) => one.evaluations), y: own.map((one) => value(one)!) };
    return [{ label, colour, style: 'both' as const, notes, ...points }];
  });
  return svgPlot(series, {
    xLabel: 'network evaluations per sample',
    xScale: 'log',
    yScale: 'log',
    width: 1060,
    height: 430,
    ...labels,
  });
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
        plotRow(solverPlots(comparison), 720),
      ],
    },
    { heading: 'All results', body: [htmlTable(head, rows, { textColumns: [1], chosen })] },
    ...(comparison.verdicts.length > 0
      ? [{ heading: 'Searched grids', body: verdictLines(comparison).map((line) => paragraph(`${line}.`)) }]
      : []),
    ...(skipped.length > 0
      ? [
          {
            heading: 'Left out',
            body: skipped.map(({ solver, steps, reason }) =>
              paragraph(`${solver}, ${plural(steps, 'step')}: ${reason}`),
            ),
          },
        ]
      : []),
  ]);
}

function percentOf(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

function percent(ratio: number): string {
  return `${ratio < 0 ? '−' : '+'}${Math.abs(100 * ratio).toFixed(1)} %`;
}
