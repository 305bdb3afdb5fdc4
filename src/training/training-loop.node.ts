/** @file The loop of a run: steps, validations, previews and checkpoints, until the plan is fulfilled. */
import { join } from 'node:path';
import type { DataSplits } from '../data/index.ts';
import type { MemoryPlan } from '../runtime/index.ts';
import { EngineError, type NdArray } from '../tensor/index.ts';
import { PREVIEW_STEPS } from './check-combinations.ts';
import { checkpointName } from './checkpoint.node.ts';
import type { DiffusionTrainer } from './diffusion-trainer.ts';
import { parseInterval, Timetable } from './interval.ts';
import { configHash } from './resolve-config.ts';
import { pathFromRun } from './resumed-data.node.ts';
import { type Chore, RunClock } from './run-clock.ts';
import type { RunFolder } from './run-folder.node.ts';
import { RunKeeper } from './run-keeper.node.ts';
import type { RunState } from './run-state.ts';
import { planBySteps, plannedLearningRate, type SchedulePlan } from './schedule.ts';

/** What a run came to. */
export interface TrainingResult {
  readonly out: string;
  readonly reason: 'finished' | 'stopped';
  readonly step: number;
  /** Loss of the last step. */
  readonly loss: number | null;
  readonly bestLoss: number | null;
  /** Folder of the best weights so far; null when it could not be written. */
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

/** Previews show whether it learns: few pictures. */
const PREVIEW_COUNT = 8;
const FINAL_COUNT = 64;
/** Steps a session measures at least before it plans by them. */
const MEASURED_STEPS = 2;
/** Steps of the pictures that are sampled to measure how long it takes. */
const MEASURING_STEPS = 2;
/** A run that takes more than so many times what was asked for says so. */
const LATEST = 1.1;
/** Past this part of the time, what follows the last step is not measured beforehand. */
const LATE = 0.4;

/** One session of a run. */
export class TrainingLoop {
  readonly #options: TrainingLoopOptions;
  readonly #keeper: RunKeeper;
  readonly #timetables: Readonly<Record<'preview' | 'validate' | 'checkpoint', Timetable>>;
  readonly #earlier: number;
  #step: number;
  #plan: SchedulePlan | undefined;
  #bestLoss: number | null;
  #bestStep: number | null;
  #loss: number | null = null;
  #validatedStep = -1;
  /** Of a run limited by time whose plan this session makes; one that it finds in a checkpoint is followed to the step. */
  readonly #clock: RunClock | undefined;
  /** Whether the first step of this session, which warms the engine up, is done. */
  #warm = false;
  /** Seconds spent on steps. */
  #stepping = 0;

  constructor(options: TrainingLoopOptions) {
    const { state, trainer, folder, lengthChanged } = options;
    const { config } = trainer;
    this.#options = options;
    this.#keeper = new RunKeeper(trainer, folder);
    this.#earlier = state?.elapsed ?? 0;
    this.#step = state?.step ?? 0;
    this.#bestLoss = state?.bestLoss ?? null;
    this.#bestStep = state?.bestStep ?? null;
    if (state) this.#keeper.lastCheckpoint = join('checkpoints', checkpointName(state.step));
    this.#plan = lengthChanged ? undefined : (state?.schedule ?? undefined);
    this.#plan ??= planBySteps(config, trainer.loader.stepsPerEpoch);
    this.#clock = this.#plan ? undefined : new RunClock(config, FINAL_COUNT);
    const timetable = (key: 'previewEvery' | 'validateEvery' | 'checkpointEvery') =>
      new Timetable(parseInterval(key, config[key]), this.#elapsed());
    this.#timetables = {
      preview: timetable('previewEvery'),
      validate: timetable('validateEvery'),
      checkpoint: timetable('checkpointEvery'),
    };
  }

