/** @file The closed family of errors: each says what was expected, what came, where, and what to do next. */

/**
 * What to do next. A text is true for everyone; where the remedy is an option, `api` says what a program sets and `cli`
 * which flag to give. Who has no such option is told nothing, rather than of one that is not there.
 */
export type Hint = string | { readonly api?: string | undefined; readonly cli?: string | undefined };

/** Base of every error inkwash throws on purpose; `hint` is the remedy, shown on its own line. */
export class InkwashError extends Error {
  /** What happened, without the remedy. */
  readonly problem: string;
  /** The remedy for a program, part of `message`. */
  readonly hint: string | undefined;
  /** The remedy on the command line. */
  readonly cliHint: string | undefined;

  constructor(problem: string, hint?: Hint, options?: ErrorOptions) {
    const { api, cli } = typeof hint === 'string' ? { api: hint, cli: hint } : (hint ?? {});
    super(api === undefined ? problem : `${problem}\n  hint: ${api}`, options);
    this.name = new.target.name;
    this.problem = problem;
    this.hint = api;
    this.cliHint = cli;
  }
}

/** Shapes that do not fit an operation, a parameter or a file. */
export class ShapeError extends InkwashError {}
/** An element type that does not fit. */
export class DtypeError extends InkwashError {}
/** A derivative that does not exist, or that nobody has written. */
export class GradientError extends InkwashError {}
/** The engine could not compile or run a program. */
export class EngineError extends InkwashError {}
/** A setting that is unknown, impossible, or contradicts another. */
export class ConfigError extends InkwashError {}
/** Calls settings by a name: `'learningRate'` in a program, `--lr` on a command line. */
export type SettingNames = (setting: string) => string;

/** A setting that is unknown or does not fit, told in the words of whoever gave it. */
export class SettingError extends ConfigError {
  /** The same error with settings called otherwise. */
  readonly told: (nameOf: SettingNames) => ConfigError;

  /** `tell`: message and hint, with every setting called what `nameOf` calls it. */
  constructor(
    tell: (nameOf: SettingNames) => readonly [problem: string, hint?: Hint | undefined],
    options?: ErrorOptions,
  ) {
    super(...tell((setting) => `'${setting}'`), options);
    this.told = (nameOf) => new ConfigError(...tell(nameOf), { ...options, cause: options?.cause ?? this });
  }
}

/** Data or a file that is missing, broken, or not what its name says. */
export class DataError extends InkwashError {}
