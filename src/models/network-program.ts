/** @file A denoising network as a compiled program: a batch of noisy states and one time in, the raw output back. */
import { input, substituting, type Tensor, type Variable } from '../graph/index.ts';
import type { Module } from '../nn/index.ts';
import type { Engine, MemoryPlan } from '../runtime/index.ts';
import { float32Data, type NdArray, ndArray, ShapeError, sizeOf } from '../tensor/index.ts';

/** A module that predicts from noisy data and its time, such as `UNet2DModel`. */
export interface DenoisingModule extends Module {
  forward(sample: Tensor, timesteps: Tensor, classLabels?: Tensor): Tensor;
}

export interface NetworkProgramOptions {
  readonly batchSize: number;
  /** Shape of one sample, `[C, H, W]`. */
  readonly shape: readonly number[];
  /** Whether the network takes class labels. Default false. */
  readonly labels?: boolean;
  /** Bakes the weights in: faster, blind to later changes. Default true. */
  readonly freeze?: boolean;
  /** Variables to read in place of the parameters: averaged weights, for one. */
  readonly substitutes?: ReadonlyMap<Variable, Variable>;
}

/** A compiled network for a fixed batch. */
export interface NetworkProgram {
  readonly batchSize: number;
  readonly memory: MemoryPlan;
  /**
   * The output for `count` ≤ batchSize states, flattened, at time `t`; `labels`: one class per state.
   * Throws `ShapeError` when there are more states than the batch holds.
   */
  predict(x: ArrayLike<number>, t: number, labels?: ArrayLike<number>): Promise<Float32Array>;
  /** `predict` for fixed classes, as solvers call it. */
  network(labels?: ArrayLike<number>): (x: ArrayLike<number>, point: { readonly t: number }) => Promise<Float32Array>;
  dispose(): Promise<void>;
}

/** Compiles `model` for `engine`. */
export async function compileNetwork(
  engine: Engine,
  model: DenoisingModule,
  { batchSize, shape, labels = false, freeze = true, substitutes = new Map() }: NetworkProgramOptions,
): Promise<NetworkProgram> {
  const program = await engine.compile(
    () =>
      substituting(substitutes, () =>
        model.forward(
          input('sample', [batchSize, ...shape]),
          input('timestep', [batchSize]),
          ...(labels ? [input('class_labels', [batchSize], 'int64')] : []),
        ),
      ),
    { freeze, name: 'denoising network' },
  );
  const sampleSize = sizeOf(shape);
  const compiled: NetworkProgram = {
    batchSize,
    memory: program.memory,
    network:
      (classes) =>
      (x, { t }) =>
        compiled.predict(x, t, classes),
    async predict(x, t, classes) {
      const count = x.length / sampleSize;
      if (!Number.isInteger(count) || count < 1 || count > batchSize) {
        throw new ShapeError(
          `this program takes 1 … ${batchSize} states of ${sampleSize} elements, got ${x.length} elements`,
        );
      }
      const inputs: Record<string, NdArray> = {
        sample: ndArray(padded(x, batchSize * sampleSize), [batchSize, ...shape]),
        timestep: ndArray(new Float32Array(batchSize).fill(t), [batchSize]),
        ...(labels && { class_labels: classArray(classes ?? [], batchSize) }),
      };
      const { output } = await program.run(inputs);
      const data = float32Data(output!);
      return count === batchSize ? data : data.slice(0, (data.length / batchSize) * count);
    },
    dispose: () => program.dispose(),
  };
  return compiled;
}

/** `x` as float32 of `length` elements, zeros at the end. */
function padded(x: ArrayLike<number>, length: number): Float32Array {
  if (x instanceof Float32Array && x.length === length) return x;
  const out = new Float32Array(length);
  out.set(x);
  return out;
}

function classArray(classes: ArrayLike<number>, batchSize: number): NdArray {
  const data = BigInt64Array.from({ length: batchSize }, (_, i) => BigInt(classes[i] ?? 0));
  return ndArray(data, [batchSize], 'int64');
}
