/** @file Line plots as SVG that stand alone: labelled axes, a legend, light and dark by the reader's own setting. */
import { type Axis, makeAxis, type ScaleKind, tickText } from './axis.ts';

/** One curve, or one set of marks. */
export interface PlotSeries {
  readonly label: string;
  readonly x: readonly number[];
  readonly y: readonly number[];
  /** What to draw. Default `line`. */
  readonly style?: 'line' | 'marks' | 'both';
  /** What a mark says when pointed at, one per point. */
  readonly notes?: readonly string[];
  /** Number of the colour; default: that of the series. */
  readonly colour?: number;
  readonly dashed?: boolean;
}

/** A horizontal line with a label at its right end. */
export interface PlotLevel {
  readonly y: number;
  readonly label: string;
}

export interface PlotOptions {
  readonly title: string;
  /** Name and unit. */
  readonly xLabel: string;
  readonly yLabel: string;
  readonly xScale?: ScaleKind;
  readonly yScale?: ScaleKind;
  /** Pixels, legend included. */
  readonly width?: number;
  readonly height?: number;
  /** Values that the y axis always shows. */
  readonly includeY?: readonly number[];
  readonly levels?: readonly PlotLevel[];
}

/** Colours told apart by most readers; a second pair of digits for dark grounds. */
const COLOURS = [
  ['#0a66c2', '#6cb6ff'],
  ['#c8443f', '#ff8f87'],
  ['#1f8a4c', '#5fd38d'],
  ['#a86b00', '#f0b849'],
  ['#7747c4', '#c1a0ff'],
  ['#00838f', '#4fd1dc'],
  ['#a8327d', '#f58cc8'],
  ['#5d6b2f', '#b9c97a'],
] as const;

const STYLE = [
  '.ink-plot{color-scheme:light dark;font:12px/1.3 system-ui,-apple-system,"Segoe UI",sans-serif}',
  '.ink-plot text{fill:#3b4250}.ink-plot .title{font-size:14px;font-weight:600;fill:#171b22}',
  '.ink-plot .ground{fill:#fff}.ink-plot .grid{stroke:#e3e6eb}.ink-plot .axis{stroke:#8a92a0}.ink-plot .level{stroke:#8a92a0;stroke-dasharray:2 4}',
  '.ink-plot .small{font-size:11px}.ink-plot .halo{paint-order:stroke;stroke:#fff;stroke-width:4px;stroke-linejoin:round}.ink-plot .mark{stroke:#fff;stroke-width:1}',
  ...COLOURS.map(([light], i) => `.ink-plot .c${i}{--c:${light}}`),
  '.ink-plot .curve{fill:none;stroke:var(--c);stroke-width:2;stroke-linejoin:round}.ink-plot .mark{fill:var(--c)}',
  '@media (prefers-color-scheme:dark){.ink-plot text{fill:#b8c0cc}.ink-plot .title{fill:#eef1f5}',
  '.ink-plot .ground{fill:#14171c}.ink-plot .halo{stroke:#14171c}.ink-plot .grid{stroke:#2b313b}.ink-plot .axis,.ink-plot .level{stroke:#6d7685}.ink-plot .mark{stroke:#14171c}',
  ...COLOURS.map(([, dark], i) => `.ink-plot .c${i}{--c:${dark}}`),
  '}',
].join('');

const MARGIN = { left: 64, top: 36, bottom: 48, right: 20 };
const LEGEND_ROW = 18;

