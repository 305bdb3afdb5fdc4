/** @file From the words of a command to its subject and the values of its flags. */
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { nearestName } from '../tensor/index.ts';
import type { Flags } from './flags.ts';
import { UsageError } from './usage-error.ts';
import { flagName, type Verb } from './verb.ts';
import { Written } from './written.ts';

/** What a command says. */
export interface ParsedArguments {
  readonly subject: string | undefined;
  readonly flags: Readonly<Record<string, unknown>>;
  readonly written: Written;
}

/**
 * Reads `words`, what follows the name of `verb`; `common` are the flags of every verb. Throws `UsageError` for a flag
 * that does not exist (with the nearest one), lacks its value or has one that does not fit, and for subjects too few or many.
 */
export function parseArguments(verb: Verb, common: Flags, words: readonly string[]): ParsedArguments {
  const known = { ...verb.flags, ...common };
  const keys = new Map(Object.keys(known).map((key) => [flagName(key).slice(2), key]));
  const { tokens } = parseArgs({
    args: [...words],
    options: parserOptions(known),
    allowPositionals: true,
    strict: false,
    tokens: true,
  });
  const given = new Map<string, string[]>();
  const subjects: string[] = [];
  for (const token of tokens) {
    if (token.kind === 'positional') subjects.push(token.value);
    if (token.kind !== 'option') continue;
    const key = keys.get(token.name);
    if (key === undefined) throw unknownFlag(verb, token.rawName, [...keys.keys()]);
    const texts = given.get(key) ?? given.set(key, []).get(key)!;
    texts.push(givenText(token, known[key]!.value));
  }
  return { subject: oneSubject(verb, subjects), flags: read(known, given), written: new Written(verb.flags, given) };
}

function parserOptions(flags: Flags): NonNullable<ParseArgsConfig['options']> {
  return Object.fromEntries(
    Object.entries(flags).map(([key, { value, short }]) => [
      flagName(key).slice(2),
      { type: value === undefined ? 'boolean' : 'string', ...(short !== undefined && { short }) } as const,
    ]),
  );
}

interface OptionToken {
  readonly rawName: string;
  readonly value: string | undefined;
  readonly inlineValue: boolean | undefined;
}

/** The text given to a flag; nothing for a flag that takes none. */
function givenText({ rawName, value, inlineValue }: OptionToken, placeholder: string | undefined): string {
  if (placeholder === undefined) {
    if (value !== undefined) throw new UsageError(`${rawName} takes no value, got '${value}'`);
    return '';
  }
  if (value === undefined) throw new UsageError(`${rawName} <${placeholder}> was given no value`);
  // `--out --json`: a value is missing, not odd
  if (!inlineValue && /^--?[a-z]/i.test(value)) {
    throw new UsageError(
      `${rawName} <${placeholder}> was given no value before ${value}`,
      rawName.startsWith('--') ? `where ${value} is its value, write ${rawName}=${value}` : undefined,
    );
  }
  return value;
}

function read(known: Flags, given: ReadonlyMap<string, readonly string[]>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(known).map(([key, flag]) => {
      const texts = given.get(key);
      return [key, texts && flag.read(texts, flagName(key))];
    }),
  );
}

function unknownFlag(verb: Verb, rawName: string, names: readonly string[]): UsageError {
  const near = rawName.startsWith('--') ? nearestName(rawName.slice(2), names) : undefined;
  return new UsageError(
    `${verb.name} has no flag ${rawName}`,
    near ? `did you mean --${near}?` : `see inkwash ${verb.name} --help`,
  );
}

function oneSubject({ name, subject }: Verb, subjects: readonly string[]): string | undefined {
  if (subjects.length > 1) {
    const all = subjects.map((one) => `'${one}'`).join(', ');
    throw new UsageError(`${name} takes one ${subject}, got ${all}`, 'put a path that holds spaces in quotes');
  }
  if (subjects.length === 0 && subject.startsWith('<')) {
    throw new UsageError(`${name} was given no ${subject}`, `see inkwash ${name} --help`);
  }
  if (subjects[0] === '') throw new UsageError(`${name} was given an empty ${subject}`);
  return subjects[0];
}
