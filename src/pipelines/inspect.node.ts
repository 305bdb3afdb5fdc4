/** @file Says what a path or a name is (a data set, a model, a run) and what is in it. */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { BUILT_IN_DATA, type DataReport, type OpenDataOptions, openData } from '../data/index.node.ts';
import { fromSchedulerConfig } from '../diffusion/gaussian/index.ts';
import { openDiffusersFolder } from '../formats/index.node.ts';
import type { ImageModelNotes, UNet2DConfig } from '../models/index.node.ts';
import { DataError } from '../tensor/index.ts';
import {
  isRunFolder,
  listCheckpoints,
  readEvents,
  readRunConfig,
  type TrainingConfig,
} from '../training/index.node.ts';
import { whyNotOpened } from './kinds.ts';
import { isBareComponent, openModel } from './open-model.node.ts';

/** What is known of a data set. */
export interface DataInspection {
  readonly kind: 'data';
  readonly name: string;
  readonly train: number;
  readonly heldOut: number;
  readonly imageShape: readonly number[];
  /** Training pictures of each class. */
  readonly classes: Readonly<Record<string, number>> | null;
  /** A few captions. */
  readonly captions: readonly string[];
  readonly fingerprint: string;
  readonly report: DataReport | null;
}

/** What is known of a model that inkwash samples. */
export interface ModelInspection {
  readonly kind: 'model';
  readonly path: string;
  /** Class of the pipeline; null for a network saved alone. */
  readonly pipeline: string | null;
  /** Class of the network. */
  readonly className: string;
  readonly parameters: number;
  readonly config: UNet2DConfig;
  /** Null for a network saved alone. */
  readonly scheduler: string | null;
  readonly predictionType: string | null;
  readonly notes: ImageModelNotes;
  /** Tensors that the network has no place for; it opens with `ignoreExtra` only. */
  readonly extraTensors: readonly string[];
  /** What was ignored in its files. */
  readonly warnings: readonly string[];
}

/** What is known of a pipeline that inkwash does not sample. */
export interface PipelineInspection {
  readonly kind: 'pipeline';
  readonly path: string;
  readonly className: string;
  /** Why it is not sampled. */
  readonly problem: string;
  readonly components: readonly { readonly name: string; readonly library: string; readonly className: string }[];
}

/** What is known of a run. */
export interface RunInspection {
  readonly kind: 'run';
  readonly path: string;
  readonly config: TrainingConfig;
  /** How its last session ended; `running` also stands for one that was killed. */
  readonly state: 'finished' | 'stopped' | 'failed' | 'running';
  readonly step: number;
  readonly totalSteps: number | null;
  readonly parameters: number | null;
  readonly losses: readonly number[];
  readonly validations: readonly { readonly step: number; readonly loss: number }[];
  readonly checkpoints: readonly { readonly step: number; readonly path: string }[];
  /** Whether there is a model to sample. */
  readonly model: boolean;
  readonly warnings: readonly string[];
}

export type Inspection = DataInspection | ModelInspection | PipelineInspection | RunInspection;

/** Options of `inspect`: `variant` of a model's weights, and those of data. */
export interface InspectOptions extends OpenDataOptions {
  readonly variant?: string;
}

/**
 * Looks at a run folder, a model folder (a pipeline, or a network saved alone), a built-in data set or a folder of pictures.
 * Throws `DataError` when it is none of them, or damaged.
 */
export async function inspect(subject: string, options: InspectOptions = {}): Promise<Inspection> {
  if (BUILT_IN_DATA.includes(subject)) return inspectData(subject, options);
  refuseSchedulerFile(subject);
  if (isRunFolder(subject)) return inspectRun(subject);
  if (existsSync(join(subject, 'model_index.json'))) {
    return (await inspectPipeline(subject)) ?? inspectModel(subject, options);
  }
  return isBareComponent(subject) ? inspectModel(subject, options) : inspectData(subject, options);
}

