/** @file A denoising network as a compiled program: a batch of noisy states and one time in, the raw output back. */
import { input, substituting, type Tensor, type Variable } from '../graph/index.ts';
import type { Module } from '../nn/index.ts';
import type { Engine, MemoryPlan } from '../runtime/index.ts';
import { ConfigError, float32Data, type NdArray, ndArray, ShapeError, sizeOf } from '../tensor/index.ts';

/** A module that predicts from noisy data and its time, such as `UNet2DModel`. */
export interface DenoisingModule extends Module {
  /** Where times are looked up in a table of so many rows: they are whole numbers then, int64 in a trace. */
  readonly timeRows?: number | undefined;
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

/** States that a program takes at a time unless told otherwise: more hold more memory and are hardly faster. */
const LARGEST_DEFAULT_BATCH = 16;

/** The batch in which `count` states run: 17 are cheaper as 9 + 8 than as 16 + 1. */
export function evenBatch(count: number): number {
  return Math.max(1, Math.ceil(count / Math.ceil(count / LARGEST_DEFAULT_BATCH)));
}

/** A compiled network for a fixed batch. */
export interface NetworkProgram {
  readonly batchSize: number;
  readonly memory: MemoryPlan;
  /**
   * The output for any number of states, flattened, at time `t`, a batch at a time; `labels`: one class per state.
   * Throws `ShapeError` when `x` is empty or no whole number of states.
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
          timeInput(model, batchSize),
          ...(labels ? [input('class_labels', [batchSize], 'int64')] : []),
        ),
      ),
    { freeze, name: 'denoising network' },
  );
  const sampleSize = sizeOf(shape);
  const stride = batchSize * sampleSize;
  const runBatch = async (x: Float32Array, t: number, classes: ArrayLike<number>): Promise<Float32Array> => {
    const inputs: Record<string, NdArray> = {
      sample: ndArray(padded(x, stride), [batchSize, ...shape]),
      timestep: timeArray(model, t, batchSize),
      ...(labels && { class_labels: classArray(classes, batchSize) }),
    };
    const { output } = await program.run(inputs);
    const data = float32Data(output!);
    return x.length === stride ? data : data.slice(0, (data.length / stride) * x.length);
  };
  const compiled: NetworkProgram = {
    batchSize,
    memory: program.memory,
    network:
      (classes) =>
      (x, { t }) =>
        compiled.predict(x, t, classes),
    async predict(x, t, classes = []) {
      const count = x.length / sampleSize;
      if (!Number.isInteger(count) || count < 1) {
        throw new ShapeError(
          `this program takes states of ${sampleSize} elements, got ${x.length} elements`,
          'give one or more whole states, flattened one after the other',
        );
      }
      const states = x instanceof Float32Array ? x : Float32Array.from(x);
      const parts: Float32Array[] = [];
      for (let first = 0; first < count; first += batchSize) {
        const some = Array.prototype.slice.call(classes, first, first + batchSize);
        parts.push(await runBatch(states.subarray(first * sampleSize, first * sampleSize + stride), t, some));
      }
      return parts.length === 1 ? parts[0]! : joined(parts);
    },
    dispose: () => program.dispose(),
  };
  return compiled;
}

/** The input of a trace that tells `model` the times of a batch, as diffusers calls and types it. */
export function timeInput({ timeRows }: DenoisingModule, batchSize: number): Tensor {
  return input('timestep', [batchSize], timeRows === undefined ? 'float32' : 'int64');
}

function timeArray({ timeRows }: DenoisingModule, t: number, batchSize: number): NdArray {
  if (timeRows === undefined) return ndArray(new Float32Array(batchSize).fill(t), [batchSize]);
  if (!Number.isInteger(t) || t < 0 || t >= timeRows) {
    throw new ConfigError(
      `this network learned the whole times 0 … ${timeRows - 1}, the solver asks it for ${t}`,
      'choose a solver that stays on whole times, such as ddim or ddpm',
    );
  }
  return ndArray(new BigInt64Array(batchSize).fill(BigInt(t)), [batchSize], 'int64');
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const out = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** `x`, or `length` elements with zeros at the end. */
function padded(x: Float32Array, length: number): Float32Array {
  if (x.length === length) return x;
  const out = new Float32Array(length);
  out.set(x);
  return out;
}

function classArray(classes: ArrayLike<number>, batchSize: number): NdArray {
  const data = BigInt64Array.from({ length: batchSize }, (_, i) => BigInt(classes[i] ?? 0));
  return ndArray(data, [batchSize], 'int64');
}
