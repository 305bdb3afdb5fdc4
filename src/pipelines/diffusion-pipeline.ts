/** @file `DiffusionPipeline`: pictures from a trained network, its scheduler and a seed. */
import type { Rng } from '../diffusion/gaussian/noise-sources.ts';
import { planForSolver } from '../diffusion/gaussian/plan-for-solver.ts';
import { consecutiveSeeds, guidedByClass, sampleWithPlan } from '../diffusion/gaussian/sampling.ts';
import { checkEta } from '../diffusion/gaussian/scheduler-config/eta.ts';
import { fromSchedulerConfig, type SamplingPlan } from '../diffusion/gaussian/scheduler-config/index.ts';
import type { ImageModelNotes } from '../models/image-model-notes.ts';
import { compileNetwork, evenBatch, type NetworkProgram } from '../models/network-program.ts';
import { spreadLabel } from '../models/spread-labels.ts';
import type { UNet2DModel } from '../models/unet2d.ts';
import type { Engine } from '../runtime/index.ts';
import { ConfigError, type Float32NdArray, ndArray, SettingError, sizeOf } from '../tensor/index.ts';
import { plural } from '../tensor/plural.ts';
import { classesOfCaption, classOfLabel } from './class-words.ts';
import { kindForScheduler, type PipelineKind, picturesOfStates } from './kinds.ts';

/** A class by name or number; `null` asks for none in particular. */
export type Label = string | number | null;

/** Pictures on the way, after a step of the solver. */
export interface GenerationProgress {
  /** Steps done and to do, over all batches. */
  readonly done: number;
  readonly total: number;
  /** Number of the first picture of the batch at work. */
  readonly first: number;
  /** What the network takes the pictures of this batch to be, [B, C, H, W] in about [-1, 1]. */
  readonly images: Float32NdArray;
}

export interface GenerateOptions {
  /** Pictures to make. Default 1. */
  readonly count?: number;
  /** Solver steps. Default: the model's own, else those of its kind of pipeline, mostly 50. */
  readonly steps?: number;
  /** Training times to run the network at, descending, in place of `steps`: a grid that `inkwash solvers` found. */
  readonly timesteps?: readonly number[];
  /** A short name (`'dpm++2m'`, `'ddim'`, …), with a grid where wanted (`'dpm++2m-karras'`), or a scheduler class. Default: the model's own. */
  readonly solver?: string;
  /** Picture i starts from noise of seed `seed + i`, whatever the batch size. Default 0. */
  readonly seed?: number;
  /** One class for all pictures, or one for each. By default classes are as varied as in the data, where they are known. */
  readonly label?: Label | readonly Label[];
  /**
   * Phrases of class names, separated by commas, in place of a label: `'red hair, glasses'`. The classes that have them
   * all are as frequent as in the data.
   */
  readonly caption?: string;
  /** Classifier-free guidance: 1 follows the network, more exaggerates the class. Default: the model's own, else 1. */
  readonly guidance?: number;
  /** Pictures per run of the network. Default: at most 16, the pictures evenly over the runs. */
  readonly batchSize?: number;
  /** Stochasticity of a solver that has one, such as ddim: from 0 to 1. */
  readonly eta?: number;
  /** Where noise comes from; the torch generators give the pictures diffusers gives. Default philox. */
  readonly rng?: Rng;
  readonly onStep?: (progress: GenerationProgress) => void | Promise<void>;
  /** Stops between steps by throwing the signal's reason. */
  readonly signal?: AbortSignal;
}

/** What was made, and how: enough to make it again. */
export interface Generation {
  /** [N, C, H, W] in [-1, 1]. */
  readonly images: Float32NdArray;
  /** Seed of each picture. */
  readonly seeds: readonly number[];
  /** Class of each picture, where the network takes classes. */
  readonly labels: readonly number[] | undefined;
  readonly solver: string;
  readonly steps: number;
  readonly guidance: number;
}

