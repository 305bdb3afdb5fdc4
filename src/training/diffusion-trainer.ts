/** @file Trains a class-conditional or unconditional image U-Net on an engine, step by step, without touching files. */
import { BatchLoader, type Dataset, type ImageShape } from '../data/index.ts';
import type { DiscreteProcess } from '../diffusion/gaussian/discrete.ts';
import { denoisingLoss } from '../diffusion/gaussian/objectives/denoising.ts';
import { minSnrWeight } from '../diffusion/gaussian/objectives/min-snr.ts';
import { planForSolver } from '../diffusion/gaussian/plan-for-solver.ts';
import { guidedByClass, sampleWithPlan } from '../diffusion/gaussian/sampling.ts';
import { fromSchedulerConfig } from '../diffusion/gaussian/scheduler-config/index.ts';
import { input, substituting, type Tensor, type Variable } from '../graph/index.ts';
import { compileNetwork, type NetworkProgram } from '../models/network-program.ts';
import { spreadLabel } from '../models/spread-labels.ts';
import { UNet2DModel } from '../models/unet2d.ts';
import type { Engine, MemoryPlan, Program } from '../runtime/index.ts';
import { byteLength, ConfigError, fillUniform, type NdArray, ndArray, sizeOf, toFloat64 } from '../tensor/index.ts';
import type { TrainingConfig } from './config.ts';
import { Ema, emaDecay } from './ema.ts';
import { createOptimizer } from './optimizers/create-optimizer.ts';
import type { Optimizer } from './optimizers/optimizer.ts';
import { compileTrainStep, type TrainStep, type TrainStepResult } from './train-step.ts';
import { trainingScheduler } from './training-scheduler.ts';

/** Random streams of the seed, apart from the loader's and the programs'. */
const LABEL_DROP_DRAW = 0x1abe1;
/** Validation draws its noise and times from a seed of its own, the same in every run. */
const VALIDATION_SEED = 0x7e57;
/** Pictures one validation looks at, at most. */
const VALIDATION_PICTURES = 256;
/** Pictures sampled at a time. */
const SAMPLING_BATCH = 8;

/** What a trainer must know of the data. */
export interface TrainingData {
  readonly train: Dataset;
  readonly heldOut: Dataset;
}

/** What `DiffusionTrainer.sample` is asked for. */
export interface SampleRequest {
  readonly count: number;
  /** Picture i starts from noise of seed `seed + i`. */
  readonly seed: number;
  /** Default: the configuration's. */
  readonly steps?: number;
  /** Asked after every batch, with `done` pictures there, whether to make more. Default: until there are `count`. */
  readonly goOn?: (done: number) => boolean;
  /** Bakes the weights into a program of its own: slower to start, faster to run. Default false. */
  readonly freeze?: boolean;
}

/** Variables of a checkpoint, in three groups. */
export interface TrainerState {
  readonly parameters: ReadonlyMap<string, Variable>;
  readonly ema: ReadonlyMap<string, Variable>;
  readonly optimizer: ReadonlyMap<string, Variable>;
}

/** How the averaged weights are judged. */
interface Validation {
  readonly program: Program;
  readonly loader: BatchLoader;
  readonly batches: number;
}

interface TrainerParts {
  readonly engine: Engine;
  readonly config: TrainingConfig;
  readonly model: UNet2DModel;
  readonly loader: BatchLoader;
  readonly classNames: readonly string[] | undefined;
  readonly ema: Ema;
  readonly optimizer: Optimizer;
  readonly step: TrainStep;
  readonly validation: Validation | undefined;
}

/** A compiled training run: its programs share the variables of one engine. */
export class DiffusionTrainer {
  readonly config: TrainingConfig;
  readonly engine: Engine;
  readonly model: UNet2DModel;
  readonly loader: BatchLoader;
  /** Scheduler config of the model being trained: diffusers' `DDPMScheduler`. */
  readonly scheduler: Record<string, unknown>;
  /** Names of the classes the network is told, if it is. */
  readonly classNames: readonly string[] | undefined;
  /** Pictures of each of these classes in the data. */
  readonly classCounts: readonly number[] | undefined;
  readonly state: TrainerState;
  readonly #ema: Ema;
  readonly #step: TrainStep;
  readonly #validation: Validation | undefined;
  #network: NetworkProgram | undefined;

