/** @file The keys of nested configurations: unknown ones named with the nearest, overrides, merging, differences. */
import { z } from 'zod';
import { ConfigError, nearestName, SettingError } from '../tensor/index.ts';
import { expectation, misfitPath, misfitValue } from '../tensor/misfit.ts';

/** A JSON value. */
export type Json = string | number | boolean | null | readonly Json[] | ConfigObject;
/** A JSON object. */
export interface ConfigObject {
  readonly [key: string]: Json | undefined;
}

function isObject(value: unknown): value is ConfigObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The object schema below optional wrappers, if there is one. */
function objectSchema(schema: unknown): z.ZodObject | undefined {
  if (schema instanceof z.ZodObject) return schema;
  const inner = (schema as { def?: { innerType?: unknown } }).def?.innerType;
  return inner === undefined ? undefined : objectSchema(inner);
}

/** All keys of a schema, nested ones dotted. */
function allKeys(schema: z.ZodObject, prefix = ''): string[] {
  return Object.entries(schema.shape).flatMap(([key, value]) => {
    const inner = objectSchema(value);
    return [prefix + key, ...(inner ? allKeys(inner, `${prefix}${key}.`) : [])];
  });
}

/** Throws `ConfigError` for the first key of `config` that `schema` lacks, with the nearest one it has. */
export function checkKeys(config: ConfigObject, schema: z.ZodObject, root = schema, prefix = ''): void {
  for (const [key, value] of Object.entries(config)) {
    const known = schema.shape[key];
    if (known === undefined) {
      const everywhere = allKeys(root);
      const sameLast = everywhere.find((path) => path.endsWith(`.${key}`));
      const local = nearestName(key, Object.keys(schema.shape)) ?? startsLike(key, Object.keys(schema.shape));
      const near = local === undefined ? (sameLast ?? nearestName(prefix + key, everywhere)) : prefix + local;
      throw new SettingError((nameOf) => [
        `there is no setting ${nameOf(prefix + key)}`,
        near ? `did you mean ${nameOf(near)}?` : `the settings are: ${Object.keys(schema.shape).join(', ')}`,
      ]);
    }
    const inner = objectSchema(known);
    if (inner && isObject(value)) checkKeys(value, inner, root, `${prefix}${key}.`);
  }
}

/** `batch` for `batchSize`: the key that `name` abbreviates. */
function startsLike(name: string, keys: readonly string[]): string | undefined {
  return keys.find((key) => key.toLowerCase().startsWith(name.toLowerCase()));
}

/** The error for the first problem that a schema found in `config`. */
export function misfit(error: z.ZodError, config: object): SettingError {
  const [issue] = error.issues;
  return new SettingError((nameOf) => [
    `the setting ${nameOf(misfitPath(issue))} does not fit: got ${misfitValue(issue, config)}`,
    issue && `give ${expectation(issue)}`,
  ]);
}

/** `over` laid over `base`: objects merge, everything else (lists too) is replaced; undefined changes nothing. */
export function mergeConfigs(base: ConfigObject, over: ConfigObject): ConfigObject {
  const merged: Record<string, Json | undefined> = { ...base };
  for (const [key, value] of Object.entries(over)) {
    const old = merged[key];
    if (value !== undefined) merged[key] = isObject(value) && isObject(old) ? mergeConfigs(old, value) : value;
  }
  return merged;
}

/**
 * The configuration that settings such as `optimizer.betas=[0.9,0.99]` describe; a value that is no JSON is text.
 * Throws `ConfigError` for a setting without `=`.
 */
export function parseOverrides(settings: readonly string[]): ConfigObject {
  let config: ConfigObject = {};
  for (const setting of settings) {
    const at = setting.indexOf('=');
    const path = setting.slice(0, at).split('.');
    if (at < 1 || path.some((key) => key === '' || key === '__proto__')) {
      throw new ConfigError(`'${setting}' sets nothing`, 'write key=value, e.g. optimizer.weightDecay=0.1');
    }
    const nested = path.reduceRight<Json>((inner, key) => ({ [key]: inner }), parseValue(setting.slice(at + 1)));
    config = mergeConfigs(config, nested as ConfigObject);
  }
  return config;
}

function parseValue(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return text;
  }
}

/** One setting that two configurations disagree on. */
export interface ConfigDifference {
  /** Dotted. */
  readonly key: string;
  readonly before: Json | undefined;
  readonly after: Json | undefined;
}

/** Every setting that differs, nested ones by their dotted key. */
export function configDifferences(before: ConfigObject, after: ConfigObject, prefix = ''): ConfigDifference[] {
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return keys.flatMap((key) => {
    const [a, b] = [before[key], after[key]];
    if (isObject(a) && isObject(b)) return configDifferences(a, b, `${prefix}${key}.`);
    return JSON.stringify(a) === JSON.stringify(b) ? [] : [{ key: prefix + key, before: a, after: b }];
  });
}
