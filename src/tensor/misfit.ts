/** @file What a value should have been, in words of our own, from what a schema found. */
import type { z } from 'zod';

type Issue = z.core.$ZodIssue;

/** Names of types as people say them. */
const KINDS: Readonly<Record<string, string>> = {
  int: 'a whole number',
  number: 'a number',
  string: 'a text',
  boolean: 'true or false',
  array: 'a list',
  tuple: 'a list',
  set: 'a list',
  object: 'an object',
  record: 'an object',
  null: 'null',
  nan: 'NaN',
};

/** What was expected where `issue` was found: `a whole number`, `a number of at least 1`, `one of 'a', 'b'`. */
export function expectation(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type':
      return KINDS[issue.expected] ?? `a value of type ${issue.expected}`;
    case 'too_small':
      return bounded(issue.origin, issue.inclusive === false ? 'above' : 'of at least', Number(issue.minimum));
    case 'too_big':
      return bounded(issue.origin, issue.inclusive === false ? 'below' : 'of at most', Number(issue.maximum));
    case 'not_multiple_of':
      return `a multiple of ${issue.divisor}`;
    case 'invalid_value': {
      const values = issue.values.map((value) => (typeof value === 'string' ? `'${value}'` : String(value)));
      return values.length === 1 ? values[0]! : `one of ${values.join(', ')}`;
    }
    case 'invalid_union': {
      const kinds = issue.errors.flatMap(([first]) => (first ? [expectation(first)] : []));
      return [...new Set(kinds)].join(' or ') || 'another value';
    }
    case 'unrecognized_keys':
      return `an object without ${issue.keys.map((key) => `'${key}'`).join(', ')}`;
    case 'custom':
      return issue.message;
    default:
      return 'another value';
  }
}

function bounded(origin: string, relation: string, bound: number): string {
  if (origin === 'string')
    return relation === 'of at least' && bound === 1
      ? 'a text that is not empty'
      : `a text ${relation} ${bound} characters`;
  if (origin === 'array' || origin === 'set') return `a list ${relation} ${bound} ${bound === 1 ? 'entry' : 'entries'}`;
  return `a number ${relation} ${bound}`;
}

/** Where an issue is: `ema.decay`, `block_out_channels.1`. */
export function misfitPath(issue: Issue | undefined): string {
  return issue?.path.map(String).join('.') ?? '';
}

/** The value at the place of an issue, as JSON in few characters. */
export function misfitValue(issue: Issue | undefined, whole: unknown): string {
  let value = whole;
  for (const key of issue?.path ?? []) value = (value as Record<PropertyKey, unknown> | undefined | null)?.[key];
  if (value === undefined) return 'nothing';
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}