  /**
   * Builds the network and compiles its programs. Throws `ConfigError` when the configuration does not fit the data:
   * a batch larger than the data set, classes asked for where there are none.
   */
  static async create(engine: Engine, config: TrainingConfig, data: TrainingData): Promise<DiffusionTrainer> {
    const classNames = conditioningClasses(config, data.train);
    const model = UNet2DModel.fromConfig(modelConfig(config, classNames), { seed: config.seed });
    checkChannels(model, data.train.imageShape);
    const loader = new BatchLoader(data.train, {
      batchSize: config.batchSize,
      seed: config.seed,
      flip: config.data.flip,
    });
    const parameters = model.parameters();
    const ema = new Ema(parameters);
    const optimizer = createOptimizer(parameters, config.optimizer);
    const loss = lossProgram(config, model, data.train.imageShape, classNames !== undefined);
    const step = await compileTrainStep(engine, {
      loss: () => loss(config.batchSize),
      optimizer,
      ema,
      gradientClip: config.gradientClip ?? undefined,
      accumulate: config.accumulate,
    });
    const validationBatch = Math.min(config.batchSize, data.heldOut.length);
    const validation =
      validationBatch === 0
        ? undefined
        : {
            program: await engine.compile(() => substituting(ema.averages, () => ({ loss: loss(validationBatch) })), {
              name: 'validation',
            }),
            loader: new BatchLoader(data.heldOut, { batchSize: validationBatch, seed: VALIDATION_SEED }),
            batches: Math.ceil(
              Math.min(data.heldOut.length - validationBatch + 1, VALIDATION_PICTURES) / validationBatch,
            ),
          };
    return new DiffusionTrainer({ engine, config, model, loader, classNames, ema, optimizer, step, validation });
  }

  private constructor({ engine, config, model, loader, classNames, ema, optimizer, step, validation }: TrainerParts) {
    this.config = config;
    this.engine = engine;
    this.model = model;
    this.loader = loader;
    this.classNames = classNames;
    this.classCounts = classNames && countLabels(loader.dataset, classNames.length);
    this.scheduler = trainingScheduler(config);
    this.#ema = ema;
    this.#step = step;
    this.#validation = validation;
    const parameters = model.namedParameters();
    this.state = {
      parameters,
      ema: new Map([...parameters].map(([key, parameter]) => [key, ema.averages.get(parameter) ?? parameter] as const)),
      optimizer: new Map(optimizer.state.map((variable) => [variable.name, variable])),
    };
  }

  /** What one training step needs; `variables` counts all that is kept: parameters, averages and optimizer. */
  get memory(): MemoryPlan {
    const kept = Object.values(this.state).flatMap((group) => [...group.values()]);
    const bytes = [...new Set(kept)].reduce((total, variable) => total + byteLength(variable), 0);
    const plan = this.#step.memory;
    return { ...plan, variables: Math.max(bytes, plan.variables) };
  }

  /** Whether there are pictures to validate on. */
  get validates(): boolean {
    return this.#validation !== undefined;
  }

  /** Runs update number `step` (from 0), which depends on the state, the configuration and `step` alone. */
  step(step: number, learningRate: number): Promise<TrainStepResult> {
    const { accumulate, seed, ema } = this.config;
    const batches = Array.from({ length: accumulate }, (_, i) => this.#batch(step * accumulate + i));
    return this.#step.run(batches, { learningRate, emaDecay: emaDecay(step, ema), seed, step });
  }

  /** Mean loss of the averaged weights on held-out pictures, with the same noise and times every time. */
  async validate(): Promise<number> {
    if (!this.#validation) throw new ConfigError('there are no pictures to validate on', 'set data.heldOut');
    const { program, loader, batches } = this.#validation;
    let total = 0;
    for (let i = 0; i < batches; i++) {
      const { images, labels } = loader.at(i);
      const inputs = this.#inputs(images, labels ?? new Int32Array(0));
      const { loss } = await program.run(inputs, { seed: VALIDATION_SEED, step: i });
      total += toFloat64(loss!)[0]!;
    }
    return total / batches;
  }

  /** Samples pictures with the averaged weights, [count, C, H, W] in [-1, 1]; classes as frequent as in the data. */
  async sample({ count, seed, steps, goOn = () => true, freeze = false }: SampleRequest): Promise<NdArray> {
    const { sampling } = this.config;
    const shape = this.loader.dataset.imageShape;
    const sampleSize = sizeOf(shape);
    const program = await this.#networkProgram(freeze);
    const plan = planForSolver(this.scheduler, sampling.solver);
    const images = new Float32Array(count * sampleSize);
    let done = 0;
    for (let first = 0; first < count && (first === 0 || goOn(first)); first += program.batchSize) {
      const size = Math.min(program.batchSize, count - first);
      const labels =
        this.classCounts && Array.from({ length: size }, (_, i) => spreadLabel(first + i, this.classCounts!));
      const network = labels
        ? guidedByClass((classes) => program.network(classes), {
            labels,
            nullLabel: this.classNames?.length,
            scale: sampling.guidance,
          })
        : program.network();
      const seeds = Array.from({ length: size }, (_, i) => seed + first + i);
      const out = await sampleWithPlan(plan, network, { seeds, sampleSize, steps: steps ?? sampling.steps });
      images.set(out, first * sampleSize);
      done = first + size;
    }
    if (freeze) await program.dispose();
    return ndArray(images.subarray(0, done * sampleSize), [done, ...shape]);
  }

  /** Runs of the network that sampling in `steps` steps takes. */
  evaluations(steps: number): number {
    const plan = planForSolver(this.scheduler, this.config.sampling.solver);
    return plan.evaluations(plan.grid({ steps }));
  }

  /** Batches of one validation. */
  get validationBatches(): number {
    return this.#validation?.batches ?? 0;
  }

  /** The network with averaged weights: as they are at each run, or frozen as they are now. */
  async #networkProgram(freeze: boolean): Promise<NetworkProgram> {
    const compile = () =>
      compileNetwork(this.engine, this.model, {
        batchSize: SAMPLING_BATCH,
        shape: this.loader.dataset.imageShape,
        labels: this.classNames !== undefined,
        freeze,
        substitutes: this.#ema.averages,
      });
    if (freeze) return compile();
    this.#network ??= await compile();
    return this.#network;
  }

  async dispose(): Promise<void> {
    await this.#step.dispose();
    await this.#validation?.program.dispose();
    await this.#network?.dispose();
  }

  #batch(loaderStep: number): Record<string, NdArray> {
    const { images, labels } = this.loader.at(loaderStep);
    return this.#inputs(images, labels && this.#dropLabels(labels, loaderStep));
  }

