/** @file The configuration that flags ask for. */
import { type ConfigObject, type Json, mergeConfigs } from '../training/index.node.ts';
import type { Flags, FlagValues } from './flags.ts';

/** The settings that `given` flags stand for; what was not given is left out. */
export function settingsOf<F extends Flags>(flags: F, given: FlagValues<F>): ConfigObject {
  let config: ConfigObject = {};
  for (const [key, { setting }] of Object.entries(flags)) {
    if (setting === undefined || given[key] === undefined) continue;
    const nested = setting.split('.').reduceRight<Json>((inner, name) => ({ [name]: inner }), given[key] as Json);
    config = mergeConfigs(config, nested as ConfigObject);
  }
  return config;
}
