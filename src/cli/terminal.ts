/** @file Where the command line writes: messages on stderr, results on stdout, JSON when asked. */
import colours from 'picocolors';
import { InkwashError } from '../tensor/index.ts';

/** How commands talk. */
export interface Terminal {
  /** Machine-readable results are wanted. */
  readonly json: boolean;
  readonly debug: boolean;
  /** Whether stderr is a terminal that can be redrawn. */
  readonly interactive: boolean;
  /** Whether it shows 24-bit colours. */
  readonly truecolor: boolean;
  /** Characters of a line. */
  readonly columns: number;
  /** A message for people. */
  say(message: string): void;
  warn(message: string): void;
  /** The next useful command, at the end. */
  next(command: string): void;
  /** A result for people; nothing with `--json`. */
  print(text: string): void;
  /** A result for machines; nothing without `--json`. */
  printJson(value: unknown): void;
}

/** A terminal over the process's streams. */
export function createTerminal({ json, debug }: { readonly json: boolean; readonly debug: boolean }): Terminal {
  const { stderr, stdout, env } = process;
  const interactive = stderr.isTTY === true && env.TERM !== 'dumb' && env.CI === undefined;
  return {
    json,
    debug,
    interactive,
    truecolor: interactive && env.NO_COLOR === undefined && /^(truecolor|24bit)$/.test(env.COLORTERM ?? ''),
    columns: stderr.columns || 80,
    say: (message) => void stderr.write(`${message}\n`),
    warn: (message) => void stderr.write(`${colours.yellow('warning')} ${message}\n`),
    next: (command) => void stderr.write(`${colours.dim('next')}  ${colours.cyan(command)}\n`),
    print: (text) => void (json || stdout.write(`${text}\n`)),
    printJson: (value) => void (json && stdout.write(`${JSON.stringify(value)}\n`)),
  };
}

/** Tells what went wrong: message and hint; the stack only when debugging. */
export function reportError(error: unknown, debug: boolean): void {
  const { stderr } = process;
  if (error instanceof InkwashError) {
    stderr.write(`${colours.red('error')} ${error.problem}\n`);
    if (error.cliHint !== undefined) stderr.write(`${colours.dim('hint')}  ${error.cliHint}\n`);
  } else {
    stderr.write(`${colours.red('error')} ${error instanceof Error ? error.message : String(error)}\n`);
    if (!debug) stderr.write(`${colours.dim('hint')}  run again with --debug to see where it came from\n`);
  }
  if (debug && error instanceof Error) stderr.write(`${error.stack}\n`);
}
