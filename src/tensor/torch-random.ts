/** @file The numbers `torch.randn` and `torch.rand` draw from a seeded generator, on CPU and on CUDA. */
import { DataError } from './errors.ts';
import { Mt19937 } from './mt19937.ts';
import { philox4x32 } from './philox.ts';

const f = Math.fround;
const TWO_PI = f(2 * Math.PI);

/** Integers from 0 to 2⁵³ (or a bigint below 2⁶⁴); throws `DataError` otherwise. */
function checkedSeed(seed: number | bigint): bigint {
  if (typeof seed === 'number' && !Number.isSafeInteger(seed)) {
    throw new DataError(`a seed is a whole number, got ${seed}`, 'use an integer up to 2^53, or a bigint');
  }
  return BigInt.asUintN(64, BigInt(seed));
}

/** `torch.Generator('cpu').manual_seed(seed)`: float32 draws in torch's order. */
export class TorchCpuGenerator {
  readonly #bits: Mt19937;
  /** The second of a Box-Muller pair, kept by torch between draws of fewer than 16 numbers. */
  #spare: number | undefined;

  constructor(seed: number | bigint) {
    this.#bits = new Mt19937(checkedSeed(seed));
  }

  /** `torch.rand(length)`: uniform in [0, 1), 24 bits each. */
  rand(length: number): Float32Array {
    return new Float32Array(length).map(() => this.#uniform24());
  }

  /** `torch.randn(length)`; the shape does not matter, only the number of elements. */
  randn(length: number): Float32Array {
    const out = new Float32Array(length);
    if (length < 16) return out.map(() => this.#normalDouble());
    for (let i = 0; i < length; i++) out[i] = this.#uniform24();
    for (let at = 0; at + 16 <= length; at += 16) boxMuller16(out, at);
    if (length % 16 !== 0) {
      // torch redraws a whole block over the last 16 elements
      const at = length - 16;
      for (let i = at; i < length; i++) out[i] = this.#uniform24();
      boxMuller16(out, at);
    }
    return out;
  }

  #uniform24(): number {
    return (this.#bits.nextUint32() & 0xffffff) * 2 ** -24;
  }

  #uniform53(): number {
    const high = this.#bits.nextUint32();
    const low = this.#bits.nextUint32();
    return ((high & 0x1fffff) * 2 ** 32 + low) * 2 ** -53;
  }

  #normalDouble(): number {
    if (this.#spare !== undefined) {
      const spare = this.#spare;
      this.#spare = undefined;
      return spare;
    }
    const angle = 2 * Math.PI * this.#uniform53();
    const radius = Math.sqrt(-2 * Math.log1p(-this.#uniform53()));
    this.#spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  }
}

/** Turns 16 uniforms at `at` into normals: element j pairs with j + 8. */
function boxMuller16(out: Float32Array, at: number): void {
  for (let j = at; j < at + 8; j++) {
    const radius = f(Math.sqrt(f(-2 * f(Math.log(f(1 - out[j]!))))));
    const angle = f(TWO_PI * out[j + 8]!);
    out[j] = radius * f(Math.cos(angle));
    out[j + 8] = radius * f(Math.sin(angle));
  }
}

/** Size of the GPU a stream of CUDA draws is reproduced for; torch launches at most `blocks × 256` threads. */
export interface CudaLaunch {
  /** Streaming multiprocessors × resident threads per multiprocessor ÷ 256. Ample (never reached) by default. */
  readonly blocks?: number;
}

/**
 * `torch.Generator('cuda').manual_seed(seed)`: Philox 4×32-10, key = seed, one subsequence per thread.
 * A launch of `blocks·256` threads draws 4 numbers per thread and turn; element i of a turn belongs to thread
 * i mod threads. Arrays smaller than the launch (the usual latents) are the same on every GPU.
 */
export class TorchCudaGenerator {
  readonly #key: readonly [number, number];
  readonly #blocks: number;
  #offset = 0;

  constructor(seed: number | bigint, { blocks = Number.POSITIVE_INFINITY }: CudaLaunch = {}) {
    const bits = checkedSeed(seed);
    this.#key = [Number(bits & 0xffffffffn), Number(bits >> 32n)];
    this.#blocks = blocks;
  }

  /** `torch.randn(length, device='cuda')`. */
  randn(length: number): Float32Array {
    const out = new Float32Array(length);
    const words = new Uint32Array(4);
    const normals = new Float32Array(4);
    const threads = 256 * Math.max(1, Math.min(this.#blocks, Math.ceil(length / 256)));
    const turns = Math.ceil(length / (threads * 4));
    for (let turn = 0; turn < turns; turn++) {
      for (let thread = 0; thread < threads; thread++) {
        const first = turn * threads * 4 + thread;
        if (first >= length) break;
        philox4x32([this.#offset + turn, 0, thread, 0], this.#key, words);
        curandNormal4(words, normals);
        for (let k = 0; k < 4 && first + k * threads < length; k++) out[first + k * threads] = normals[k]!;
      }
    }
    this.#offset += turns;
    return out;
  }
}

/** curand's Box-Muller on a block of four words: pairs (0, 1) and (2, 3), the sine first. */
function curandNormal4(words: Uint32Array, out: Float32Array): void {
  for (let k = 0; k < 4; k += 2) {
    const u = f(f(words[k]! * 2 ** -32) + 2 ** -33);
    const angle = f(f(words[k + 1]! * f(2 ** -32 * TWO_PI)) + f(2 ** -33 * TWO_PI));
    const radius = f(Math.sqrt(f(-2 * f(Math.log(u)))));
    out[k] = radius * f(Math.sin(angle));
    out[k + 1] = radius * f(Math.cos(angle));
  }
}
