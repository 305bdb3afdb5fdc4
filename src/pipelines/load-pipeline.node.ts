/** @file Pipelines on disk: any pixel-space diffusers folder, or a run of inkwash. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type ImageModelToWrite, readImageModel, writeImageModel } from '../models/image-model-folder.node.ts';
import { readParameters } from '../nn/index.ts';
import { type Engine, type NodeEngineOptions, nodeEngine } from '../runtime/index.node.ts';
import { DataError } from '../tensor/index.ts';
import { isRunFolder } from '../training/index.node.ts';
import { DiffusionPipeline } from './diffusion-pipeline.ts';

export interface LoadPipelineOptions extends NodeEngineOptions {
  /** Default: a new Node engine made from the other options. */
  readonly engine?: Engine;
  /** Variant of the weights, e.g. `fp16`. */
  readonly variant?: string;
}

/** The model folder that `path` stands for: itself, or the best weights of a run. Throws `DataError` when there is none. */
export function modelFolderOf(path: string): string {
  if (!isRunFolder(path)) return path;
  const model = join(path, 'model');
  if (existsSync(join(model, 'model_index.json'))) return model;
  throw new DataError(`the run ${path} has no model yet`, `train it further: inkwash train --resume --out ${path}`);
}

/**
 * Loads a model folder in diffusers' layout (a `UNet2DModel` and any scheduler; half precision and shards included), or
 * the best weights of a run. Throws `DataError` and `ConfigError` naming the file and the key that do not fit.
 */
export async function loadPipeline(
  path: string,
  { engine, variant, ...engineOptions }: LoadPipelineOptions = {},
): Promise<DiffusionPipeline> {
  const model = await readImageModel(modelFolderOf(path), variant === undefined ? {} : { variant });
  return new DiffusionPipeline({ engine: engine ?? (await nodeEngine(engineOptions)), ...model });
}

/** Writes a model folder that diffusers loads. Throws `DataError` when it cannot be written. */
export async function savePipeline(path: string, pipeline: DiffusionPipeline): Promise<void> {
  const { unet, engine, scheduler, notes } = pipeline;
  await writeImageModel(path, {
    config: unet.config,
    weights: await readParameters(unet, engine),
    scheduler: scheduler as ImageModelToWrite['scheduler'],
    notes,
  });
}
