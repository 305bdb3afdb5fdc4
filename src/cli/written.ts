/** @file What the user wrote: the flags as given, to be written again in the next command, and the names that settings have there. */
import { SettingError } from '../tensor/index.ts';
import type { Flags } from './flags.ts';
import { flagName } from './verb.ts';

/** The flags of a command as they were given. */
export class Written<F extends Flags = Flags> {
  readonly #flags: F;
  readonly #texts: ReadonlyMap<string, readonly string[]>;

  /** `texts`: what each flag was given, by its key; a flag without a value has empty texts. */
  constructor(flags: F, texts: ReadonlyMap<string, readonly string[]>) {
    this.#flags = flags;
    this.#texts = texts;
  }

  /** The flags as words, in the order of the help: without some, and with others changed. */
  again({ without = [], change = {} }: WrittenChanges<F> = {}): string[] {
    const changed: Readonly<Record<string, string | undefined>> = change;
    return Object.keys(this.#flags).flatMap((key) => {
      const other = changed[key];
      const texts = without.includes(key) ? [] : other === undefined ? (this.#texts.get(key) ?? []) : [other];
      return texts.flatMap((text) => this.#words(key, text));
    });
  }

  /** What a setting is called on the command line: the flag that stands for it, else `--set` with its key. */
  nameOf(setting: string): string {
    const key = Object.keys(this.#flags).find((one) => this.#flags[one]!.setting === setting);
    if (key !== undefined && !this.#wasSet(setting)) return flagName(key);
    return 'set' in this.#flags ? `--set ${setting}` : flagName(setting);
  }

  /** `error` with settings by the names they have here; errors of another kind as they are. */
  told(error: unknown): unknown {
    return error instanceof SettingError ? error.told((setting) => this.nameOf(setting)) : error;
  }

  #wasSet(setting: string): boolean {
    return this.#texts.get('set')?.some((text) => text.startsWith(`${setting}=`)) ?? false;
  }

  #words(key: string, text: string): string[] {
    const name = flagName(key);
    if (this.#flags[key]!.value === undefined) return [name];
    return text.startsWith('-') ? [`${name}=${text}`] : [name, text];
  }
}

/** What is other in the next command. */
export interface WrittenChanges<F extends Flags> {
  readonly without?: readonly string[];
  readonly change?: { readonly [K in keyof F]?: string };
}