export interface DiffusionPipelineOptions {
  readonly engine: Engine;
  readonly unet: UNet2DModel;
  /** The JSON of a diffusers `scheduler_config.json`. */
  readonly scheduler: Readonly<Record<string, unknown>>;
  readonly notes?: ImageModelNotes;
  /** What runs the network and the scheduler. By default the pipeline that the scheduler belongs to, else `DDPMPipeline`. */
  readonly kind?: PipelineKind;
  /** Whether programs for several batch sizes are kept beside each other, each with the weights. Default: if those are below 512 MiB. */
  readonly keepsPrograms?: boolean;
}

/** Bytes of weights from which on a pipeline has one program at a time, unless told otherwise. */
const ONE_PROGRAM_FROM = 2 ** 29;

/** A network ready to sample. Programs are compiled when first needed and kept; the weights are baked in then. */
export class DiffusionPipeline {
  readonly engine: Engine;
  readonly unet: UNet2DModel;
  readonly scheduler: Readonly<Record<string, unknown>>;
  readonly notes: ImageModelNotes;
  readonly kind: PipelineKind;
  readonly #programs = new Map<number, Promise<NetworkProgram>>();
  readonly #keepsPrograms: boolean;
  /** Calls of `generate` that have not ended. */
  #generating = 0;

  constructor({
    engine,
    unet,
    scheduler,
    notes = {},
    kind,
    keepsPrograms = 4 * unet.parameterCount() < ONE_PROGRAM_FROM,
  }: DiffusionPipelineOptions) {
    this.#keepsPrograms = keepsPrograms;
    this.engine = engine;
    this.unet = unet;
    this.scheduler = scheduler;
    this.notes = notes;
    this.kind = kind ?? kindForScheduler(scheduler._class_name);
  }

  /** `[C, H, W]` of the pictures. Throws `ConfigError` when the network's configuration does not say. */
  get imageShape(): readonly [number, number, number] {
    return this.unet.sampleShape;
  }

  /** Whether the network is told a class. */
  get takesLabels(): boolean {
    return this.unet.takesLabels;
  }

  /** The plan of `solver`, or of the model's own choice. Throws `ConfigError` naming the nearest solver. */
  plan(solver?: string): SamplingPlan {
    const name = solver ?? this.notes.sampling?.solver;
    return name === undefined ? fromSchedulerConfig(this.scheduler) : planForSolver(this.scheduler, name);
  }

  /**
   * Makes pictures. A picture depends on its seed, the solver, the steps, its class and the guidance; how many are made
   * beside it only changes its rounding. Throws `ConfigError` for impossible options or an unknown class.
   */
  async generate(options: GenerateOptions = {}): Promise<Generation> {
    this.#generating++;
    try {
      return await this.#generate(options);
    } finally {
      this.#generating--;
    }
  }

