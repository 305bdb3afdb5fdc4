/** @file A session host on ONNX Runtime's JavaScript API: the same code drives onnxruntime-node and onnxruntime-web. */
import type { InferenceSession, Tensor as OrtTensor, TypedTensor } from 'onnxruntime-common';
import { EngineError, type NdArray, type TypedArray } from '../tensor/index.ts';
import { fillDraw } from './draws.ts';
import type { ProgramSpec, SessionHost } from './host.ts';
import { type OperandPlaces, UpdateStore } from './updates/update-store.ts';

/** What a host needs of an onnxruntime package. */
export interface OrtModule {
  readonly InferenceSession: {
    create(model: Uint8Array, options?: InferenceSession.SessionOptions): Promise<InferenceSession>;
  };
  readonly Tensor: new (type: OrtTensor.Type, data: OrtTensor.DataType, dims: readonly number[]) => OrtTensor;
}

export interface OrtHostOptions {
  readonly name: string;
  readonly session: InferenceSession.SessionOptions;
  /** Whether variables are on the CPU, where updates can be applied in place. */
  readonly appliesUpdates: boolean;
}

interface LoadedProgram {
  readonly spec: ProgramSpec;
  /** Undefined when there is nothing to compute but updates. */
  readonly session: InferenceSession | undefined;
  /** What every run is handed: views of the host's memory, which the session reads where it is. */
  readonly constants: Readonly<Record<string, OrtTensor>>;
  readonly places: OperandPlaces;
  /** Operands that nobody else gets: the run writes them straight to their places. */
  readonly placed: readonly string[];
}

/** Runs programs in this thread, one call after the other. ONNX Runtime blocks it during a run; see the worker host. */
export class OrtHost implements SessionHost {
  readonly name: string;
  readonly appliesUpdates: boolean;
  readonly #ort: OrtModule;
  readonly #options: InferenceSession.SessionOptions;
  readonly #programs = new Map<number, LoadedProgram>();
  readonly #variables = new Map<number, OrtTensor>();
  /** Holds the variables that some program updates elementwise; the others are in `#variables`. */
  readonly #updates = new UpdateStore();
  #created = 0;
  #last: Promise<unknown> = Promise.resolve();

  constructor(ort: OrtModule, { name, session, appliesUpdates }: OrtHostOptions) {
    this.name = name;
    this.appliesUpdates = appliesUpdates;
    this.#ort = ort;
    this.#options = session;
  }

  create(spec: ProgramSpec): Promise<number> {
    return this.#inTurn(() => this.#create(spec));
  }

  run(
    program: number,
    inputs: Readonly<Record<string, NdArray>>,
    seed: number,
    step: number,
  ): Promise<Record<string, NdArray>> {
    return this.#inTurn(() => this.#run(program, inputs, seed, step));
  }

  release(program: number): Promise<void> {
    return this.#inTurn(() => this.#release(program));
  }

