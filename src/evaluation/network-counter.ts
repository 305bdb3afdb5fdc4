/** @file Progress of long comparisons, counted in runs of the network. */
import type { Network } from '../diffusion/gaussian/index.ts';

/** Work in runs of the network on all samples; `total` is an estimate while grids are searched. */
export interface ComparisonProgress {
  readonly what: string;
  readonly done: number;
  readonly total: number;
}

/** Counts runs of the network in units of one run on all samples. */
export class NetworkCounter {
  /** What is being done, for the reports. */
  what = '';
  readonly #total: number;
  readonly #onProgress: ((progress: ComparisonProgress) => void) | undefined;
  #done = 0;

  constructor(total: number, onProgress: ((progress: ComparisonProgress) => void) | undefined) {
    this.#total = total;
    this.#onProgress = onProgress;
  }

  /** `network`, counted; `whole`: elements of all samples. */
  counting(network: Network, whole: number): Network {
    return async (x, point, step) => {
      const output = await network(x, point, step);
      this.#done += x.length / whole;
      const done = Math.round(this.#done);
      this.#onProgress?.({ what: this.what, done, total: Math.max(Math.round(this.#total), done) });
      return output;
    };
  }
}
