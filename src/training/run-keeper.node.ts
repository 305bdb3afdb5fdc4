/** @file Keeps a run on disk: its model, checkpoints and pictures. A disk that refuses is a warning, not the end. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { makeGrid, openDiffusersFolder, writePng } from '../formats/index.node.ts';
import { readUNet2D, writeImageModel } from '../models/image-model-folder.node.ts';
import type { NdArray } from '../tensor/index.ts';
import { checkpointName, readAll, writeCheckpoint } from './checkpoint.node.ts';
import type { DiffusionTrainer } from './diffusion-trainer.ts';
import type { NewTrainingEvent } from './events.ts';
import type { RunFolder } from './run-folder.node.ts';
import type { RunState } from './run-state.ts';

/** Pictures of previews and grids are enlarged to about this edge each. */
const SHOWN_EDGE = 64;

/** Writes what a trainer has learned into a run folder. */
export class RunKeeper {
  readonly #trainer: DiffusionTrainer;
  readonly #folder: RunFolder;
  /** What the last checkpoint of this session holds. */
  #saved: Pick<RunState, 'step' | 'schedule'> | undefined;
  /** The newest checkpoint, relative to the run folder. */
  lastCheckpoint: string | null = null;

  constructor(trainer: DiffusionTrainer, folder: RunFolder) {
    this.#trainer = trainer;
    this.#folder = folder;
  }

  /** The model folder, once there is a model in it. */
  get model(): string | null {
    const { model } = this.#folder;
    return existsSync(join(model, 'model_index.json')) ? model : null;
  }

  record(event: NewTrainingEvent): void {
    this.#folder.record(event);
  }

  /** Runs `write`; when it fails, says so and goes on. Returns whether it succeeded. */
  async survive(step: number, what: string, write: () => Promise<unknown>): Promise<boolean> {
    try {
      await write();
      return true;
    } catch (error) {
      this.record({ type: 'warning', step, message: `${what} was not saved: ${(error as Error).message}` });
      return false;
    }
  }

  /** Writes the averaged weights as the run's model. Throws `DataError` when the disk refuses. */
  async saveModel(step: number): Promise<void> {
    const { config, loader, classNames, classCounts, model, scheduler, engine, state } = this.#trainer;
    const weights = await readAll(engine, state.ema);
    const written = {
      config: model.config,
      weights,
      scheduler: scheduler as { _class_name: string },
      notes: {
        classNames,
        classCounts,
        // a class for none that was never hidden behind has learned nothing
        nullLabel: config.conditioning.dropout > 0 ? classNames?.length : undefined,
        data: loader.dataset.name,
        trainedSteps: step,
        sampling: config.sampling,
      },
    };
    await writeImageModel(this.#folder.model, written, { overwrite: true });
  }

  /** Puts the weights of the run's model back into the averages. */
  async loadModel(): Promise<void> {
    const folder = await openDiffusersFolder(this.#folder.model);
    const unet = await readUNet2D(await folder.component('unet'));
    const stored = unet.namedParameters();
    const { engine, state } = this.#trainer;
    for (const [key, variable] of state.ema) await engine.write(variable, stored.get(key)!.initial());
  }

  /** Writes a checkpoint unless it would say nothing new. Throws `DataError` when the disk refuses. */
  async checkpoint(state: RunState): Promise<void> {
    if (this.#saved?.step === state.step && this.#saved.schedule === state.schedule) return;
    const began = performance.now();
    const { engine, state: variables, config } = this.#trainer;
    const { checkpoints } = this.#folder;
    const old = await writeCheckpoint(checkpoints, engine, variables, state, config.keepCheckpoints);
    this.#saved = state;
    this.lastCheckpoint = join('checkpoints', checkpointName(state.step));
    const seconds = (performance.now() - began) / 1000;
    const removed = old.map((name) => join('checkpoints', name));
    this.record({ type: 'checkpoint', step: state.step, path: this.lastCheckpoint, removed, seconds });
  }

  /** Writes sampled pictures as `samples/<name>.png`; returns the path relative to the run folder. */
  async savePictures(name: string, images: NdArray): Promise<string> {
    const path = join('samples', `${name}.png`);
    const edge = Math.max(images.shape[2]!, images.shape[3]!);
    const grid = makeGrid(images, { scale: Math.max(1, Math.round(SHOWN_EDGE / edge)), padding: 2 });
    await writePng(join(this.#folder.path, path), grid);
    return path;
  }
}
