/** @file Model folders of diffusers, opened by what they say they are: a pipeline of a known kind, or a network saved alone. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type DiffusersFolder, openDiffusersComponent, openDiffusersFolder } from '../formats/index.node.ts';
import {
  type ImageModelNotes,
  type ReadNetworkOptions,
  readNotes,
  readUNet2D,
  type UNet2DModel,
} from '../models/index.node.ts';
import { DataError } from '../tensor/index.ts';
import { withArticle } from '../tensor/plural.ts';
import { kindForScheduler, PIPELINE_KINDS, type PipelineKind, whyNotOpened } from './kinds.ts';
import { type OwnScheduler, ownScheduler, schedulerOfPipeline } from './own-scheduler.node.ts';

/** Options of `openModel`. */
export interface OpenModelOptions extends ReadNetworkOptions {
  /**
   * In place of the folder's own scheduler, or for a network that has none: what `findScheduler` takes, or the JSON of a
   * `scheduler_config.json`.
   */
  readonly scheduler?: string | Readonly<Record<string, unknown>> | undefined;
}

/** A model as its folder holds it. */
export interface OpenedModel {
  readonly unet: UNet2DModel;
  /** The JSON of its scheduler; undefined for a network saved alone. */
  readonly scheduler: Readonly<Record<string, unknown>> | undefined;
  readonly kind: PipelineKind | undefined;
  readonly notes: ImageModelNotes;
}

/**
 * Opens a pipeline folder, or the folder of a `UNet2DModel` saved alone. Throws `DataError` when it is neither, of a pipeline
 * that inkwash does not run, incomplete or damaged, and `ConfigError` for a configuration that does not fit.
 */
export async function openModel(path: string, { scheduler, ...options }: OpenModelOptions = {}): Promise<OpenedModel> {
  const { onWarning } = options;
  const folder = isBareComponent(path) ? undefined : await openDiffusersFolder(path);
  const kind = folder && requireKind(folder, onWarning);
  const own =
    scheduler !== undefined
      ? await givenScheduler(scheduler, onWarning)
      : folder && (await schedulerOfPipeline(folder, onWarning));
  const notes = await readNotes(path, onWarning);
  const unet = await readUNet2D(folder ? await folder.component('unet') : await openDiffusersComponent(path), options);
  const model = { unet, scheduler: own?.json, kind: kind ?? own?.kind };
  if (own === undefined || scheduler === undefined) return { ...model, notes };
  const solver = own.sampling?.solver ?? String(own.json._class_name);
  const sampling = own.sampling ?? notes.sampling;
  return { ...model, notes: { ...notes, sampling: sampling && { ...sampling, ...notes.sampling, solver } } };
}

async function givenScheduler(
  scheduler: NonNullable<OpenModelOptions['scheduler']>,
  onWarning: OpenModelOptions['onWarning'],
): Promise<OwnScheduler> {
  if (typeof scheduler === 'string') return ownScheduler(scheduler, onWarning);
  return { json: scheduler, kind: kindForScheduler(scheduler._class_name) };
}

/** Whether `path` holds a component of a pipeline, or a model that was saved alone. */
export function isBareComponent(path: string): boolean {
  return existsSync(join(path, 'config.json')) && !existsSync(join(path, 'model_index.json'));
}

/** The kind of a pipeline folder. Throws `DataError` that says why it is not sampled, and what else can be done with it. */
function requireKind(
  { path, index: { className, components } }: DiffusersFolder,
  onWarning: (message: string) => void = console.warn,
): PipelineKind {
  const kind = PIPELINE_KINDS.get(className);
  const problem = whyNotOpened(className, components.keys());
  if (kind === undefined || problem !== undefined) {
    const opens = `the pipelines that open are ${[...PIPELINE_KINDS.keys()].join(', ')}`;
    throw new DataError(`${path} is ${withArticle(className)}, which inkwash does not sample: ${problem}`, {
      api: opens,
      cli: `${opens}; see what is in this one: inkwash inspect ${path}`,
    });
  }
  const extra = [...components.keys()].filter((name) => name !== 'unet' && name !== 'scheduler');
  if (extra.length > 0) onWarning(`${path}: ${withArticle(className)} has no ${extra.join(', ')}: ignored`);
  return kind;
}
