/** @file The contract of every engine: compile a traced function, run it, keep its variables. */
import type { Graph, Traced, Variable } from '../graph/index.ts';
import type { NdArray } from '../tensor/index.ts';

export interface CompileOptions {
  /** Bakes the present values of all variables in as constants: faster to run, blind to later changes. Default false. */
  readonly freeze?: boolean;
  /** Dropout and the like are active. Default false. */
  readonly training?: boolean;
  /** Shown in messages and profiles. */
  readonly name?: string;
}

export interface RunOptions {
  /** Seed of the draws inside the program. Default 0. */
  readonly seed?: number;
  /** Which step of the seed's sequence: the same seed and step draw the same numbers on every engine. Default: runs so far. */
  readonly step?: number;
}

/** What a program needs in memory, in bytes. */
export interface MemoryPlan {
  /** Values of the variables it reads or assigns. */
  readonly variables: number;
  /** Constants baked into it. */
  readonly constants: number;
  /** Peak of the intermediate values alive at one time, when every buffer is freed after its last reader. An estimate: engines add workspace. */
  readonly activations: number;
}

/** A compiled function. */
export interface Program {
  readonly name: string;
  /** What runs, after simplification. */
  readonly graph: Graph;
  readonly memory: MemoryPlan;
  /**
   * Runs once. `inputs` by name, shapes as traced; returns the named results (`output` for a single tensor).
   * Throws `ShapeError`, `DtypeError` or `ConfigError` for inputs that do not fit; `EngineError` when the engine fails.
   */
  run(inputs?: Readonly<Record<string, NdArray>>, options?: RunOptions): Promise<Record<string, NdArray>>;
  dispose(): Promise<void>;
}

/** Runs programs and keeps variables between runs. */
export interface Engine {
  /** E.g. 'node/cpu' or 'reference'. */
  readonly name: string;
  /** Traces `body`, lowers the graph and prepares it to run. */
  compile(body: () => Traced, options?: CompileOptions): Promise<Program>;
  /** A variable's present value, copied to the host. */
  read(variable: Variable): Promise<NdArray>;
  /** Replaces a variable's value. Throws `ShapeError` or `DtypeError` when it does not fit. */
  write(variable: Variable, value: NdArray): Promise<void>;
  /** Frees everything; the engine cannot be used afterwards. */
  dispose(): Promise<void>;
}