  read(variable: number): Promise<NdArray> {
    return this.#inTurn(async () => {
      const { dtype, shape, data } = fromOrt(this.#variable(variable));
      return { dtype, shape, data: data.slice() };
    });
  }

  write(variable: number, value: NdArray): Promise<void> {
    const copy = { ...value, data: value.data.slice() };
    return this.#inTurn(async () => this.#store(variable, this.#toOrt(copy)));
  }

  close(): Promise<void> {
    return this.#inTurn(async () => {
      for (const id of [...this.#programs.keys()]) await this.#release(id);
      this.#variables.clear();
    });
  }

  /** Starts `action` when all calls before it are done: a run must not see another's half-made changes. */
  #inTurn<T>(action: () => Promise<T>): Promise<T> {
    const result = this.#last.then(action);
    this.#last = result.catch(() => undefined);
    return result;
  }

  async #create(spec: ProgramSpec): Promise<number> {
    const options: InferenceSession.SessionOptions = { ...this.#options };
    if (spec.externalName !== undefined) {
      options.externalData = spec.external.map((data, i) => ({ path: `${spec.externalName}.${i}`, data }));
    }
    const { bytes } = spec;
    const session =
      bytes && (await guard(`compiling '${spec.name}'`, () => this.#ort.InferenceSession.create(bytes, options)));
    for (const { loads, stores } of spec.updates) {
      for (const item of [...loads, ...stores]) if ('variable' in item) this.#adopt(item.variable);
    }
    const places = this.#updates.prepare(spec.updates);
    const results = new Set([...spec.outputs, ...spec.assignments].map(([, value]) => value));
    const placed = [...places.keys()].filter((value) => !results.has(value));
    const id = this.#created++;
    const constants = Object.fromEntries(spec.constants.map(([value, array]) => [value, this.#toOrt(array)]));
    // the model's bytes are not needed any more
    const kept = { ...spec, bytes: undefined, external: [], constants: [] };
    this.#programs.set(id, { spec: kept, session, constants, places, placed });
    return id;
  }

  async #run(
    program: number,
    inputs: Readonly<Record<string, NdArray>>,
    seed: number,
    step: number,
  ): Promise<Record<string, NdArray>> {
    const { spec, session, constants, places, placed } = this.#program(program);
    const feeds: Record<string, OrtTensor> = { ...constants };
    for (const [name, value] of spec.inputs) feeds[value] = this.#toOrt(inputs[name]!);
    for (const [draw, value] of spec.draws) feeds[value] = this.#toOrt(fillDraw(draw, seed, step));
    for (const [variable, value] of spec.reads) feeds[value] = this.#variable(variable);
    const fetches: Record<string, OrtTensor | null> = {};
    for (const value of session?.outputNames ?? []) fetches[value] = null;
    for (const value of placed) fetches[value] = this.#toOrt(this.#updates.operand(places, value));
    const results = session ? await guard(`running '${spec.name}'`, () => session.run(feeds, fetches)) : {};
    // updates read variables as they were before the run: they go first
    for (const update of spec.updates)
      this.#updates.apply(update, places, (value) => results[value]!.data as Float32Array);
    for (const [variable, value] of spec.assignments) this.#store(variable, results[value]!);
    return Object.fromEntries(spec.outputs.map(([name, value]) => [name, fromOrt(results[value]!)]));
  }

  async #release(program: number): Promise<void> {
    const session = this.#programs.get(program)?.session;
    this.#programs.delete(program);
    if (this.#options.enableProfiling) session?.endProfiling();
    await session?.release();
  }

  #program(id: number): LoadedProgram {
    const loaded = this.#programs.get(id);
    if (!loaded) throw new EngineError('this program was disposed', 'compile it again');
    return loaded;
  }

  #adopt(variable: number): void {
    if (this.#updates.has(variable)) return;
    this.#updates.adopt(variable, fromOrt(this.#variable(variable)));
    this.#variables.delete(variable);
  }

  #store(variable: number, value: OrtTensor): void {
    if (this.#updates.has(variable)) this.#updates.view(variable).data.set(value.data as Float32Array);
    else this.#variables.set(variable, value);
  }

  #variable(id: number): OrtTensor {
    if (this.#updates.has(id)) return this.#toOrt(this.#updates.view(id));
    const tensor = this.#variables.get(id);
    if (!tensor) throw new EngineError(`internal: variable ${id} has no value`);
    return tensor;
  }

  #toOrt({ dtype, shape, data }: NdArray): OrtTensor {
    return new this.#ort.Tensor(dtype, data as OrtTensor.DataType, shape);
  }
}

function fromOrt(tensor: OrtTensor): NdArray {
  return { dtype: (tensor as TypedTensor<'float32'>).type, shape: tensor.dims, data: tensor.data as TypedArray };
}

async function guard<T>(what: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const memory = /alloc|memory/i.test(message);
    throw new EngineError(
      `ONNX Runtime failed while ${what}: ${message}`,
      memory ? 'it ran out of memory: use a smaller batch or network' : undefined,
      { cause: error },
    );
  }
}
