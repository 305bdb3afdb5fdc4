/** @file Reading network configurations: diffusers' JSON against a schema, with errors that name the key and the remedy. */
import type { z } from 'zod';
import { ConfigError, nearestName } from '../tensor/index.ts';
import { expectation, misfitPath, misfitValue } from '../tensor/misfit.ts';

/** The keys of `json` that `schema` does not have; keys that start with `_` are diffusers' own notes. */
export function unknownKeys(schema: z.ZodObject, json: object): string[] {
  return Object.keys(json).filter((key) => !key.startsWith('_') && !Object.hasOwn(schema.shape, key));
}

/** E.g. `UNet2DModel has no settings 'decay' and 'min_size': they are ignored`, each with what it may stand for. */
export function ignoredKeys(owner: string, keys: readonly string[], known: Iterable<string>): string {
  const choices = [...known];
  const named = keys.map((key) => {
    const near = nearestName(key, choices);
    return near === undefined ? key : `${key} (did you mean ${near}?)`;
  });
  const [setting, it] = keys.length === 1 ? ['setting', 'it is'] : ['settings', 'they are'];
  return `${owner} has no ${setting} ${named.join(', ')}: ${it} ignored`;
}

/**
 * Checks `json` against `schema` and fills in defaults. Keys that start with `_` (diffusers' own notes) are ignored.
 * Throws `ConfigError` for an unknown key (with the nearest known one) and for a value that does not fit.
 */
export function parseConfig<T extends z.ZodObject>(schema: T, json: object, network: string): z.output<T> {
  const known = Object.keys(schema.shape);
  const values = Object.fromEntries(Object.entries(json).filter(([key]) => !key.startsWith('_')));
  for (const key of unknownKeys(schema, values)) {
    const near = nearestName(key, known);
    throw new ConfigError(
      `${network} has no setting '${key}'`,
      near ? `did you mean '${near}'?` : `the settings are: ${known.join(', ')}`,
    );
  }
  const result = schema.safeParse(values);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const got = misfitValue(issue && { ...issue, path: issue.path.slice(0, 1) }, values);
  throw new ConfigError(
    `${network}: '${misfitPath(issue)}' does not fit, got ${got}`,
    issue && `give ${expectation(issue)}`,
  );
}

/** Throws `ConfigError` with the nearest choice unless `name` is one of `choices`. */
export function requireChoice<T extends string>(setting: string, name: string, choices: readonly T[]): T {
  if ((choices as readonly string[]).includes(name)) return name as T;
  const near = nearestName(name, choices);
  throw new ConfigError(
    `there is no '${name}' for ${setting}`,
    near ? `did you mean '${near}'?` : `choose one of ${choices.join(', ')}`,
  );
}
