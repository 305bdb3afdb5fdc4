/** @file A line plot in the terminal: eight dots to a character, with the ends of both axes written out. */

/** A curve of `y` over `x`; points that are not finite are left out. */
export interface BrailleCurve {
  readonly x: readonly number[];
  readonly y: readonly number[];
}

/** Options of `braillePlot`. */
export interface BraillePlotOptions {
  readonly title: string;
  /** Most characters of a line, labels included; the drawing has 12 to 32 of them. Default: no limit. */
  readonly columns?: number;
  readonly height?: number;
}

/** Bit of the dot in column 0 or 1, row 0 to 3, of a braille pattern (Unicode U+2800). */
const DOTS = [
  [0x01, 0x02, 0x04, 0x40],
  [0x08, 0x10, 0x20, 0x80],
] as const;

/** The lines of a plot of `curves` on common axes. */
export function braillePlot(curves: readonly BrailleCurve[], options: BraillePlotOptions): string[] {
  const { title, columns: room = Number.POSITIVE_INFINITY, height = 8 } = options;
  const finite = (values: number[]): number[] => values.filter(Number.isFinite);
  const [x0, x1] = range(finite(curves.flatMap(({ x }) => [...x])));
  const [y0, y1] = range(finite(curves.flatMap(({ y }) => [...y])));
  const labels = [axisLabel(y1), axisLabel(y0)];
  const margin = Math.max(...labels.map((label) => label.length));
  const width = Math.max(12, Math.min(32, room - margin - 2));
  const cells = Array.from({ length: height }, () => new Uint8Array(width));
  const [columns, rows] = [width * 2 - 1, height * 4 - 1];
  for (const { x, y } of curves) {
    let last: readonly [number, number] | undefined;
    for (let i = 0; i < x.length; i++) {
      if (!Number.isFinite(x[i]) || !Number.isFinite(y[i])) continue;
      const at = [((x[i]! - x0) / (x1 - x0)) * columns, ((y1 - y[i]!) / (y1 - y0)) * rows] as const;
      const from = last ?? at;
      const dots = Math.max(1, Math.ceil(Math.max(Math.abs(at[0] - from[0]), Math.abs(at[1] - from[1]))));
      for (let k = 0; k <= dots; k++) {
        const column = Math.round(from[0] + ((at[0] - from[0]) * k) / dots);
        const row = Math.round(from[1] + ((at[1] - from[1]) * k) / dots);
        const cell = cells[row >> 2]!;
        cell[column >> 1] = cell[column >> 1]! | DOTS[(column & 1) as 0 | 1][row & 3]!;
      }
      last = at;
    }
  }
  const lines = cells.map((cell, i) => {
    const label = i === 0 ? labels[0]! : i === height - 1 ? labels[1]! : '';
    return `${label.padStart(margin)} ┤${String.fromCodePoint(...Array.from(cell, (dots) => 0x2800 + dots))}`;
  });
  const [left, right] = [axisLabel(x0), axisLabel(x1)];
  const foot = `${' '.repeat(margin + 2)}${left}${right.padStart(Math.max(1, width - left.length))}`;
  return [`${' '.repeat(margin + 2)}${title}`, ...lines, foot].map((line) => line.padEnd(margin + 2 + width));
}

function range(values: readonly number[]): readonly [number, number] {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  return high > low ? [low, high] : [low - 0.5, low + 0.5];
}

/** Three digits, without the noise of rounding. */
function axisLabel(value: number): string {
  return String(Number(value.toPrecision(3)));
}