/** The text of an SVG file. Points that are not finite, or not positive on a logarithmic axis, are left out. */
export function svgPlot(series: readonly PlotSeries[], options: PlotOptions): string {
  const { title, xLabel, yLabel, xScale = 'linear', yScale = 'linear', width = 640, height = 360 } = options;
  const { levels = [], includeY } = options;
  const legend = legendWidth(series);
  const [right, bottom] = [width - MARGIN.right - legend, height - MARGIN.bottom];
  const x = makeAxis({ kind: xScale, values: series.flatMap((one) => one.x), pixels: [MARGIN.left, right], count: 6 });
  const heights = [...series.flatMap((one) => one.y), ...levels.map((level) => level.y)];
  const y = makeAxis({ kind: yScale, values: heights, pixels: [bottom, MARGIN.top], include: includeY });
  const parts = [
    `<rect class="ground" width="${width}" height="${height}"/>`,
    `<text class="title" x="${MARGIN.left}" y="20">${escapeXml(title)}</text>`,
    ...gridLines(x, y, { right, bottom }),
    ...series.map((one, i) => drawn(one, i, x, y)),
    ...levels.map((level) => levelLine(level, y, right)),
    `<text text-anchor="middle" x="${(MARGIN.left + right) / 2}" y="${height - 10}">${escapeXml(xLabel)}</text>`,
    `<text text-anchor="middle" transform="translate(15 ${(MARGIN.top + bottom) / 2}) rotate(-90)">${escapeXml(yLabel)}</text>`,
    ...(legend > 0 ? series.map((one, i) => legendEntry(one, i, right + 16)) : []),
  ];
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" class="ink-plot" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escapeXml(title)}">` +
    `<style>${STYLE}</style>\n${parts.join('\n')}\n</svg>`
  );
}

/** Text inside SVG or HTML. */
export function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

function legendWidth(series: readonly PlotSeries[]): number {
  if (series.length < 2) return 0;
  return 46 + 7 * Math.max(...series.map(({ label }) => label.length));
}

function gridLines(x: Axis, y: Axis, { right, bottom }: { readonly right: number; readonly bottom: number }): string[] {
  const lines: string[] = [];
  for (const tick of x.ticks) {
    const at = px(x.at(tick));
    lines.push(`<line class="grid" x1="${at}" x2="${at}" y1="${MARGIN.top}" y2="${bottom}"/>`);
    lines.push(`<text class="small" text-anchor="middle" x="${at}" y="${bottom + 17}">${tickText(tick)}</text>`);
  }
  for (const tick of y.ticks) {
    const at = px(y.at(tick));
    lines.push(`<line class="grid" x1="${MARGIN.left}" x2="${right}" y1="${at}" y2="${at}"/>`);
    lines.push(`<text class="small" text-anchor="end" x="${MARGIN.left - 8}" y="${at + 4}">${tickText(tick)}</text>`);
  }
  lines.push(`<path class="axis" fill="none" d="M${MARGIN.left} ${MARGIN.top}V${bottom}H${right}"/>`);
  return lines;
}

function levelLine({ y, label }: PlotLevel, axis: Axis, right: number): string {
  const at = px(axis.at(y));
  return (
    `<line class="level" x1="${MARGIN.left}" x2="${right}" y1="${at}" y2="${at}"/>` +
    `<text class="small halo" text-anchor="end" x="${right - 4}" y="${at - 5}">${escapeXml(label)}</text>`
  );
}

/** Series beyond the number of colours repeat them, with another dash and mark. */
function looks(
  { colour, dashed = false }: PlotSeries,
  index: number,
): { colour: number; dashed: boolean; turn: number } {
  const number = colour ?? index;
  const turn = Math.floor(number / COLOURS.length);
  return { colour: number % COLOURS.length, dashed: dashed || turn > 0, turn };
}

function drawn(series: PlotSeries, index: number, x: Axis, y: Axis): string {
  const { style = 'line', label, notes } = series;
  const { colour, dashed, turn } = looks(series, index);
  const points = series.x.map((value, i) => [x.at(value), y.at(series.y[i]!), notes?.[i] ?? label] as const);
  const shown = points.filter(([left, top]) => Number.isFinite(left) && Number.isFinite(top));
  const path = shown.map(([left, top], i) => `${i === 0 ? 'M' : 'L'}${px(left)} ${px(top)}`).join('');
  const curve = style === 'marks' ? '' : `<path class="curve"${dashed ? ' stroke-dasharray="5 4"' : ''} d="${path}"/>`;
  const marks =
    style === 'line'
      ? ''
      : shown
          .map(([left, top, note]) => `<g><title>${escapeXml(note)}</title>${mark(px(left), px(top), turn)}</g>`)
          .join('');
  return `<g class="c${colour}">${curve}${marks}</g>`;
}

/** A disc; a square in the second turn of the colours, a diamond after. */
function mark(left: number, top: number, turn: number): string {
  if (turn === 0) return `<circle class="mark" cx="${left}" cy="${top}" r="4"/>`;
  const rotated = turn > 1 ? ` transform="rotate(45 ${left} ${top})"` : '';
  return `<rect class="mark" x="${left - 3.5}" y="${top - 3.5}" width="7" height="7"${rotated}/>`;
}

function legendEntry(series: PlotSeries, index: number, left: number): string {
  const { colour, dashed, turn } = looks(series, index);
  const top = MARGIN.top + 8 + index * LEGEND_ROW;
  const { style = 'line' } = series;
  const dash = dashed ? ' stroke-dasharray="5 4"' : '';
  const curve = style === 'marks' ? '' : `<path class="curve"${dash} d="M${left} ${top}h20"/>`;
  return (
    `<g class="c${colour}">${curve}${style === 'line' ? '' : mark(left + 10, top, turn)}` +
    `<text class="small" x="${left + 26}" y="${top + 4}">${escapeXml(series.label)}</text></g>`
  );
}

/** Tenths of a pixel. */
function px(value: number): number {
  return Math.round(value * 10) / 10;
}
