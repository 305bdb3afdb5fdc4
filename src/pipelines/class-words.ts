/** @file Classes by name, number or words: what a label and a caption mean to a network of classes. */
import { ConfigError, nearestName } from '../tensor/index.ts';

/** Words that a message lists at most. */
const LISTED = 24;

/** Keyboards and file systems spell é as one character or as two: the same name in one spelling. */
const spelled = (text: string): string => text.normalize('NFC');

/** `red hair, glasses` → its two phrases. */
const phrasesOf = (text: string): string[] =>
  spelled(text)
    .split(',')
    .map((phrase) => phrase.trim().toLowerCase())
    .filter((phrase) => phrase !== '');

const distinctPhrases = (names: readonly string[]): string[] => [...new Set(names.flatMap(phrasesOf))];

/** `the classes are: cat, dog`; of names that are lists, such as `red hair, glasses`, the phrases. */
export function describeClasses(names: readonly string[]): string {
  const compound = names.some((name) => phrasesOf(name).length > 1);
  const words = compound ? distinctPhrases(names) : names;
  const more = words.length > LISTED ? `, … and ${words.length - LISTED} more` : '';
  const what = compound ? `the ${names.length} classes are combinations of` : 'the classes are';
  return `${what}: ${words.slice(0, LISTED).join(', ')}${more}`;
}

/** Index of the class that is called, or numbered, `label`, of `count` classes. Throws `ConfigError` naming the nearest. */
export function classOfLabel(label: string | number, names: readonly string[], count: number): number {
  const byName = names.findIndex((name) => spelled(name) === spelled(String(label)));
  if (byName >= 0) return byName;
  const number = Number(label);
  if (label !== '' && Number.isInteger(number) && number >= 0 && number < (names.length || count)) return number;
  const near = nearestName(String(label), names);
  throw new ConfigError(
    `there is no class '${label}'`,
    `${near ? `did you mean '${near}'? ` : ''}${names.length > 0 ? describeClasses(names) : `the classes are: 0 to ${count - 1}`}`,
  );
}

/**
 * Indices of the classes whose names have every phrase of `caption`, in any order: `glasses, red hair`.
 * Throws `ConfigError` for a phrase that no class has, or phrases that no class has together.
 */
export function classesOfCaption(caption: string, names: readonly string[]): number[] {
  if (names.length === 0) {
    throw new ConfigError('the classes of this network have no names to describe', 'give their numbers as labels');
  }
  const wanted = phrasesOf(caption);
  const known = distinctPhrases(names);
  const strange = wanted.find((phrase) => !known.includes(phrase));
  if (strange !== undefined) {
    const near = nearestName(strange, known);
    throw new ConfigError(
      `no class is '${strange}'`,
      `${near ? `did you mean '${near}'? ` : ''}${describeClasses(names)}`,
    );
  }
  const found = names.flatMap((name, i) => (wanted.every((phrase) => phrasesOf(name).includes(phrase)) ? [i] : []));
  if (wanted.length > 0 && found.length > 0) return found;
  throw new ConfigError(
    wanted.length === 0 ? 'the caption is empty' : `no class is all of '${wanted.join(', ')}'`,
    describeClasses(names),
  );
}
