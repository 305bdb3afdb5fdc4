/** @file A verb of the command line: one declaration gives its parser, its help and the types of its flags. */
import type { Flags, FlagValues } from './flags.ts';
import type { Terminal } from './terminal.ts';
import type { Written } from './written.ts';

/** `<model>` has to be given, `[data]` may be left out. */
export type SubjectName = `<${string}>` | `[${string}]`;

/** One verb. */
export interface Verb<S extends SubjectName = SubjectName, F extends Flags = Flags> {
  readonly name: string;
  /** What it is about: the argument that is no flag. */
  readonly subject: S;
  /** One line of help. */
  readonly about: string;
  readonly flags: F;
  /** Commands worth knowing. */
  readonly examples?: readonly string[];
  /** Runs it; returns the exit code. */
  run(subject: Subject<S>, flags: FlagValues<F>, terminal: Terminal, written: Written<F>): Promise<number>;
}

type Subject<S extends SubjectName> = S extends `<${string}>` ? string : string | undefined;

/** Declares a verb, with the types of its flags as they are read. */
export function defineVerb<const S extends SubjectName, const F extends Flags>(verb: Verb<S, F>): Verb<S, F> {
  return verb;
}

/** `noSearch` → `--no-search`. */
export function flagName(key: string): string {
  return `--${key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}
