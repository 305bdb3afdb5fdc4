/** @file Variables that elementwise updates change: they live in WebAssembly memory, where kernels reach them. */
import { type NdArray, sizeOf } from '../../tensor/index.ts';
import type { Operand, UpdateSpec } from './kernel.ts';
import { type CompiledKernel, compileKernel } from './wasm-kernel.ts';
import { webAssembly } from './webassembly.ts';

const PAGE = 65_536;
/** Arrays start on cache lines. */
const ALIGNMENT = 64;
/** WebAssembly addresses 4 GiB; leave room for the arrays' ends. */
export const UPDATE_LIMIT = 3.75 * 2 ** 30;

interface Resident {
  readonly address: number;
  readonly array: Omit<NdArray, 'data'>;
  readonly length: number;
}

/** Where a program's operands lie, from the start of the room for operands. */
export type OperandPlaces = ReadonlyMap<string, { readonly offset: number; readonly operand: Operand }>;

const padded = (bytes: number): number => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;

/** Holds variables in one linear memory and applies updates to them in place. */
export class UpdateStore {
  readonly #memory = new webAssembly.Memory({ initial: 1 });
  readonly #residents = new Map<number, Resident>();
  readonly #kernels = new Map<string, CompiledKernel>();
  #used = ALIGNMENT;
  /** Room for the operands of the program that runs: one does at a time. */
  #operands = { address: 0, bytes: 0 };

  has(variable: number): boolean {
    return this.#residents.has(variable);
  }

  /** Takes a variable in; a view of its place is its value from now on. */
  adopt(variable: number, { dtype, shape, data }: NdArray): void {
    const address = this.#allocate(data.byteLength);
    this.#residents.set(variable, { address, array: { dtype, shape }, length: data.length });
    this.view(variable).data.set(data as Float32Array);
  }

  /** The present value, sharing memory: valid until the next `adopt` or `prepare`. */
  view(variable: number): NdArray & { readonly data: Float32Array } {
    const { address, array, length } = this.#residents.get(variable)!;
    return { ...array, data: new Float32Array(this.#memory.buffer, address, length) };
  }

  /** Makes room and code for `updates`, so that applying them moves nothing. */
  prepare(updates: readonly UpdateSpec[]): OperandPlaces {
    const places = new Map<string, { offset: number; operand: Operand }>();
    let bytes = 0;
    for (const { kernel, loads } of updates) {
      this.#kernel(kernel);
      for (const load of loads) {
        if ('variable' in load || places.has(load.output)) continue;
        places.set(load.output, { offset: bytes, operand: load });
        bytes += padded(4 * sizeOf(load.shape));
      }
    }
    if (bytes > this.#operands.bytes) this.#operands = { address: this.#allocate(bytes), bytes };
    return places;
  }

  /** The place of an operand, for the run to write to: valid until the next `adopt` or `prepare`. */
  operand(places: OperandPlaces, output: string): NdArray & { readonly data: Float32Array } {
    const { offset, operand } = places.get(output)!;
    const { shape } = operand;
    const data = new Float32Array(this.#memory.buffer, this.#operands.address + offset, sizeOf(shape));
    return { dtype: 'float32', shape, data };
  }

  /** Applies one update, given the results of the run: those not written to their place are copied there. */
  apply(
    { kernel, length, loads, scalars, stores }: UpdateSpec,
    places: OperandPlaces,
    result: (name: string) => Float32Array,
  ): void {
    const addresses = loads.map((load) => {
      if ('variable' in load) return this.#residents.get(load.variable)!.address;
      const place = this.operand(places, load.output).data;
      const written = result(load.output);
      if (written.buffer !== place.buffer || written.byteOffset !== place.byteOffset) place.set(written);
      return place.byteOffset;
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

  #allocate(bytes: number): number {
    const address = this.#used;
    this.#used += padded(bytes);
    const missing = this.#used - this.#memory.buffer.byteLength;
    if (missing > 0) this.#memory.grow(Math.ceil(missing / PAGE));
    return address;
  }
}
