/** @file Kinds of flags: each says what it takes, reads its text, and so gives the type of its value. */
import { extname } from 'node:path';
import { formatImageSize, type ImageSize, parseImageSize } from '../data/index.ts';
import { nearestName } from '../tensor/index.ts';
import { UsageError } from './usage-error.ts';

/** A flag of a verb, whose name is its key among the verb's flags. `T`: what it reads to. */
export interface Flag<out T> {
  readonly about: string;
  /** What its value is called in the help; undefined for a flag without one. */
  readonly value: string | undefined;
  readonly short?: string | undefined;
  /** The setting of a run that it stands for, dotted. */
  readonly setting?: string | undefined;
  /** Turns the texts it was given into its value. Throws `UsageError` for one that does not fit; `name` is `--count`. */
  read(texts: readonly string[], name: string): T;
}

/** The flags of a verb by name; `noSearch` is `--no-search`. */
export type Flags = Readonly<Record<string, Flag<unknown>>>;

/** What flags read to; undefined where they were not given. */
export type FlagValues<F extends Flags> = {
  readonly [K in keyof F]: (F[K] extends Flag<infer T> ? T : never) | undefined;
};

interface FlagOptions {
  readonly value?: string;
  readonly short?: string;
  readonly setting?: string;
}

interface NumberOptions extends FlagOptions {
  /** Least and largest value that fit. */
  readonly least?: number;
  readonly most?: number;
  /** A bound that does not fit itself. */
  readonly above?: number;
}

/** A flag without a value. */
export function toggle(about: string, options: Pick<FlagOptions, 'setting'> = {}): Flag<true> {
  return { about, ...options, value: undefined, read: () => true };
}

/** The size of pictures: `32`, or `48x32` for width x height. */
export function imageSize(about: string, options: FlagOptions = {}): Flag<ImageSize> {
  const read = (texts: readonly string[], name: string): ImageSize => {
    try {
      return formatImageSize(parseImageSize(texts.at(-1)));
    } catch {
      throw new UsageError(`${name} is a number of pixels, or width x height such as 48x32, got '${texts.at(-1)}'`);
    }
  };
  return { about, value: 'pixels', ...options, read };
}

/** Any text but none. */
export function text(about: string, options: FlagOptions = {}): Flag<string> {
  return { about, value: 'text', ...options, read: (texts, name) => filled(texts.at(-1)!, name) };
}

/** Texts of a flag that may be repeated. */
export function texts(about: string, options: FlagOptions = {}): Flag<readonly string[]> {
  return { about, value: 'text', ...options, read: (all, name) => all.map((one) => filled(one, name)) };
}

/** Texts separated by commas. */
export function list(about: string, options: FlagOptions = {}): Flag<readonly string[]> {
  return { about, value: 'list', ...options, read: (texts, name) => parts(texts.at(-1)!, name) };
}

/** A whole number, at least 0 unless told. */
export function whole(about: string, options: NumberOptions = {}): Flag<number> {
  const limits = { least: 0, ...options };
  return { about, value: 'n', ...options, read: (texts, name) => wholeNumber(texts.at(-1)!, name, limits) };
}

/** Any number. */
export function decimal(about: string, options: NumberOptions = {}): Flag<number> {
  const read = (texts: readonly string[], name: string): number => {
    const value = numberOf(texts.at(-1)!);
    if (value !== undefined && fits(value, options)) return value;
    throw new UsageError(`${name} is a number${range(options)}, got '${texts.at(-1)}'`);
  };
  return { about, value: 'n', ...options, read };
}

/** Whole numbers separated by commas, each once, in the order given. */
export function wholes(about: string, options: NumberOptions & { readonly example: string }): Flag<readonly number[]> {
  return {
    about,
    value: 'list',
    ...options,
    read: (texts, name) => {
      const what = `whole numbers${range(options)} such as ${options.example}`;
      const all = numbers(texts.at(-1)!, name, what, (value) => Number.isInteger(value) && fits(value, options));
      return [...new Set(all)];
    },
  };
}

/** Numbers separated by commas. */
export function decimals(about: string, options: FlagOptions & { readonly example: string }): Flag<readonly number[]> {
  return {
    about,
    value: 'list',
    ...options,
    read: (texts, name) => numbers(texts.at(-1)!, name, `numbers such as ${options.example}`, () => true),
  };
}

/** One of a few names. */
export function choice<const N extends string>(about: string, names: readonly N[], options: FlagOptions = {}): Flag<N> {
  const read = (texts: readonly string[], name: string): N => {
    const given = texts.at(-1)!;
    const known = names.find((one) => one === given);
    if (known !== undefined) return known;
    const near = nearestName(given, names);
    throw new UsageError(
      `${name} cannot be '${given}'`,
      `${near ? `did you mean ${name} ${near}? ` : ''}the choices are ${names.join(', ')}`,
    );
  };
  return { about, value: 'name', ...options, read };
}

/** The name of a file to write, whose ending says what kind; `A.PNG` is as good as `a.png`. */
export function outFile<const K extends string>(about: string, kinds: readonly K[]): Flag<OutFile<K>> {
  const read = (texts: readonly string[], name: string): OutFile<K> => {
    const path = filled(texts.at(-1)!, name);
    const ending = extname(path).slice(1).toLowerCase();
    const kind = kinds.find((one) => one === ending);
    if (kind !== undefined) return { path, kind };
    const names = kinds.map((one) => `.${one}`).join(' or ');
    throw new UsageError(`${name} ${path} is no kind of file that is written here`, `end its name in ${names}`);
  };
  return { about, value: 'file', read };
}

/** A file to write. */
export interface OutFile<K extends string = string> {
  readonly path: string;
  readonly kind: K;
}

function filled(given: string, name: string): string {
  if (given.trim() !== '') return given;
  throw new UsageError(`${name} is empty`, 'give it a value, or leave it out');
}

function parts(given: string, name: string): string[] {
  return filled(given, name)
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

/** Numbers separated by commas of which `allows` takes all; an error says that they are a list of `what`. */
function numbers(given: string, name: string, what: string, allows: (value: number) => boolean): number[] {
  return parts(given, name).map((part) => {
    const value = numberOf(part);
    if (value !== undefined && allows(value)) return value;
    throw new UsageError(`${name} is a list of ${what}, got '${given}'`);
  });
}

/** The number that a text is, and only if it is one as people write them. */
function numberOf(given: string): number | undefined {
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(given.trim()) ? Number(given) : undefined;
}

function wholeNumber(given: string, name: string, limits: NumberOptions): number {
  const value = numberOf(given);
  if (value !== undefined && Number.isSafeInteger(value) && fits(value, limits)) return value;
  const large = value !== undefined && value > Number.MAX_SAFE_INTEGER;
  const shown = large ? { most: Number.MAX_SAFE_INTEGER, ...limits } : limits;
  throw new UsageError(`${name} is a whole number${range(shown)}, got '${given}'`);
}

function fits(value: number, { least, most, above }: NumberOptions): boolean {
  return (
    Number.isFinite(value) &&
    (least === undefined || value >= least) &&
    (most === undefined || value <= most) &&
    (above === undefined || value > above)
  );
}

/** ` of at least 1`, ` from 0 to 1`, ` above 0`; nothing where all numbers fit. */
function range({ least, most, above }: NumberOptions): string {
  if (above !== undefined) return ` above ${above}${most === undefined ? '' : ` and at most ${most}`}`;
  if (least !== undefined && most !== undefined) return ` from ${least} to ${most}`;
  if (least !== undefined) return ` of at least ${least}`;
  return most === undefined ? '' : ` of at most ${most}`;
}
