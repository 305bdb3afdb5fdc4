/** @file Seeded choices for a fuzz: the same seed draws the same configurations on every machine. */
import { fillUniform } from '../../../src/tensor/index.ts';

/** A stream of choices. */
export class Random {
  readonly #seed: number;
  #step = 0;

  constructor(seed: number) {
    this.#seed = seed;
  }

  /** A number in [low, high). */
  between(low: number, high: number): number {
    const [u] = fillUniform(new Float32Array(1), { seed: this.#seed, step: this.#step++, draw: 0 });
    return low + (high - low) * u!;
  }

  /** A whole number from low to high, both included. */
  integer(low: number, high: number): number {
    return Math.min(high, Math.floor(this.between(low, high + 1)));
  }

  /** True with probability `p`. */
  chance(p: number): boolean {
    return this.between(0, 1) < p;
  }

  /** One of `choices`. */
  pick<T>(choices: readonly T[]): T {
    return choices[this.integer(0, choices.length - 1)]!;
  }

  /** `count` different whole numbers from low to high, ascending. */
  distinct(count: number, low: number, high: number): number[] {
    const found = new Set<number>();
    while (found.size < Math.min(count, high - low + 1)) found.add(this.integer(low, high));
    return [...found].sort((a, b) => a - b);
  }
}
