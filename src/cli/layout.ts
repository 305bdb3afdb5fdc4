/** @file Text in the columns of a terminal: widths as they are drawn, lines that break between words, tables that fit. */
import stringWidth from 'string-width';
import wrapAnsi from 'wrap-ansi';

/** Columns that `text` takes; colours take none, a wide character two. */
export function widthOf(text: string): number {
  return stringWidth(text);
}

/** As much of `text` as fits into `columns`, with an ellipsis where something is left out. `text` has no colours. */
export function shortened(text: string, columns: number): string {
  if (widthOf(text) <= columns) return text;
  let [kept, width] = ['', 0];
  for (const { segment } of new Intl.Segmenter().segment(text)) {
    width += widthOf(segment);
    if (width > columns - 1) break;
    kept += segment;
  }
  return columns > 0 ? `${kept.trimEnd()}…` : '';
}

/** `text` in lines of at most `columns`, all but the first after `indent` blanks more. A word that is longer keeps its line. */
export function wrapped(text: string, columns: number, indent = 0): string {
  const lines = text.split('\n').flatMap((line) => {
    const own = /^ */.exec(line)![0];
    const room = Math.max(1, columns - indent - own.length);
    const broken = Number.isFinite(room) ? wrapAnsi(line.trimStart(), room) : line.trimStart();
    return broken.split('\n').map((part) => own + part);
  });
  return lines.join(`\n${' '.repeat(indent)}`);
}

/** Pads to the right end of a column of words, or to the left of one of numbers. */
export function padded(text: string, width: number, side: 'left' | 'right'): string {
  const room = ' '.repeat(Math.max(0, width - widthOf(text)));
  return side === 'left' ? room + text : text + room;
}

/** Names and values, one pair a row; a value that is too long goes on below itself. */
export function factLines(facts: readonly (readonly [name: string, value: string])[], columns: number): string[] {
  const width = Math.max(...facts.map(([name]) => widthOf(name))) + 2;
  return facts.map(([name, value]) => padded(name, width, 'right') + wrapped(value, columns, width));
}

/** A table of text. */
export interface TextTable {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** Columns of words, set to the left. */
  readonly words?: readonly number[];
  /** Columns to leave out where there is no room, the first first. */
  readonly spare?: readonly number[];
  /** Row to point at. */
  readonly chosen?: number;
}

/** The lines of a table in at most `columns`: what does not fit is left out, and named below. */
export function tableLines({ head, rows, words = [], spare = [], chosen }: TextTable, columns: number): string[] {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => widthOf(row[column] ?? ''))));
  const kept = new Set(head.keys());
  const pointer = chosen === undefined ? 0 : 3;
  const total = (): number => [...kept].reduce((sum, column) => sum + widths[column]! + 2, -2) + pointer;
  for (const column of spare) if (total() > columns) kept.delete(column);
  const lines = all.map((row, i) => {
    const cells = [...kept].map((column) =>
      padded(row[column] ?? '', widths[column]!, words.includes(column) ? 'right' : 'left'),
    );
    return `${cells.join('  ')}${chosen !== undefined && i === chosen + 1 ? '  ←' : ''}`.trimEnd();
  });
  const left = head.filter((_, column) => !kept.has(column));
  return left.length === 0 ? lines : [...lines, wrapped(`a wider terminal also shows: ${left.join(', ')}`, columns)];
}
