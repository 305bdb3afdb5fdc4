/** @file A terminal whose streams are held in memory. */
import type { OutputStream } from './output.ts';
import { createTerminal, type Terminal, type TerminalOptions } from './terminal.ts';

/** A stream that keeps what is written to it. */
export class MemoryStream implements OutputStream {
  text = '';
  readonly isTTY: boolean;
  columns: number | undefined;
  readonly #listeners: { readonly event: string; readonly listener: (error: NodeJS.ErrnoException) => void }[] = [];

  /** `columns`: those of a terminal; undefined for a pipe. */
  constructor(columns?: number) {
    this.isTTY = columns !== undefined;
    this.columns = columns;
  }

  write(text: string): void {
    this.text += text;
  }

  on(event: string, listener: (error: NodeJS.ErrnoException) => void): void {
    this.#listeners.push({ event, listener });
  }

  emit(event: 'error' | 'resize', error = new Error() as NodeJS.ErrnoException): void {
    for (const one of this.#listeners) if (one.event === event) one.listener(error);
  }
}

/** A terminal of `columns`, or a pipe, and its streams. */
export function memoryTerminal(
  columns?: number,
  { env = {}, json = false }: Partial<Pick<TerminalOptions, 'env' | 'json'>> = {},
): { terminal: Terminal; stdout: MemoryStream; stderr: MemoryStream } {
  const [stdout, stderr] = [new MemoryStream(columns), new MemoryStream(columns)];
  return { terminal: createTerminal({ json, debug: false, stdout, stderr, env }), stdout, stderr };
}

const ESCAPE = '\u001b';
const PIECES = new RegExp(`${ESCAPE}\\[(\\d*)([A-Za-z])|\\r|\\n|[^${ESCAPE}]`, 'gu');

/** What a terminal of `columns` shows after `text`: rows, with what was erased or written over gone. Knows the escapes that are used here. */
export function screenOf(text: string, columns: number): string[] {
  const rows: string[][] = [[]];
  let [row, column] = [0, 0];
  for (const part of text.matchAll(PIECES)) {
    const [all, count, command] = part;
    if (command === 'A') row = Math.max(0, row - Number(count || 1));
    else if (command === 'K') rows[row]!.length = Math.min(rows[row]!.length, column);
    else if (command === 'J') {
      rows.length = row + 1;
      rows[row]!.length = Math.min(rows[row]!.length, column);
    } else if (command !== undefined) continue;
    else if (all === '\r') column = 0;
    else {
      if (all === '\n' || column === columns) [row, column] = [row + 1, 0];
      rows[row] ??= [];
      if (all === '\n') continue;
      rows[row]![column++] = all;
    }
  }
  return rows.map((cells) => Array.from(cells, (cell) => cell ?? ' ').join(''));
}
