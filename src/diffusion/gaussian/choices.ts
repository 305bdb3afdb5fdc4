/** @file Naming a choice: unknown names are refused with the nearest known one. */
import { ConfigError, nearestName } from '../../tensor/index.ts';

/** "did you mean …? known: …" for a name that is none of `candidates`. */
export function suggestion(name: string, candidates: readonly string[]): string {
  const near = nearestName(name, candidates);
  return `${near === undefined ? '' : `did you mean '${near}'? `}known: ${candidates.join(', ')}`;
}

/** `name` if it is one of `candidates`; otherwise a `ConfigError` that suggests the nearest. */
export function oneOf<T extends string>(what: string, name: string, candidates: readonly T[]): T {
  if ((candidates as readonly string[]).includes(name)) return name as T;
  throw new ConfigError(`unknown ${what} '${name}'`, suggestion(name, candidates));
}
