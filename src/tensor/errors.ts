/** @file The closed family of errors: each says what was expected, what came, where, and what to do next. */

/** Base of every error inkwash throws on purpose; `hint` is the remedy, shown on its own line. */
export class InkwashError extends Error {
  readonly hint: string | undefined;

  constructor(message: string, hint?: string, options?: ErrorOptions) {
    super(hint === undefined ? message : `${message}\n  hint: ${hint}`, options);
    this.name = new.target.name;
    this.hint = hint;
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
/** Data or a file that is missing, broken, or not what its name says. */
export class DataError extends InkwashError {}
