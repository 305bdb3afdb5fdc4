/** @file The loop of a run: steps, validations, previews and checkpoints in a run folder, until the plan is fulfilled. */
import { join } from 'node:path';
import type { DataSplits } from '../data/index.ts';
import { makeGrid, writePng } from '../formats/index.node.ts';
import { readImageModel, writeImageModel } from '../models/image-model-folder.node.ts';
import type { MemoryPlan } from '../runtime/index.ts';
import { EngineError, type NdArray } from '../tensor/index.ts';
import { checkpointName, type RunState, readAll, writeCheckpoint } from './checkpoint.node.ts';
import type { DiffusionTrainer } from './diffusion-trainer.ts';
import type { NewTrainingEvent } from './events.ts';
import { parseInterval, Timetable } from './interval.ts';
import { configHash } from './resolve-config.ts';
import type { RunFolder } from './run-folder.node.ts';
import { planByClock, planBySteps, plannedLearningRate, type SchedulePlan } from './schedule.ts';

/** What a run came to. */
export interface TrainingResult {
  readonly out: string;
  readonly reason: 'finished' | 'stopped';
  readonly step: number;
  /** Loss of the last step. */
  readonly loss: number | null;
  readonly bestLoss: number | null;
  /** Folder of the best weights so far; null when the run was stopped before there were any. */
  readonly model: string | null;
  /** The picture of 64 samples at the end of a finished run. */
  readonly grid: string | null;
  readonly checkpoint: string | null;
  readonly seconds: number;
  readonly parameters: number;
  readonly memory: MemoryPlan;
  /** Largest resident memory of this process, bytes. */
  readonly peakRss: number;
}

export interface TrainingLoopOptions {
  readonly trainer: DiffusionTrainer;
  readonly folder: RunFolder;
  readonly data: DataSplits;
  /** Of the checkpoint to continue from. */
  readonly state: RunState | undefined;
  readonly lengthChanged: boolean;
  readonly resumed: boolean;
  /** `performance.now()` when the session began. */
  readonly started: number;
  readonly signal: AbortSignal | undefined;
  readonly onPreview: ((images: NdArray) => void) | undefined;
}

const PREVIEW_COUNT = 16;
const FINAL_COUNT = 64;
/** Pictures of previews and grids are enlarged to about this edge each. */
const SHOWN_EDGE = 64;

/** Steps a session measures at least before it plans by them. */
const MEASURED_STEPS = 4;

/** One session of a run. */
export class TrainingLoop {
  readonly #options: TrainingLoopOptions;
  readonly #timetables: Readonly<Record<'preview' | 'validate' | 'checkpoint', Timetable>>;
  readonly #earlier: number;
  #step: number;
  #plan: SchedulePlan | undefined;
  #bestLoss: number | null;
  #bestStep: number | null;
  #loss: number | null = null;
  /** Seconds to keep for what follows the last step of a run limited by time. */
  #reserve: number | undefined;
  /** When the second step of this session began, and its number. */
  #measuredFrom: { readonly seconds: number; readonly step: number } | undefined;
  #lastCheckpoint: string | null = null;
  #validatedStep = -1;
  #savedStep = -1;