  /** Trains until the plan is fulfilled or the signal stops it. */
  async run(): Promise<TrainingResult> {
    const { signal } = this.#options;
    this.#recordStart();
    try {
      while (!signal?.aborted && !this.#done) {
        await this.#trainOnce();
        await this.#planRest();
        if (!this.#done) await this.#doWhatIsDue();
      }
      return await this.#finish(signal?.aborted ? 'stopped' : 'finished');
    } catch (error) {
      const message = (error as Error).message;
      this.#keeper.record({ type: 'end', step: this.#step, reason: 'failed', message, ...this.#totals() });
      throw error;
    }
  }

  get #done(): boolean {
    return this.#plan !== undefined && this.#step >= this.#plan.totalSteps;
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
    this.#keeper.record({ type: 'step', step: this.#step, loss, gradientNorm, learningRate, seconds });
    this.#stepping += seconds;
    if (this.#warm) this.#clock?.step(seconds);
    this.#warm = true;
  }

  #diverged(loss: number, gradientNorm: number): EngineError {
    const what = Number.isFinite(loss) ? `norm of the gradient became ${gradientNorm}` : `loss became ${loss}`;
    const { trainer, folder } = this.#options;
    const { config } = trainer;
    const { lastCheckpoint } = this.#keeper;
    const good = lastCheckpoint
      ? `The last good checkpoint is ${join(folder.path, lastCheckpoint)}`
      : 'There is no checkpoint yet';
    const clip = config.gradientClip === null ? ', set gradientClip to 1' : '';
    return new EngineError(
      `the ${what} in step ${this.#step + 1}; nothing of it was saved. ${good}`,
      `start another run with a lower learningRate (it was ${config.learningRate})${clip}, or more warmupSteps`,
    );
  }