/** Throws `DataError` for a JSON file, with what reads it where it is that of a scheduler. */
function refuseSchedulerFile(subject: string): void {
  if (!/\.json$/i.test(subject) || !statSync(subject, { throwIfNoEntry: false })?.isFile()) return;
  throw new DataError(`${subject} is a file; data sets, models and runs are folders`, {
    api: 'for a scheduler_config.json: findScheduler',
    cli: `for a scheduler: inkwash explain ${subject}`,
  });
}

export async function inspectData(spec: string, options: OpenDataOptions = {}): Promise<DataInspection> {
  const { train, heldOut, report } = await openData(spec, options);
  const { classNames, labels } = train;
  const counts = classNames?.map((name, label) => [name, labels?.filter((one) => one === label).length ?? 0] as const);
  const captions = Array.from({ length: Math.min(3, train.length) }, (_, i) => train.caption(i));
  return {
    kind: 'data',
    name: train.name,
    train: train.length,
    heldOut: heldOut.length,
    imageShape: train.imageShape,
    classes: counts ? Object.fromEntries(counts) : null,
    captions: captions.filter((caption) => caption !== undefined),
    fingerprint: train.fingerprint,
    report: report ?? null,
  };
}

/** Looks at a pipeline folder that inkwash samples, or a network saved alone. */
export async function inspectModel(
  path: string,
  { variant }: { readonly variant?: string } = {},
): Promise<ModelInspection> {
  const warnings: string[] = [];
  const extraTensors: string[] = [];
  const { unet, scheduler, notes, kind } = await openModel(path, {
    variant,
    ignoreExtra: true,
    onWarning: (message) => warnings.push(message),
    onExtra: (names) => extraTensors.push(...names),
  });
  const config = scheduler && fromSchedulerConfig(scheduler).config;
  return {
    kind: 'model',
    path,
    pipeline: kind?.className ?? null,
    className: 'UNet2DModel',
    parameters: unet.parameterCount(),
    config: unet.config,
    scheduler: config?.className ?? null,
    predictionType: config?.options.prediction_type ?? null,
    notes,
    extraTensors,
    warnings,
  };
}

/** Looks at a pipeline that inkwash does not sample; undefined for one that it does. */
async function inspectPipeline(path: string): Promise<PipelineInspection | undefined> {
  const { className, components } = (await openDiffusersFolder(path)).index;
  const problem = whyNotOpened(className, components.keys());
  if (problem === undefined) return undefined;
  const parts = [...components].map(([name, reference]) => ({ name, ...reference }));
  return { kind: 'pipeline', path, className, problem, components: parts };
}

export async function inspectRun(path: string): Promise<RunInspection> {
  const config = await readRunConfig(path);
  const events = await readEvents(path);
  const checkpoints = await listCheckpoints(join(path, 'checkpoints'));
  if (events.length === 0) {
    throw checkpoints.length === 0
      ? new DataError(`${path} holds a run that never started`, 'remove the folder')
      : new DataError(`the run ${path} has lost its events`, {
          api: 'go on with it: set resume',
          cli: `go on with it: inkwash train --resume --out ${path}`,
        });
  }
  const ofType = <T extends (typeof events)[number]['type']>(type: T) =>
    events.filter((event): event is Extract<(typeof events)[number], { type: T }> => event.type === type);
  const last = events.at(-1);
  const steps = ofType('step');
  return {
    kind: 'run',
    path,
    config,
    state: last?.type === 'end' ? last.reason : 'running',
    step: steps.at(-1)?.step ?? 0,
    totalSteps: ofType('schedule').at(-1)?.totalSteps ?? null,
    parameters: ofType('start').at(-1)?.parameters ?? null,
    losses: steps.map(({ loss }) => loss),
    validations: ofType('validation').map(({ step, loss }) => ({ step, loss })),
    checkpoints,
    model: existsSync(join(path, 'model', 'model_index.json')),
    warnings: ofType('warning').map(({ message }) => message),
  };
}