  constructor(options: TrainingLoopOptions) {
    this.#options = options;
    const { state, trainer, lengthChanged } = options;
    const { config } = trainer;
    this.#earlier = state?.elapsed ?? 0;
    this.#step = state?.step ?? 0;
    this.#bestLoss = state?.bestLoss ?? null;
    this.#bestStep = state?.bestStep ?? null;
    if (state) this.#lastCheckpoint = join('checkpoints', checkpointName(state.step));
    this.#plan = lengthChanged ? undefined : (state?.schedule ?? undefined);
    this.#plan ??= planBySteps(config, trainer.loader.stepsPerEpoch);
    const now = this.#elapsed();
    this.#timetables = {
      preview: new Timetable(parseInterval('previewEvery', config.previewEvery), now),
      validate: new Timetable(parseInterval('validateEvery', config.validateEvery), now),
      checkpoint: new Timetable(parseInterval('checkpointEvery', config.checkpointEvery), now),
    };
  }

  /** Trains until the plan is fulfilled or the signal stops it. */
  async run(): Promise<TrainingResult> {
    const { signal } = this.#options;
    this.#recordStart();
    try {
      while (!signal?.aborted && this.#step < (this.#plan?.totalSteps ?? Number.POSITIVE_INFINITY)) {
        await this.#trainOnce();
        await this.#planRest();
        if (this.#step < (this.#plan?.totalSteps ?? Number.POSITIVE_INFINITY)) await this.#doWhatIsDue();
      }
      return await this.#finish(signal?.aborted ? 'stopped' : 'finished');
    } catch (error) {
      this.#record({ type: 'end', reason: 'failed', message: (error as Error).message, ...this.#totals() });
      throw error;
    }
  }

  async #trainOnce(): Promise<void> {
    const { trainer } = this.#options;
    const began = performance.now();
    const learningRate = plannedLearningRate(this.#step, trainer.config, this.#plan);
    const { loss, gradientNorm } = await trainer.step(this.#step, learningRate);
    if (!Number.isFinite(loss) || !Number.isFinite(gradientNorm)) throw this.#diverged(loss, gradientNorm);
    this.#step++;
    this.#loss = loss;
    const seconds = (performance.now() - began) / 1000;
    this.#record({ type: 'step', loss, gradientNorm, learningRate, seconds });
    // the first step of a session warms the engine up
    this.#measuredFrom ??= { seconds: this.#elapsed(), step: this.#step };
  }

  #diverged(loss: number, gradientNorm: number): EngineError {
    const what = Number.isFinite(loss) ? `norm of the gradient became ${gradientNorm}` : `loss became ${loss}`;
    const { config } = this.#options.trainer;
    const clip = config.gradientClip === null ? ', set gradientClip to 1' : '';
    return new EngineError(
      `the ${what} in step ${this.#step + 1}; nothing of it was saved. ${
        this.#lastCheckpoint ? `The last good checkpoint is ${this.#lastCheckpoint}` : 'There is no checkpoint yet'
      }`,
      `start another run with a lower learningRate (it was ${config.learningRate})${clip}, or more warmupSteps`,
    );
  }

  /** Fixes the number of steps of a run limited by time, once. */
  async #planRest(): Promise<void> {
    const { config } = this.#options.trainer;
    if (this.#plan || !this.#measuredFrom || this.#step < this.#measuredFrom.step + MEASURED_STEPS) return;
    if (this.#reserve === undefined) await this.#measureEnd();
    const { seconds, step } = this.#measuredFrom;
    const secondsPerStep = (this.#elapsed() - seconds) / (this.#step - step);
    this.#plan = planByClock(config, {
      step: this.#step,
      elapsed: this.#elapsed(),
      secondsPerStep,
      reserve: this.#reserve!,
    });
    if (this.#plan) this.#record({ type: 'schedule', ...this.#plan, secondsPerStep });
  }

  /** Measures what follows the last step, once: the last validation, the checkpoint, and the final pictures. */
  async #measureEnd(): Promise<void> {
    const { trainer } = this.#options;
    const { config } = trainer;
    const began = performance.now();
    const sample = (steps: number) => timed(() => trainer.sample({ count: PREVIEW_COUNT, seed: config.seed, steps }));
    // the first compiles the program
    await sample(1);
    const evaluation = await sample(1);
    const batches = FINAL_COUNT / PREVIEW_COUNT;
    const validation = await timed(() => this.#validate());
    const checkpoint = await timed(() => this.#checkpoint());
    this.#reserve = evaluation * config.sampling.steps * batches + validation + checkpoint;
    // measuring is not training
    const { seconds, step } = this.#measuredFrom!;
    this.#measuredFrom = { seconds: seconds + (performance.now() - began) / 1000, step };
  }

  async #doWhatIsDue(): Promise<void> {
    const { preview, validate, checkpoint } = this.#timetables;
    if (validate.isDue(this.#step, this.#elapsed())) await this.#validate();
    if (preview.isDue(this.#step, this.#elapsed())) await this.#preview();
    if (checkpoint.isDue(this.#step, this.#elapsed())) await this.#checkpoint();
  }

  async #validate(): Promise<void> {
    const { trainer } = this.#options;
    if (trainer.validates && this.#validatedStep !== this.#step) {
      const began = performance.now();
      const loss = await trainer.validate();
      const best = this.#bestLoss === null || loss < this.#bestLoss;
      if (best) [this.#bestLoss, this.#bestStep] = [loss, this.#step];
      const seconds = (performance.now() - began) / 1000;
      this.#validatedStep = this.#step;
      this.#record({ type: 'validation', loss, best, seconds });
      if (best) await this.#survive('the model', () => this.#saveModel());
    }
    this.#timetables.validate.done(this.#elapsed());
  }

  async #preview(): Promise<void> {
    const began = performance.now();
    const images = await this.#options.trainer.sample({
      count: PREVIEW_COUNT,
      seed: this.#options.trainer.config.seed,
    });
    const seconds = (performance.now() - began) / 1000;
    this.#options.onPreview?.(images);
    const path = join('samples', `${checkpointName(this.#step)}.png`);
    await this.#survive('the preview', async () => {
      await writePng(join(this.#options.folder.path, path), pictureOf(images));
      this.#record({ type: 'preview', path, seconds });
    });
    this.#timetables.preview.done(this.#elapsed());
  }

  /** Whether it was written; a failure is a warning, and tried again when the next one is due. */
  async #checkpoint(): Promise<boolean> {
    if (this.#savedStep === this.#step) return true;
    const { trainer, folder } = this.#options;
    const began = performance.now();
    if (!trainer.validates) await this.#survive('the model', () => this.#saveModel());
    const saved = await this.#survive('the checkpoint', () =>
      writeCheckpoint(folder.checkpoints, trainer.engine, trainer.state, this.#state(), trainer.config.keepCheckpoints),
    );
    const seconds = (performance.now() - began) / 1000;
    this.#timetables.checkpoint.done(this.#elapsed());
    if (!saved) return false;
    this.#savedStep = this.#step;
    this.#lastCheckpoint = join('checkpoints', checkpointName(this.#step));
    this.#record({ type: 'checkpoint', path: this.#lastCheckpoint, seconds });
    return true;
  }

  /** Runs `write`; when the disk refuses, says so and goes on. */
  async #survive(what: string, write: () => Promise<unknown>): Promise<boolean> {
    try {
      await write();
      return true;
    } catch (error) {
      this.#record({ type: 'warning', message: `${what} was not saved: ${(error as Error).message}` });
      return false;
    }
  }

  async #saveModel(): Promise<void> {
    const { trainer, folder } = this.#options;
    const { config, classNames, model, scheduler } = trainer;
    await writeImageModel(folder.model, {
      config: model.config,
      weights: await readAll(trainer.engine, trainer.state.ema),
      scheduler: scheduler as { _class_name: string },
      notes: {
        classNames,
        nullLabel: classNames?.length,
        data: config.data.spec,
        trainedSteps: this.#step,
        sampling: config.sampling,
      },
    });
  }

  async #finish(reason: 'finished' | 'stopped'): Promise<TrainingResult> {
    const { trainer, folder } = this.#options;
    if (reason === 'finished') await this.#validate();
    const checkpointed = await this.#checkpoint();
    if (!checkpointed) {
      // the last chance: let the reason out
      await writeCheckpoint(
        folder.checkpoints,
        trainer.engine,
        trainer.state,
        this.#state(),
        trainer.config.keepCheckpoints,
      );
    }
    let grid: string | null = null;
    if (reason === 'finished') {
      await this.#loadBest();
      const images = await trainer.sample({ count: FINAL_COUNT, seed: trainer.config.seed });
      grid = join(folder.path, 'samples', 'final.png');
      await writePng(grid, pictureOf(images));
    } else if (this.#bestStep === null && trainer.validates) await this.#saveModel();
    const totals = this.#totals();
    this.#record({ type: 'end', reason, ...totals });
    return {
      out: folder.path,
      reason,
      step: this.#step,
      loss: this.#loss,
      bestLoss: this.#bestLoss,
      model: folder.model,
      grid,
      checkpoint: this.#lastCheckpoint && join(folder.path, this.#lastCheckpoint),
      parameters: trainer.model.parameterCount(),
      memory: trainer.memory,
      ...totals,
    };
  }

  /** The final pictures show what the model folder holds. */
  async #loadBest(): Promise<void> {
    const { trainer, folder } = this.#options;
    if (this.#bestStep === null || this.#bestStep === this.#step) return;
    const { unet } = await readImageModel(folder.model);
    const stored = unet.namedParameters();
    for (const [key, variable] of trainer.state.ema) await trainer.engine.write(variable, stored.get(key)!.initial());
  }

  #state(): RunState {
    const { trainer, data } = this.#options;
    return {
      step: this.#step,
      loaderStep: this.#step * trainer.config.accumulate,
      seed: trainer.config.seed,
      elapsed: this.#elapsed(),
      schedule: this.#plan ?? null,
      bestLoss: this.#bestLoss,
      bestStep: this.#bestStep,
      data: data.train.fingerprint,
      config: configHash(trainer.config),
    };
  }

  #recordStart(): void {
    const { trainer, data, resumed } = this.#options;
    const { train, heldOut } = data;
    this.#record({
      type: 'start',
      resumed,
      engine: trainer.engine.name,
      parameters: trainer.model.parameterCount(),
      memory: trainer.memory,
      data: {
        name: train.name,
        train: train.length,
        heldOut: heldOut.length,
        imageShape: train.imageShape,
        classNames: trainer.classNames ?? null,
        fingerprint: train.fingerprint,
      },
    });
    if (this.#plan) this.#record({ type: 'schedule', ...this.#plan, secondsPerStep: null });
  }

  #record(
    event: NewTrainingEvent extends infer E ? (E extends NewTrainingEvent ? Omit<E, 'step'> : never) : never,
  ): void {
    this.#options.folder.record({ step: this.#step, ...event } as NewTrainingEvent);
  }

  #totals(): { seconds: number; peakRss: number } {
    return { seconds: this.#elapsed(), peakRss: process.resourceUsage().maxRSS * 1024 };
  }

  /** Seconds of the run so far, over all its sessions. */
  #elapsed(): number {
    return this.#earlier + (performance.now() - this.#options.started) / 1000;
  }
}

/** Seconds that `action` takes. */
async function timed(action: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await action();
  return (performance.now() - began) / 1000;
}

function pictureOf(images: NdArray) {
  const edge = Math.max(images.shape[2]!, images.shape[3]!);
  return makeGrid(images, { scale: Math.max(1, Math.round(SHOWN_EDGE / edge)), padding: 2 });
}