  /** Fixes the number of steps of a run limited by time, and corrects it where the machine changes its pace. */
  async #planRest(): Promise<void> {
    const clock = this.#clock;
    if (!clock || clock.measured < MEASURED_STEPS) return;
    if (clock.measured === MEASURED_STEPS) await this.#measureEnd(clock);
    const { validationBatches } = this.#options.trainer;
    const first = this.#plan === undefined;
    const plan = this.#plan
      ? clock.correct(this.#plan, this.#step, this.#elapsed(), validationBatches)
      : clock.plan(this.#step, this.#elapsed(), validationBatches);
    if (!plan) return;
    this.#plan = plan;
    const { secondsPerStep } = clock;
    this.#keeper.record({ type: 'schedule', step: this.#step, ...plan, secondsPerStep });
    // a resumed run must follow the same plan
    if (first) await this.#checkpoint();
  }

  /** Measures what follows the last step: final pictures, and where there is time for it, a validation and a checkpoint. */
  async #measureEnd(clock: RunClock): Promise<void> {
    const { trainer } = this.#options;
    const { seed, sampling } = trainer.config;
    const steps = Math.min(MEASURING_STEPS, sampling.steps);
    // the first compiles the program
    for (let i = 0; i < 2; i++) {
      const seconds = await timed(() => trainer.sample({ count: PREVIEW_COUNT, seed, steps }));
      clock.sampling((seconds * trainer.evaluations(sampling.steps)) / trainer.evaluations(steps));
    }
    if (this.#elapsed() > LATE * clock.budget) return;
    clock.chore('validation', await timed(() => this.#validate()), { measuring: true });
    clock.chore('checkpoint', await timed(() => this.#checkpoint()), { measuring: true });
  }

  async #doWhatIsDue(): Promise<void> {
    const { preview, validate, checkpoint } = this.#timetables;
    const done = async (chore: Chore, action: () => Promise<unknown>): Promise<void> => {
      const seconds = await timed(action);
      this.#clock?.chore(chore, seconds);
    };
    if (validate.isDue(this.#step, this.#elapsed())) await done('validation', () => this.#validate());
    if (preview.isDue(this.#step, this.#elapsed())) await done('preview', () => this.#preview());
    if (checkpoint.isDue(this.#step, this.#elapsed())) await done('checkpoint', () => this.#checkpoint());
  }

  async #validate(): Promise<void> {
    const { trainer } = this.#options;
    if (trainer.validates && this.#validatedStep !== this.#step) {
      const began = performance.now();
      const step = this.#step;
      const loss = await trainer.validate();
      const best = this.#bestLoss === null || loss < this.#bestLoss;
      const seconds = (performance.now() - began) / 1000;
      this.#validatedStep = step;
      this.#keeper.record({ type: 'validation', step, loss, best, seconds });
      this.#options.folder.checkHeld();
      if (best && (await this.#keeper.survive(step, 'the model', () => this.#keeper.saveModel(step)))) {
        [this.#bestLoss, this.#bestStep] = [loss, step];
      }
    }
    this.#timetables.validate.done(this.#elapsed());
  }

  async #preview(): Promise<void> {
    const { trainer, onPreview } = this.#options;
    const { seed, sampling } = trainer.config;
    const began = performance.now();
    const step = this.#step;
    const steps = Math.min(PREVIEW_STEPS, sampling.steps);
    const images = await trainer.sample({ count: PREVIEW_COUNT, seed, steps });
    const seconds = (performance.now() - began) / 1000;
    onPreview?.(images);
    await this.#keeper.survive(step, 'the preview', async () => {
      const path = await this.#keeper.savePictures(checkpointName(step), images);
      this.#keeper.record({ type: 'preview', step, path, seconds });
    });
    this.#timetables.preview.done(this.#elapsed());
  }

  /** A checkpoint that cannot be written is a warning, and tried again when the next one is due. */
  async #checkpoint(): Promise<boolean> {
    const { trainer, folder } = this.#options;
    const step = this.#step;
    folder.checkHeld();
    // without held-out pictures the newest weights are the best known
    if (!trainer.validates) await this.#keeper.survive(step, 'the model', () => this.#keeper.saveModel(step));
    const saved = await this.#keeper.survive(step, 'the checkpoint', () => this.#keeper.checkpoint(this.#state()));
    this.#timetables.checkpoint.done(this.#elapsed());
    return saved;
  }

  async #finish(reason: 'finished' | 'stopped'): Promise<TrainingResult> {
    const { trainer, folder } = this.#options;
    if (reason === 'finished') await this.#validate();
    // once more, and this time the reason comes out
    if (!(await this.#checkpoint())) await this.#keeper.checkpoint(this.#state());
    if (this.#keeper.model === null) {
      await this.#keeper.survive(this.#step, 'the model', () => this.#keeper.saveModel(this.#step));
    }
    const grid = reason === 'finished' ? join(folder.path, await this.#finalPictures()) : null;
    const totals = this.#totals();
    const { budget } = this.#clock ?? { budget: Number.POSITIVE_INFINITY };
    if (reason === 'finished' && totals.seconds > LATEST * budget) {
      this.#remark(
        `the run took ${totals.seconds.toFixed(0)} s, longer than the ${budget.toFixed(0)} s asked for: ` +
          `all but the steps takes ${(totals.seconds - this.#stepping).toFixed(0)} s here`,
      );
    }
    this.#keeper.record({ type: 'end', step: this.#step, reason, ...totals });
    return {
      out: folder.path,
      reason,
      step: this.#step,
      loss: this.#loss,
      bestLoss: this.#bestLoss,
      model: this.#keeper.model,
      grid,
      checkpoint: this.#keeper.lastCheckpoint && join(folder.path, this.#keeper.lastCheckpoint),
      parameters: trainer.model.parameterCount(),
      memory: trainer.memory,
      ...totals,
    };
  }

  /** They show what the model folder holds. */
  async #finalPictures(): Promise<string> {
    const { trainer } = this.#options;
    if (this.#bestStep !== null && this.#bestStep !== this.#step) await this.#keeper.loadModel();
    const { seed } = trainer.config;
    const clock = this.#clock;
    // a run limited by time has a program already, whose pace is known
    const images = await trainer.sample({
      count: FINAL_COUNT,
      seed,
      freeze: clock === undefined,
      ...(clock && { goOn: (done) => clock.allows(done, this.#elapsed()) }),
    });
    const [count = 0] = images.shape;
    if (count < FINAL_COUNT) this.#remark(`there was time for ${count} final pictures, not for ${FINAL_COUNT}`);
    return this.#keeper.savePictures('final', images);
  }

  #remark(message: string): void {
    this.#keeper.record({ type: 'warning', step: this.#step, message });
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
      dataFromRun: pathFromRun(this.#options.folder.path, trainer.config.data.spec),
      config: configHash(trainer.config),
    };
  }

  #recordStart(): void {
    const { trainer, data, resumed } = this.#options;
    const { train, heldOut } = data;
    this.#keeper.record({
      type: 'start',
      step: this.#step,
      resumed,
      elapsed: this.#elapsed(),
      minutes: trainer.config.minutes,
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
    if (this.#plan) this.#keeper.record({ type: 'schedule', step: this.#step, ...this.#plan, secondsPerStep: null });
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
