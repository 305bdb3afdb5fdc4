/** @file Pipelines on disk: a diffusers folder of a known kind, a network saved alone, or a run of inkwash. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { OverwriteOptions } from '../formats/index.node.ts';
import { type ImageModelToWrite, writeImageModel } from '../models/image-model-folder.node.ts';
import { readParameters } from '../nn/index.ts';
import { type Engine, type NodeEngineOptions, nodeEngine } from '../runtime/index.node.ts';
import { DataError } from '../tensor/index.ts';
import { isRunFolder } from '../training/index.node.ts';
import { DiffusionPipeline } from './diffusion-pipeline.ts';
import type { NetworkToExport } from './export-onnx.ts';
import { type OpenModelOptions, openModel } from './open-model.node.ts';
import { schedulerMissing } from './own-scheduler.node.ts';

/** Options of `loadPipeline` and `loadNetwork`. */
export interface LoadPipelineOptions extends NodeEngineOptions, OpenModelOptions {
  /** Default: a new Node engine made from the other options. */
  readonly engine?: Engine;
}

/** The model folder that `path` stands for: itself, or the best weights of a run. Throws `DataError` when there is none. */
export function modelFolderOf(path: string): string {
  if (!isRunFolder(path)) return path;
  const model = join(path, 'model');
  if (existsSync(join(model, 'model_index.json'))) return model;
  throw new DataError(`the run ${path} has no model yet`, {
    api: 'train it further: set resume',
    cli: `train it further: inkwash train --resume --out ${path}`,
  });
}

/**
 * Loads a model folder in diffusers' layout (a `UNet2DModel` and any scheduler; half precision and shards included), or
 * the best weights of a run. A network saved alone needs the option `scheduler`. Throws `DataError` and `ConfigError` naming
 * the file and the key that do not fit.
 */
export async function loadPipeline(path: string, options: LoadPipelineOptions = {}): Promise<DiffusionPipeline> {
  const { engine, engineOptions, modelOptions } = separated(options);
  const { scheduler, kind, ...model } = await openModel(modelFolderOf(path), modelOptions);
  if (scheduler === undefined) throw schedulerMissing(path);
  return new DiffusionPipeline({
    engine: engine ?? (await nodeEngine(engineOptions)),
    ...model,
    scheduler,
    ...(kind && { kind }),
  });
}

/** Loads a network as `loadPipeline` does, to export it; one saved alone needs no scheduler. */
export async function loadNetwork(path: string, options: LoadPipelineOptions = {}): Promise<NetworkToExport> {
  const { engine, engineOptions, modelOptions } = separated(options);
  const { unet, scheduler, notes } = await openModel(modelFolderOf(path), modelOptions);
  return { engine: engine ?? (await nodeEngine(engineOptions)), unet, scheduler, notes };
}

function separated({ engine, scheduler, variant, ignoreExtra, onWarning, ...engineOptions }: LoadPipelineOptions) {
  return { engine, engineOptions, modelOptions: { scheduler, variant, ignoreExtra, onWarning } };
}

/**
 * Writes a model folder that diffusers loads. Throws `DataError` when it cannot be written, or holds a model already and
 * `overwrite` is not true.
 */
export async function savePipeline(
  path: string,
  pipeline: DiffusionPipeline,
  options: OverwriteOptions = {},
): Promise<void> {
  const { unet, engine, scheduler, notes, kind } = pipeline;
  await writeImageModel(
    path,
    {
      className: kind.className,
      config: unet.config,
      weights: await readParameters(unet, engine),
      scheduler: scheduler as ImageModelToWrite['scheduler'],
      notes,
    },
    options,
  );
}
