/** @file From what a user asks for to a complete configuration: presets below, wishes above; and what a resume may change. */
import { contentHash, formatImageSize, parseImageSize } from '../data/index.ts';
import { planForSolver } from '../diffusion/gaussian/plan-for-solver.ts';
import { parseUNet2DConfig } from '../models/unet2d-config.ts';
import { ConfigError, SettingError } from '../tensor/index.ts';
import { checkCombinations } from './check-combinations.ts';
import {
  checkConfigKeys,
  LENGTHS,
  parseTrainingConfig,
  type TrainingConfig,
  type TrainingConfigInput,
} from './config.ts';
import { type ConfigDifference, type ConfigObject, configDifferences, mergeConfigs } from './config-keys.ts';
import { parseInterval } from './interval.ts';
import { checkSize, presetFor } from './presets.ts';
import { trainingScheduler } from './training-scheduler.ts';

/** What the configuration of a run depends on besides the user's wishes. */
export interface DataFacts {
  readonly imageShape: readonly [number, number, number];
  /** Pictures to train on. */
  readonly count: number;
  readonly classNames: readonly string[] | undefined;
}

/** `data: 'x'` is short for `data: { spec: 'x' }`; sizes have one spelling. Throws `ConfigError` for unknown keys. */
export function normalizeConfig(input: TrainingConfigInput): ConfigObject {
  const { data: given, ...rest } = input;
  const data = typeof given === 'string' ? { spec: given } : given;
  const size = data?.size == null ? data?.size : formatImageSize(parseImageSize(data.size));
  const config = { ...rest, ...(data && { data: { ...data, ...(size !== undefined && { size }) } }) };
  checkConfigKeys(config);
  return config as ConfigObject;
}

/** `base` with `over` laid over it; a length in `over` replaces whatever length `base` has. */
function override(base: ConfigObject, over: ConfigObject): ConfigObject {
  const hasLength = LENGTHS.some((key) => over[key] !== undefined && over[key] !== null);
  const cleared = hasLength ? Object.fromEntries(LENGTHS.map((key) => [key, null])) : {};
  return mergeConfigs({ ...base, ...cleared }, over);
}

/**
 * The complete configuration of a new run: the preset for the data, overridden by `input`.
 * Throws `ConfigError` for anything unknown or impossible, also in the network's part.
 */
export function resolveConfig(input: TrainingConfigInput, facts: DataFacts): TrainingConfig {
  const wishes = normalizeConfig(input);
  const spec = (wishes.data as { spec?: string } | undefined)?.spec;
  if (spec === undefined) {
    throw new ConfigError('there is nothing to train on', "give data, e.g. 'avatars' or the path of a folder");
  }
  const model = wishes.model as ConfigObject | undefined;
  const channels = model?.block_out_channels as readonly number[] | undefined;
  const preset = normalizeConfig(
    presetFor({ spec, ...facts, channels: Array.isArray(channels) ? channels : undefined }),
  );
  const config = parseTrainingConfig(override(preset, wishes));
  const network = parseUNet2DConfig(config.model);
  checkSize(facts.imageShape, network.block_out_channels.length);
  const [, height, width] = facts.imageShape;
  const size = formatImageSize({ width, height });
  const complete: TrainingConfig = {
    ...config,
    data: { ...config.data, size },
    model: network as unknown as TrainingConfig['model'],
  };
  checkNames(complete);
  checkCombinations(complete, facts.imageShape);
  return complete;
}

/** Checks what is used long after the start, so that a mistake shows at once. */
function checkNames(config: TrainingConfig): void {
  planForSolver(trainingScheduler(config), config.sampling.solver);
  for (const key of ['previewEvery', 'validateEvery', 'checkpointEvery'] as const) parseInterval(key, config[key]);
}

/**
 * Settings that a resumed run may change: they do not decide what is learned from the pictures. Where these lie does not
 * either; that they are the same is checked by their fingerprint.
 */
const HARMLESS = [
  ...LENGTHS,
  'data.spec',
  'previewEvery',
  'validateEvery',
  'checkpointEvery',
  'keepCheckpoints',
  'threads',
  'device',
  'sampling',
];
const isHarmless = (key: string): boolean => HARMLESS.some((name) => key === name || key.startsWith(`${name}.`));

/** A resumed run's configuration, and what differs from the stored one. */
export interface ResumedConfig {
  readonly config: TrainingConfig;
  readonly changed: readonly ConfigDifference[];
}

/** Lays `input` over the stored configuration. Throws `ConfigError` listing every change that would make it another run. */
export function resumeConfig(stored: TrainingConfig, input: TrainingConfigInput): ResumedConfig {
  const before = stored as unknown as ConfigObject;
  const after = override(before, normalizeConfig(input));
  const changed = configDifferences(before, after);
  const refused = changed.filter(({ key }) => !isHarmless(key));
  if (refused.length > 0) {
    throw new SettingError((nameOf) => [
      `the run to resume has another configuration:${refused
        .map(
          ({ key, before: old, after: now }) => `\n  ${nameOf(key)}: ${JSON.stringify(old)} → ${JSON.stringify(now)}`,
        )
        .join('')}`,
      {
        api: 'leave these settings as they were, or start another run',
        cli: 'leave these settings as they were, or start another run with --out',
      },
    ]);
  }
  const config = parseTrainingConfig(after);
  checkNames(config);
  return { config, changed };
}

/**
 * Hash of all that decides what is learned; equal configurations have equal hashes. Settings at their defaults do not
 * count, so that a run can go on with a version that has more of them.
 */
export function configHash(config: TrainingConfig): string {
  const changed = departures(config).filter(({ key }) => !isHarmless(key));
  const decisive = Object.fromEntries(changed.map(({ key, after }) => [key, sorted(after, () => true)] as const));
  return contentHash([JSON.stringify(sorted(decisive, () => true))]);
}

/** Settings that the first version did not have. */
const LATER = ['data.captionColumn', 'data.folderRepeats'];

/** Whether `hash` is that of `config`; the first version's counted all settings it had, and the place of the data. */
export function isHashOf(config: TrainingConfig, hash: string): boolean {
  const departs = departures(config);
  const counted = (key: string): boolean =>
    key === 'data.spec' || (!isHarmless(key) && (!LATER.includes(key) || departs.some((one) => one.key === key)));
  return hash === configHash(config) || hash === contentHash([JSON.stringify(sorted(config, counted))]);
}

/** The settings that are not at their defaults. */
function departures(config: TrainingConfig): ConfigDifference[] {
  const defaults = parseTrainingConfig({ data: { spec: config.data.spec }, steps: 1 });
  return configDifferences(defaults as unknown as ConfigObject, config as unknown as ConfigObject);
}

/** The same value with all object keys in order, those that `keeps` refuses by their dotted name left out. */
function sorted(value: unknown, keeps: (key: string) => boolean, prefix = ''): unknown {
  if (Array.isArray(value)) return value.map((inner) => sorted(inner, () => true));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value)
    .filter(([key]) => keeps(prefix + key))
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, sorted(inner, keeps, `${prefix}${key}.`)]));
}