  async #generate(options: GenerateOptions): Promise<Generation> {
    const { notes, kind } = this;
    const {
      count = 1,
      solver = notes.sampling?.solver,
      steps = options.timesteps?.length ?? notes.sampling?.steps ?? kind.steps,
      seed = 0,
      guidance = notes.sampling?.guidance ?? 1,
      batchSize = evenBatch(count),
      onStep,
      label,
      caption,
      ...run
    } = options;
    checkCount('count', count);
    checkCount('batchSize', batchSize);
    const plan = this.plan(solver);
    if (options.eta !== undefined) checkEta(options.eta, plan.config, solver);
    if (!this.takesLabels && options.guidance !== undefined && options.guidance !== 1) {
      throw new ConfigError('this network takes no classes that guidance could exaggerate', 'leave the guidance out');
    }
    const labels = caption === undefined ? this.#labels(label, count) : this.#described(caption, label, count);
    const shape = this.imageShape;
    const sampleSize = sizeOf(shape);
    const program = await this.#program(batchSize, shape);
    const images = new Float32Array(count * sampleSize);
    const seeds = consecutiveSeeds(seed, count);
    const total = Math.ceil(count / batchSize) * steps;
    for (let first = 0; first < count; first += batchSize) {
      const last = Math.min(count, first + batchSize);
      const raw = labels
        ? guidedByClass((classes) => program.network(classes), {
            labels: labels.slice(first, last),
            nullLabel: notes.nullLabel,
            scale: guidance,
          })
        : program.network();
      const out = await sampleWithPlan(plan, kind.network?.(raw) ?? raw, {
        ...run,
        seeds: seeds.slice(first, last),
        sampleSize,
        steps,
        ...(onStep && {
          onStep: ({ step, x0 }) =>
            onStep({
              done: (first / batchSize) * steps + step + 1,
              total,
              first,
              images: ndArray(picturesOfStates(x0, kind), [last - first, ...shape]),
            }),
        }),
      });
      images.set(picturesOfStates(out, kind).map(clamp), first * sampleSize);
    }
    return {
      images: ndArray(images, [count, ...shape]),
      seeds,
      labels,
      solver: solver ?? plan.config.className,
      steps,
      guidance,
    };
  }

  /** Frees the compiled programs; the engine stays open. */
  async dispose(): Promise<void> {
    const programs = [...this.#programs.values()];
    this.#programs.clear();
    for (const program of programs) await (await program).dispose();
  }

  /** Frees programs for other batch sizes that no call needs, where they are not to be kept. */
  async #makeRoom(): Promise<void> {
    if (!this.#keepsPrograms && this.#generating === 1) await this.dispose();
  }

  #program(batchSize: number, shape: readonly number[]): Promise<NetworkProgram> {
    let program = this.#programs.get(batchSize);
    if (!program) {
      program = this.#makeRoom().then(() =>
        compileNetwork(this.engine, this.unet, { batchSize, shape, labels: this.takesLabels }),
      );
      // a failed compilation may be tried again
      program.catch(() => this.#programs.delete(batchSize));
      this.#programs.set(batchSize, program);
    }
    return program;
  }

  #labels(label: GenerateOptions['label'], count: number): readonly number[] | undefined {
    if (!this.takesLabels) {
      if (label === undefined || label === null) return undefined;
      throw new ConfigError('this network takes no classes', 'leave the label out');
    }
    const names = this.notes.classNames;
    if (label === undefined && names) {
      const counts = this.notes.classCounts ?? names.map(() => 1);
      return Array.from({ length: count }, (_, i) => spreadLabel(i, counts));
    }
    const given: readonly Label[] = Array.isArray(label) ? label : Array.from({ length: count }, () => label ?? null);
    if (given.length !== count) {
      throw new ConfigError(
        `${plural(count, 'picture')} asked for, with ${plural(given.length, 'label')}`,
        'give one each',
      );
    }
    return given.map((one) => this.#labelIndex(one));
  }

  #described(caption: string, label: GenerateOptions['label'], count: number): readonly number[] {
    if (label !== undefined) throw new ConfigError('a label and a caption were given', 'give one of them');
    if (!this.takesLabels) throw new ConfigError('this network takes no classes', 'leave the caption out');
    const { classNames = [], classCounts } = this.notes;
    const found = classesOfCaption(caption, classNames);
    // one that the data lacks counts as one, so that it can be asked for
    const counts = classNames.map((_, i) => (found.includes(i) ? Math.max(1, classCounts?.[i] ?? 1) : 0));
    return Array.from({ length: count }, (_, i) => spreadLabel(i, counts));
  }

  #labelIndex(label: Label): number {
    const { classNames = [], nullLabel } = this.notes;
    const classes = this.unet.config.num_class_embeds!;
    if (label !== null) return classOfLabel(label, classNames, classes);
    if (nullLabel !== undefined) return nullLabel;
    throw new ConfigError('this network has to be told a class', `give a label from 0 to ${classes - 1}`);
  }
}

function clamp(value: number): number {
  return Math.min(1, Math.max(-1, value));
}

function checkCount(name: string, value: number): void {
  if (Number.isInteger(value) && value >= 1) return;
  throw new SettingError((nameOf) => [`${nameOf(name)} is a whole number of at least 1, got ${value}`]);
}
