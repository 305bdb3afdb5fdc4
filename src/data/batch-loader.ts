/** @file Batches by step number: step → epoch, indices and flips, a pure function, so a resumed run continues exactly. */
import { ConfigError, fillUniform, permutation } from '../tensor/index.ts';
import { plural } from '../tensor/plural.ts';
import { checkCount, type Dataset } from './dataset.ts';

/** Options of a `BatchLoader`. */
export interface BatchLoaderOptions {
  readonly batchSize: number;
  readonly seed?: number;
  /** Skip the last, smaller batch of an epoch. */
  readonly dropLast?: boolean;
  /** Mirror each picture left to right with probability 1/2, drawn anew at every step. */
  readonly flip?: boolean;
  /** Keep the set's order instead of permuting each epoch. */
  readonly shuffle?: boolean;
}

/** One batch of B pictures. */
export interface Batch {
  readonly step: number;
  readonly epoch: number;
  /** float32 in [-1, 1], [B, C, H, W]. */
  readonly images: Float32Array;
  /** Class of each picture, when the set has classes. */
  readonly labels?: Int32Array;
  /** Position of each picture in the data set. */
  readonly indices: Uint32Array;
}

/** Where a loader stands; everything else follows from its options. */
export interface BatchLoaderState {
  readonly step: number;
}

/** Random streams, apart from each other and from every other use of the seed. */
const EPOCH_DRAW = 0xda7a01;
const FLIP_DRAW = 0xda7a02;

/**
 * Serves `dataset` in seeded epochs. The batch of a step depends on the data set, the options and the step number alone.
 */
export class BatchLoader {
  readonly dataset: Dataset;
  readonly stepsPerEpoch: number;
  private readonly options: Required<BatchLoaderOptions>;
  private step = 0;
  private order: { epoch: number; indices: Uint32Array } | undefined;

  /** Throws `ConfigError` for an impossible batch size, or one larger than the data set when the last batch is dropped. */
  constructor(dataset: Dataset, options: BatchLoaderOptions) {
    const { batchSize, seed = 0, dropLast = true, flip = false, shuffle = true } = options;
    checkCount('batchSize', batchSize, 1);
    if (batchSize > dataset.length) {
      throw new ConfigError(
        `a batch of ${batchSize} is larger than ${dataset.name}, which has ${plural(dataset.length, 'picture')}`,
        dataset.length > 0 ? `use a batch of at most ${dataset.length}, or add pictures` : 'add pictures',
      );
    }
    this.dataset = dataset;
    this.options = { batchSize, seed, dropLast, flip, shuffle };
    this.stepsPerEpoch = (dropLast ? Math.floor : Math.ceil)(dataset.length / batchSize);
  }

  /** Where the loader stands: save it, and pass it to `restore` to continue with the same batches. */
  get state(): BatchLoaderState {
    return { step: this.step };
  }

  restore(state: BatchLoaderState): void {
    checkCount('step', state.step, 0);
    this.step = state.step;
  }

  /** The batch of the current step; moves on by one. */
  next(): Batch {
    const batch = this.at(this.step);
    this.step++;
    return batch;
  }

  /** The batch of any step, without moving. */
  at(step: number): Batch {
    const indices = this.indicesAt(step);
    const flips = this.flipsAt(step, indices.length);
    const size = this.dataset.imageShape.reduce((a, b) => a * b, 1);
    const images = new Float32Array(indices.length * size);
    indices.forEach((index, i) => {
      this.dataset.copyImage(index, images, i * size, flips[i]);
    });
    const { labels } = this.dataset;
    return {
      step,
      epoch: Math.floor(step / this.stepsPerEpoch),
      images,
      ...(labels && { labels: Int32Array.from(indices, (index) => labels[index]!) }),
      indices,
    };
  }

  /** Which pictures step `step` sees. */
  indicesAt(step: number): Uint32Array {
    checkCount('step', step, 0);
    const { batchSize } = this.options;
    const epoch = Math.floor(step / this.stepsPerEpoch);
    const from = (step % this.stepsPerEpoch) * batchSize;
    return this.epochOrder(epoch).slice(from, from + batchSize);
  }

  private epochOrder(epoch: number): Uint32Array {
    if (this.order?.epoch !== epoch) {
      const { seed, shuffle } = this.options;
      const { length } = this.dataset;
      const indices = shuffle
        ? permutation(length, { seed, step: epoch, draw: EPOCH_DRAW })
        : Uint32Array.from({ length }, (_, i) => i);
      this.order = { epoch, indices };
    }
    return this.order.indices;
  }

  private flipsAt(step: number, count: number): boolean[] {
    if (!this.options.flip) return new Array<boolean>(count).fill(false);
    const { seed } = this.options;
    return Array.from(fillUniform(new Float32Array(count), { seed, step, draw: FLIP_DRAW }), (u) => u < 0.5);
  }
}
