/** @file The command line: which verb, what it was given, and the exit code. */
import { createRequire } from 'node:module';
import { ConfigError, nearestName } from '../tensor/index.ts';
import { explainVerb } from './explain.ts';
import { exportVerb } from './export.ts';
import { type Flags, toggle } from './flags.ts';
import { generalHelp, verbHelp } from './help.ts';
import { inspectVerb } from './inspect.ts';
import { parseArguments } from './parse-arguments.ts';
import { sampleVerb } from './sample.ts';
import { hangUp, Interrupted } from './signals.ts';
import { solversVerb } from './solvers.ts';
import { createTerminal, type Terminal } from './terminal.ts';
import { trainVerb } from './train.ts';
import { UsageError } from './usage-error.ts';
import type { Verb } from './verb.ts';

/** Every verb, in the order of the help. */
const VERBS: readonly Verb[] = [trainVerb, sampleVerb, exportVerb, inspectVerb, explainVerb, solversVerb];

/** Flags of every verb. */
const COMMON = {
  json: toggle('Machine-readable results on stdout'),
  debug: toggle('Show where errors come from'),
  help: { ...toggle('Show this help'), short: 'h' },
  version: { ...toggle('Show the version'), short: 'v' },
} satisfies Flags;

/** Runs the command line; returns the exit code: 0 done, 1 failed, 2 wrong usage, 128 + n stopped by signal n. */
export async function main(args: readonly string[]): Promise<number> {
  const code = await exitCodeOf(args);
  hangUp(code);
  return code;
}

async function exitCodeOf(args: readonly string[]): Promise<number> {
  const terminal = createTerminal({ json: args.includes('--json'), debug: args.includes('--debug') });
  try {
    const code = await run(args, terminal);
    // streams tell of what they could not write a little later
    await new Promise(setImmediate);
    if (terminal.lost === undefined) return code;
    terminal.warn(`the results could not be written: ${terminal.lost}`);
    return code || 1;
  } catch (error) {
    terminal.live.end();
    if (error instanceof Interrupted) return error.exitCode;
    terminal.fail(error);
    return error instanceof UsageError || error instanceof ConfigError ? 2 : 1;
  }
}

async function run(given: readonly string[], terminal: Terminal): Promise<number> {
  // `inkwash help train` is `inkwash train --help`
  const args = given[0] === 'help' ? [...given.slice(1), '--help'] : given;
  const at = args.findIndex((word) => !word.startsWith('-'));
  const verb = at < 0 ? undefined : verbNamed(args[at]!);
  const words = args.filter((_, i) => i !== at);
  const flags = words.slice(0, words.includes('--') ? words.indexOf('--') : words.length);
  if (flags.includes('--version') || flags.includes('-v')) {
    terminal.print(`inkwash/${version()} ${process.platform}-${process.arch} node-${process.version}`);
    return 0;
  }
  if (args.length === 0 || flags.includes('--help') || flags.includes('-h')) {
    const { resultColumns } = terminal;
    terminal.print(verb ? verbHelp(verb, COMMON, resultColumns) : generalHelp(VERBS, COMMON, resultColumns));
    return args.length === 0 ? 2 : 0;
  }
  if (!verb) throw new UsageError('no command was given', `the commands are: ${verbNames().join(', ')}`);
  const { subject, flags: values, written } = parseArguments(verb, COMMON, words);
  try {
    return await verb.run(subject as string, values, terminal, written);
  } catch (error) {
    throw written.told(error);
  }
}

/** Throws `UsageError` with the nearest verb. */
function verbNamed(name: string): Verb {
  const verb = VERBS.find((one) => one.name === name);
  if (verb) return verb;
  const near = nearestName(name, verbNames());
  throw new UsageError(
    `there is no command '${name}'`,
    near ? `did you mean 'inkwash ${near}'?` : `the commands are: ${verbNames().join(', ')}`,
  );
}

function verbNames(): string[] {
  return VERBS.map(({ name }) => name);
}

function version(): string {
  return (createRequire(import.meta.url)('../../package.json') as { version: string }).version;
}
