/** @file Training runs that take a second, on pictures of 8×8 in two classes, for the tests of a file. */
import { mkdirSync, mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll } from 'vitest';
import { openSafetensors } from '../formats/index.node.ts';
import { type Engine, nodeEngine } from '../runtime/index.node.ts';
import { fillUniform } from '../tensor/index.ts';
import type { TrainingConfigInput, TrainingEvent, TrainingResult, TrainOptions } from './index.node.ts';
import { trainDiffusion } from './index.node.ts';

export interface TinyRuns {
  /** A folder for this file alone. */
  readonly root: string;
  /** 16 dark and 16 light pictures, in two sub-folders. */
  readonly pictures: string;
  /** A folder that no run has used. */
  newOut(): string;
  /** A configuration with `over` laid over it. */
  tiny(over?: TrainingConfigInput): TrainingConfigInput;
  /** Trains on an engine of one thread. */
  train(config: TrainingConfigInput, options: TrainOptions): Promise<TrainingResult>;
}

/** Draws the pictures and makes the engine before the tests of the calling file, and removes all after them. */
export function tinyRuns(): TinyRuns {
  const root = mkdtempSync(join(tmpdir(), 'inkwash-train-'));
  const pictures = join(root, 'pictures');
  let engine: Engine;
  let runs = 0;
  beforeAll(async () => {
    for (const [n, name] of ['dark', 'light'].entries()) {
      mkdirSync(join(pictures, name), { recursive: true });
      for (let i = 0; i < 16; i++) await drawPicture(join(pictures, name, `${i}.png`), n * 128, n * 16 + i);
    }
    engine = await nodeEngine({ threads: 1 });
  });
  afterAll(async () => {
    await engine.dispose();
    await rm(root, { recursive: true, force: true });
  });
  return {
    root,
    pictures,
    newOut: () => join(root, `run-${runs++}`),
    tiny: (over = {}) => ({
      data: { spec: pictures, size: 8 },
      model: { block_out_channels: [8, 8], norm_num_groups: 4, attention_head_dim: 4 },
      batchSize: 8,
      learningRate: 5e-3,
      warmupSteps: 2,
      sampling: { steps: 2 },
      previewEvery: 0,
      validateEvery: 0,
      checkpointEvery: 0,
      ...(over.minutes === undefined && over.epochs === undefined && { steps: 6 }),
      ...over,
    }),
    train: (config, options) => trainDiffusion(config, { engine, onWarning: () => undefined, ...options }),
  };
}

/** A bright square somewhere on a ground of `level`. */
async function drawPicture(path: string, level: number, seed: number): Promise<void> {
  const [u = 0, v = 0] = fillUniform(new Float32Array(2), { seed });
  const pixels = new Uint8Array(8 * 8 * 3).fill(level);
  const [left, top] = [Math.floor(u * 5), Math.floor(v * 5)];
  for (let y = top; y < top + 3; y++) pixels.fill(255, (y * 8 + left) * 3, (y * 8 + left + 3) * 3);
  await sharp(pixels, { raw: { width: 8, height: 8, channels: 3 } })
    .png()
    .toFile(path);
}

/** The losses of all steps, in order. */
export const losses = (events: readonly TrainingEvent[]): number[] =>
  events.flatMap((event) => (event.type === 'step' ? event.loss : []));

/** All tensors of a checkpoint or model file, as bytes by name. */
export async function tensorsOf(path: string): Promise<Record<string, string>> {
  const reader = await openSafetensors(path);
  const found: Record<string, string> = {};
  for (const name of reader.entries.keys()) {
    const { data } = await reader.read(name);
    found[name] = Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64');
  }
  await reader.close();
  return found;
}

/** The three groups of tensors of a checkpoint. */
export const checkpointTensors = (path: string): Promise<Record<string, string>[]> =>
  Promise.all(['parameters', 'ema', 'optimizer'].map((group) => tensorsOf(join(path, `${group}.safetensors`))));
