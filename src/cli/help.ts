/** @file The help of a verb and of all verbs, in the columns there are. */
import type { Flag, Flags } from './flags.ts';
import { padded, widthOf, wrapped } from './layout.ts';
import { flagName, type Verb } from './verb.ts';

/** Widest help that is easy to read. */
const WIDEST = 100;
/** Below this there is no room for names and words side by side. */
const NARROW = 60;

/** What `inkwash <verb> --help` prints. */
export function verbHelp(verb: Verb, common: Flags, columns: number): string {
  const own = Object.entries(verb.flags).map(([key, flag]) => [flagTerm(key, flag), flag.about] as const);
  const shared = Object.entries(common).map(([key, flag]) => [flagTerm(key, flag), flag.about] as const);
  const examples = (verb.examples ?? []).map((example) => `  ${example}`);
  return [
    `inkwash ${verb.name} ${verb.subject}${own.length > 0 ? ' [flags]' : ''}`,
    '',
    wrapped(verb.about, Math.min(columns, WIDEST)),
    '',
    ...terms([...own, ...shared], columns),
    ...(examples.length > 0 ? ['', 'examples', ...examples] : []),
  ].join('\n');
}

/** What `inkwash --help` prints. */
export function generalHelp(verbs: readonly Verb[], common: Flags, columns: number): string {
  const list = verbs.map(({ name, subject, about }) => [`${name} ${subject}`, about] as const);
  const shared = Object.entries(common).map(([key, flag]) => [flagTerm(key, flag), flag.about] as const);
  return [
    'inkwash <command> [flags]',
    '',
    ...terms(list, columns),
    '',
    ...terms(shared, columns),
    '',
    'the flags of a command',
    ...verbs.map(({ name }) => `  inkwash ${name} --help`),
  ].join('\n');
}

/** `-n, --count <n>`. */
function flagTerm(key: string, { short, value }: Flag<unknown>): string {
  return `${short === undefined ? '    ' : `-${short}, `}${flagName(key)}${value === undefined ? '' : ` <${value}>`}`;
}

/** Terms and what they mean, side by side or, in narrow terminals, one below the other. */
function terms(all: readonly (readonly [term: string, about: string])[], columns: number): string[] {
  const room = Math.min(columns, WIDEST);
  const width = Math.max(...all.map(([term]) => widthOf(term)));
  if (columns < NARROW) {
    return all.flatMap(([term, about]) => [`  ${term.trimStart()}`, `    ${wrapped(about, room, 4)}`]);
  }
  return all.map(([term, about]) => `  ${padded(term, width, 'right')}  ${wrapped(about, room, width + 4)}`);
}
