/** @file What an engine asks of the thread that runs its sessions: messages of plain data, so that it may be a worker. */
import type { NdArray } from '../tensor/index.ts';
import type { Draw } from './draws.ts';
import type { UpdateSpec } from './updates/kernel.ts';

/** Everything needed to run a program, free of graphs: can be posted to another thread. */
export interface ProgramSpec {
  readonly name: string;
  /** The model; undefined when there is nothing to compute but updates. */
  readonly bytes: Uint8Array | undefined;
  /** Weights outside of it: the model names them `externalName.0`, `externalName.1` and so on. */
  readonly external: readonly Uint8Array[];
  readonly externalName: string | undefined;
  /** Constants that every run is handed; the host's from now on, where it runs in another thread too. */
  readonly constants: readonly (readonly [value: string, constant: NdArray])[];
  /** Name of an ONNX value for each input, draw, variable read, output and variable assigned. Variables go by number. */
  readonly inputs: readonly (readonly [name: string, value: string])[];
  readonly draws: readonly (readonly [draw: Draw, value: string])[];
  readonly reads: readonly (readonly [variable: number, value: string])[];
  readonly outputs: readonly (readonly [name: string, value: string])[];
  readonly assignments: readonly (readonly [variable: number, value: string])[];
  /** Elementwise updates of variables to apply after the run; their operands are results by ONNX name. */
  readonly updates: readonly UpdateSpec[];
  /** Weights are constants: full optimisation pays. */
  readonly frozen: boolean;
}

/** Runs sessions and holds variables. */
export interface SessionHost {
  /** E.g. 'node/cpu'. */
  readonly name: string;
  /** Whether programs may carry updates. */
  readonly appliesUpdates: boolean;
  create(spec: ProgramSpec): Promise<number>;
  run(
    program: number,
    inputs: Readonly<Record<string, NdArray>>,
    seed: number,
    step: number,
  ): Promise<Record<string, NdArray>>;
  release(program: number): Promise<void>;
  read(variable: number): Promise<NdArray>;
  write(variable: number, value: NdArray): Promise<void>;
  close(): Promise<void>;
}
