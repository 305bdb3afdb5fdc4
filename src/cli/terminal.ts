/** @file Where the command line writes: messages on stderr, results on stdout, JSON when asked. */
import colours from 'picocolors';
import { InkwashError } from '../tensor/index.ts';
import { wrapped } from './layout.ts';
import { LiveLine } from './live-line.ts';
import { Output, type OutputStream } from './output.ts';
import { shellLine } from './shell-line.ts';

/** Colours of messages. */
export type Colours = ReturnType<typeof colours.createColors>;

/** How commands talk. */
export interface Terminal {
  /** Machine-readable results are wanted. */
  readonly json: boolean;
  readonly debug: boolean;
  /** Whether stderr is a terminal that can be redrawn. */
  readonly interactive: boolean;
  /** Whether it shows 24-bit colours. */
  readonly truecolor: boolean;
  readonly colours: Colours;
  /** Columns for messages as the window is now; infinite where they go to a file or a pipe. */
  readonly columns: number;
  /** Columns for results. */
  readonly resultColumns: number;
  /** The line that shows how work goes. */
  readonly live: LiveLine;
  /** Writes to stderr as it is. */
  write(text: string): void;
  /** A message for people. */
  say(message: string): void;
  warn(message: string): void;
  /** The next useful command, at the end: `['sample', 'runs/my pictures']`. */
  next(words: readonly string[]): void;
  /** A result for people; nothing with `--json`. */
  print(text: string): void;
  /** A result for machines; nothing without `--json`. */
  printJson(value: unknown): void;
  /** Tells what went wrong: message and hint; the stack only when debugging. */
  fail(error: unknown): void;
  /** Why results could not be written, e.g. a full disk; undefined when they were, or nobody wanted them any more. */
  readonly lost: string | undefined;
}

/** Options of `createTerminal`. */
export interface TerminalOptions {
  readonly json: boolean;
  readonly debug: boolean;
  readonly stdout?: OutputStream;
  readonly stderr?: OutputStream;
  readonly env?: NodeJS.ProcessEnv;
}

/** A terminal over the process's streams. */
export function createTerminal({
  json,
  debug,
  stdout = process.stdout,
  stderr = process.stderr,
  env = process.env,
}: TerminalOptions): Terminal {
  const [results, messages] = [new Output(stdout), new Output(stderr)];
  const coloured = wantsColours(stderr, env);
  const paint = colours.createColors(coloured);
  const interactive = stderr.isTTY === true && env.TERM !== 'dumb' && !env.CI;
  const widthIn = (stream: OutputStream): number =>
    stream.isTTY === true ? Math.max(1, stream.columns || 80) : Number.POSITIVE_INFINITY;
  const live = new LiveLine({
    interactive,
    columns: () => widthIn(stderr),
    write: (text) => messages.write(text),
  });
  if (interactive) stderr.on('resize', () => live.redraw());
  const message = (text: string, label = '', colour = paint.dim): void => {
    const indent = label === '' ? 0 : Math.max(5, label.length) + 1;
    const lead = colour(label) + ' '.repeat(indent - label.length);
    live.above(() => messages.write(`${label === '' ? '' : lead}${wrapped(text, widthIn(stderr), indent)}\n`));
  };
  return {
    json,
    debug,
    interactive,
    truecolor: interactive && coloured && /^(truecolor|24bit)$/.test(env.COLORTERM ?? ''),
    colours: paint,
    get columns() {
      return widthIn(stderr);
    },
    get resultColumns() {
      return widthIn(stdout);
    },
    live,
    write: (text) => messages.write(text),
    say: (text) => message(text),
    warn: (text) => message(text, 'warning', paint.yellow),
    next: (words) =>
      live.above(() => messages.write(`${paint.dim('next')}  ${paint.cyan(shellLine(['inkwash', ...words]))}\n`)),
    print: (text) => void (json || live.above(() => results.write(`${text}\n`))),
    printJson: (value) => void (json && live.above(() => results.write(`${JSON.stringify(value)}\n`))),
    fail(error) {
      const known = error instanceof InkwashError;
      message(known ? error.problem : error instanceof Error ? error.message : String(error), 'error', paint.red);
      const hint = known || debug ? undefined : 'run again with --debug to see where it came from';
      const remedy = known ? error.cliHint : hint;
      if (remedy !== undefined) message(remedy, 'hint');
      if (debug && error instanceof Error) messages.write(`${error.stack}\n`);
    },
    get lost() {
      return results.failure;
    },
  };
}

/** `NO_COLOR` and `FORCE_COLOR` decide, then whether `stream` is a terminal with colours (no-color.org). */
function wantsColours(stream: OutputStream, { NO_COLOR, FORCE_COLOR, TERM }: NodeJS.ProcessEnv): boolean {
  if (NO_COLOR) return false;
  if (FORCE_COLOR !== undefined && FORCE_COLOR !== '') return FORCE_COLOR !== '0' && FORCE_COLOR !== 'false';
  return stream.isTTY === true && TERM !== 'dumb';
}