  #inputs(images: Float32Array, labels: Int32Array | undefined): Record<string, NdArray> {
    const shape = this.loader.dataset.imageShape;
    const count = images.length / sizeOf(shape);
    return {
      images: ndArray(images, [count, ...shape]),
      ...(this.classNames && {
        labels: ndArray(BigInt64Array.from(labels ?? [], BigInt), [count], 'int64'),
      }),
    };
  }

  /** Hides each class with the configured probability; a function of the seed and the batch number. */
  #dropLabels(labels: Int32Array, loaderStep: number): Int32Array {
    const { seed, conditioning } = this.config;
    const nullLabel = this.classNames?.length ?? 0;
    const u = fillUniform(new Float32Array(labels.length), { seed, step: loaderStep, draw: LABEL_DROP_DRAW });
    return labels.map((label, i) => (u[i]! < conditioning.dropout ? nullLabel : label));
  }
}

function countLabels({ labels }: Dataset, classes: number): number[] {
  const counts = new Array<number>(classes).fill(0);
  for (const label of labels ?? []) counts[label]!++;
  return counts;
}

/** The network's configuration: classes (and one for none) as conditioning asks. */
export function modelConfig(config: TrainingConfig, classNames: readonly string[] | undefined): object {
  return { ...config.model, num_class_embeds: classNames ? classNames.length + 1 : null };
}

function conditioningClasses(config: TrainingConfig, { classNames, name }: Dataset): readonly string[] | undefined {
  if (!config.conditioning.labels) return undefined;
  if (classNames) return classNames;
  throw new ConfigError(
    `${name} has no classes to condition on`,
    'put the pictures into one sub-folder per class, or set conditioning.labels to false',
  );
}

function checkChannels(model: UNet2DModel, [channels]: ImageShape): void {
  const { in_channels, out_channels } = model.config;
  if (in_channels === channels && out_channels === channels) return;
  throw new ConfigError(
    `the network has ${in_channels} input and ${out_channels} output channels, the pictures have ${channels}`,
    'leave model.in_channels and model.out_channels out, or set data.channels',
  );
}

/** Whole times for a network that looks them up. */
function timesOf({ timeRows }: UNet2DModel, times: Tensor): Tensor {
  return timeRows === undefined ? times : times.cast('int64');
}

/** The denoising loss of a batch, inside a trace. */
function lossProgram(
  config: TrainingConfig,
  model: UNet2DModel,
  shape: ImageShape,
  conditional: boolean,
): (batch: number) => Tensor {
  const process = fromSchedulerConfig(trainingScheduler(config)).process as DiscreteProcess;
  const { prediction_type: prediction } = config.diffusion;
  const { snrGamma, timeSampling } = config.objective;
  return (batch) => {
    const images = input('images', [batch, ...shape]);
    const labels = conditional ? [input('labels', [batch], 'int64')] : [];
    const { loss } = denoisingLoss((x, t) => model.forward(x, timesOf(model, t), ...labels), images, {
      process,
      prediction,
      timeSampling,
      ...(snrGamma !== null && { weight: minSnrWeight(snrGamma, prediction) }),
    });
    return loss;
  };
}
