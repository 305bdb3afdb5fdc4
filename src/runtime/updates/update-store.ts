/** @file Variables that elementwise updates change: they live in WebAssembly memory, where kernels reach them. */
import type { NdArray } from '../../tensor/index.ts';
import type { UpdateSpec } from './kernel.ts';
import { type CompiledKernel, compileKernel, VECTOR_BYTES } from './wasm-kernel.ts';
import { webAssembly } from './webassembly.ts';

const PAGE = 65_536;
/** WebAssembly addresses 4 GiB; leave room for scratch. */
export const UPDATE_LIMIT = 3.5 * 2 ** 30;

interface Resident {
  readonly address: number;
  readonly array: Omit<NdArray, 'data'>;
  readonly length: number;
}

/** Holds variables in one linear memory and applies updates to them in place. */
export class UpdateStore {
  readonly #memory = new webAssembly.Memory({ initial: 1 });
  readonly #residents = new Map<number, Resident>();
  readonly #kernels = new Map<string, CompiledKernel>();
  #used = VECTOR_BYTES;
  #scratch: { address: number; bytes: number }[] = [];

  has(variable: number): boolean {
    return this.#residents.has(variable);
  }

  /** Takes a variable in; a view of its place is its value from now on. */
  adopt(variable: number, { dtype, shape, data }: NdArray): void {
    const address = this.#allocate(data.byteLength);
    this.#residents.set(variable, { address, array: { dtype, shape }, length: data.length });
    this.view(variable).data.set(data as Float32Array);
  }

  /** The present value, sharing memory: valid until the next `adopt`. */
  view(variable: number): NdArray & { readonly data: Float32Array } {
    const { address, array, length } = this.#residents.get(variable)!;
    return { ...array, data: new Float32Array(this.#memory.buffer, address, length) };
  }

  /** Makes room and code for `updates`, so that applying them moves nothing. */
  prepare(updates: readonly UpdateSpec[]): void {
    for (const { kernel, length, loads } of updates) {
      this.#kernel(kernel);
      loads
        .filter((load) => 'output' in load)
        .forEach((_, i) => {
          this.#scratchFor(i, length * 4);
        });
    }
  }

  /** Applies one update, given the results of the run. */
  apply({ kernel, length, loads, scalars, stores }: UpdateSpec, result: (name: string) => Float32Array): void {
    let operands = 0;
    const addresses = loads.map((load) => {
      if ('variable' in load) return this.#residents.get(load.variable)!.address;
      const address = this.#scratchFor(operands++, length * 4);
      new Float32Array(this.#memory.buffer, address, length).set(result(load.output));
      return address;
    });
    const targets = stores.map(({ variable }) => this.#residents.get(variable)!.address);
    this.#kernel(kernel)(...addresses, ...targets, ...scalars.map((name) => result(name)[0]!), length * 4);
  }

  #kernel(kernel: UpdateSpec['kernel']): CompiledKernel {
    const key = JSON.stringify(kernel);
    let compiled = this.#kernels.get(key);
    if (!compiled) {
      compiled = compileKernel(kernel, this.#memory);
      this.#kernels.set(key, compiled);
    }
    return compiled;
  }

  /** Scratch number `index`, shared by all updates: it stays in the processor's cache. */
  #scratchFor(index: number, bytes: number): number {
    const known = this.#scratch[index];
    if (known && known.bytes >= bytes) return known.address;
    const address = this.#allocate(bytes);
    this.#scratch[index] = { address, bytes };
    return address;
  }

  #allocate(bytes: number): number {
    const address = this.#used;
    this.#used += Math.ceil(bytes / VECTOR_BYTES) * VECTOR_BYTES;
    const missing = this.#used - this.#memory.buffer.byteLength;
    if (missing > 0) this.#memory.grow(Math.ceil(missing / PAGE));
    return address;
  }
}
