/** @file One training step as a program: forward, backward, clipping, optimizer and EMA in a single graph. */
import { gradients } from '../autodiff/index.ts';
import { full, input, type Tensor, Variable } from '../graph/index.ts';
import type { Engine, MemoryPlan, Program } from '../runtime/index.ts';
import { ConfigError, type NdArray, ndArray, toFloat64 } from '../tensor/index.ts';
import type { Ema } from './ema.ts';
import { clipByGlobalNorm, globalNorm } from './gradient-clipping.ts';
import type { Optimizer } from './optimizers/optimizer.ts';

export interface TrainStepSpec {
  /** Inside a trace: declares its inputs and returns the scalar loss of one micro-batch. */
  readonly loss: () => Tensor;
  /** Holds the parameters to train. */
  readonly optimizer: Optimizer;
  readonly ema?: Ema | undefined;
  /** Largest global norm of the gradient; unlimited by default. */
  readonly gradientClip?: number | undefined;
  /** Micro-batches whose gradients are averaged before an update. Default 1. */
  readonly accumulate?: number;
}

export interface TrainStepRun {
  readonly learningRate: number;
  readonly emaDecay: number;
  /** The draws of a step depend on `seed` and `step` alone. */
  readonly seed: number;
  readonly step: number;
}

export interface TrainStepResult {
  /** Mean over the micro-batches. */
  readonly loss: number;
  /** Global norm of the averaged gradient, before clipping. */
  readonly gradientNorm: number;
}

/** A compiled training step. */
export interface TrainStep {
  /** All variables a checkpoint must hold besides the parameters: optimizer moments, averages, nothing else. */
  readonly state: readonly Variable[];
  readonly memory: MemoryPlan;
  /** Runs one update. `batches`: the inputs of each micro-batch, as many as `accumulate`. */
  run(batches: readonly Readonly<Record<string, NdArray>>[], options: TrainStepRun): Promise<TrainStepResult>;
  dispose(): Promise<void>;
}

/** Compiles `spec` for `engine`. Without accumulation the whole update is one program; with it, two. */
export async function compileTrainStep(engine: Engine, spec: TrainStepSpec): Promise<TrainStep> {
  const { accumulate = 1, optimizer, ema } = spec;
  if (!(Number.isInteger(accumulate) && accumulate >= 1)) {
    throw new ConfigError(`accumulate must be a whole number of at least 1, got ${accumulate}`);
  }
  const state = [...optimizer.state, ...(ema?.state ?? [])];
  const programs =
    accumulate === 1 ? await compileWhole(engine, spec) : await compileAccumulating(engine, spec, accumulate);
  return {
    state,
    memory: programs.memory,
    async run(batches, options) {
      if (batches.length !== accumulate) {
        throw new ConfigError(`a step takes ${accumulate} micro-batches, got ${batches.length}`);
      }
      return programs.run(batches, options);
    },
    dispose: programs.dispose,
  };
}

type Programs = Pick<TrainStep, 'memory' | 'run' | 'dispose'>;

/** Clips, updates and averages; returns the norm. */
function applyGradients(all: readonly Tensor[], { gradientClip, optimizer, ema }: TrainStepSpec): Tensor {
  const { gradients: clipped, norm } =
    gradientClip === undefined ? { gradients: all, norm: globalNorm(all) } : clipByGlobalNorm(all, gradientClip);
  optimizer.update(clipped, input('learningRate', []));
  ema?.update(input('emaDecay', []));
  return norm;
}

function controls({ learningRate, emaDecay }: TrainStepRun, ema: Ema | undefined): Record<string, NdArray> {
  const scalar = (value: number): NdArray => ndArray(Float32Array.of(value), []);
  return { learningRate: scalar(learningRate), ...(ema && { emaDecay: scalar(emaDecay) }) };
}

function numberOf(array: NdArray | undefined): number {
  return array ? toFloat64(array)[0]! : Number.NaN;
}

async function compileWhole(engine: Engine, spec: TrainStepSpec): Promise<Programs> {
  const program = await engine.compile(
    () => {
      const loss = spec.loss();
      return { loss, norm: applyGradients(gradients(loss, spec.optimizer.parameters), spec) };
    },
    { training: true, name: 'training step' },
  );
  return {
    memory: program.memory,
    async run([batch], options) {
      const { seed, step } = options;
      const result = await program.run({ ...batch, ...controls(options, spec.ema) }, { seed, step });
      return { loss: numberOf(result.loss), gradientNorm: numberOf(result.norm) };
    },
    dispose: () => program.dispose(),
  };
}

async function compileAccumulating(engine: Engine, spec: TrainStepSpec, accumulate: number): Promise<Programs> {
  const { parameters } = spec.optimizer;
  const sums = parameters.map(({ shape, dtype, name }) => new Variable(shape, { dtype, name: `gradient.${name}` }));
  const add: Program = await engine.compile(
    () => {
      const loss = spec.loss();
      gradients(loss, parameters).forEach((gradient, i) => {
        sums[i]!.assign(sums[i]!.value.add(gradient));
      });
      return { loss };
    },
    { training: true, name: 'gradient of a micro-batch' },
  );
  const apply: Program = await engine.compile(
    () => {
      const means = sums.map((sum) => sum.value.mul(1 / accumulate));
      const norm = applyGradients(means, spec);
      for (const sum of sums) sum.assign(full(sum.shape, 0));
      return { norm };
    },
    { training: true, name: 'optimizer update' },
  );
  return {
    memory: {
      variables: Math.max(add.memory.variables, apply.memory.variables),
      constants: add.memory.constants,
      activations: Math.max(add.memory.activations, apply.memory.activations),
    },
    async run(batches, options) {
      const { seed, step } = options;
      let total = 0;
      for (const [i, batch] of batches.entries()) {
        const { loss } = await add.run(batch, { seed, step: step * accumulate + i });
        total += numberOf(loss);
      }
      const { norm } = await apply.run(controls(options, spec.ema), { seed, step });
      return { loss: total / accumulate, gradientNorm: numberOf(norm) };
    },
    async dispose() {
      await add.dispose();
      await apply.dispose();
    },
  };
}
