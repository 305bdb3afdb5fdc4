/** @file The engine in front of a session host: traces, lowers, numbers variables. The same for Node and the browser. */
import {
  type Graph,
  resultsOf,
  simplify,
  Tensor,
  type Traced,
  topologicalOrder,
  trace,
  type Variable,
} from '../graph/index.ts';
import { HAND_OVER_FROM, handOverConstants, lower, type OnnxTarget, serializeModel } from '../onnx/index.ts';
import { deferredArray, EngineError, type NdArray } from '../tensor/index.ts';
import { checkInputs, checkValue } from './check.ts';
import type { CompileOptions, Engine, MemoryPlan, Program, RunOptions } from './engine.ts';
import type { SessionHost } from './host.ts';
import { planMemory, variableBytes } from './memory.ts';
import { type SplitGraph, splitUpdates } from './updates/split-updates.ts';
import { UPDATE_LIMIT } from './updates/update-store.ts';

export interface OnnxEngineOptions {
  /** Bytes of constants from which on a program's runs are handed them. Default 512 MiB. */
  readonly handOverFrom?: number;
}

/** An engine over `host`, writing models for `target`. */
export class OnnxEngine implements Engine {
  readonly name: string;
  readonly #host: SessionHost;
  readonly #target: OnnxTarget;
  readonly #numbers = new Map<Variable, number>();
  readonly #handOverFrom: number;
  #closed = false;

  constructor(host: SessionHost, target: OnnxTarget, { handOverFrom = HAND_OVER_FROM }: OnnxEngineOptions = {}) {
    this.name = host.name;
    this.#host = host;
    this.#target = target;
    // other devices would move what they are handed at every run
    this.#handOverFrom = target.provider === 'cpu' ? handOverFrom : Number.POSITIVE_INFINITY;
  }

  async compile(
    body: () => Traced,
    { freeze = false, training = false, name = 'program' }: CompileOptions = {},
  ): Promise<Program> {
    this.#checkOpen();
    const traced = trace(body, { training });
    const values = new Map<Variable, NdArray>();
    for (const variable of traced.assignments.keys()) await this.#number(variable);
    for (const variable of traced.variables.keys()) {
      if (freeze) values.set(variable, await this.#presentValue(variable));
      else await this.#number(variable);
    }
    const simplified = simplify(traced);
    // a frozen program assigns from the values it keeps, not from those in the update store
    const candidate = this.#host.appliesUpdates && !freeze ? splitUpdates(simplified) : undefined;
    const split = candidate && fitsUpdateStore(traced, candidate) ? candidate : undefined;
    const frozen = freeze ? { frozen: (variable: Variable) => values.get(variable) } : {};
    const lowered = lower(split?.graph ?? simplified, this.#target, frozen);
    const operand = (tensor: Tensor): string => lowered.outputs.get(split!.operandNames.get(tensor)!)!;
    const computes = lowered.model.outputs.length > 0;
    const { model, constants } = handOverConstants(lowered.model, this.#handOverFrom);
    const { bytes, external, externalName } = serializeModel(model, { insideLimit: HAND_OVER_FROM, eachApart: true });
    const own = ownedConstants(constants, lowered.graph);
    const number = (variable: Variable): number => this.#numbers.get(variable)!;
    const program = await this.#host.create({
      name,
      bytes: computes ? bytes : undefined,
      external,
      externalName,
      constants: own,
      inputs: [...lowered.inputs],
      draws: lowered.randoms.map(({ tensor, name: value }) => {
        if (tensor.node.op !== 'random') throw new EngineError('internal: a draw is not a random node');
        return [tensor.node.attrs, value] as const;
      }),
      reads: [...lowered.variables].map(([variable, value]) => [number(variable), value] as const),
      outputs: [...simplified.outputs.keys()].map((output) => [output, lowered.outputs.get(output)!] as const),
      assignments: [...lowered.assignments].map(([variable, value]) => [number(variable), value] as const),
      updates: (split?.updates ?? []).map(({ kernel, length, loads, scalars, stores }) => ({
        kernel,
        length,
        loads: loads.map((load) =>
          load instanceof Tensor ? { output: operand(load), shape: load.shape } : { variable: number(load) },
        ),
        scalars: scalars.map(operand),
        stores: stores.map((variable) => ({ variable: number(variable) })),
      })),
      frozen: freeze,
    });
    return new OnnxProgram(name, simplified, planMemory(lowered.graph, traced, values.values()), this.#host, program);
  }

  async read(variable: Variable): Promise<NdArray> {
    this.#checkOpen();
    const { dtype, shape, data } = await this.#presentValue(variable);
    return { dtype, shape, data: this.#numbers.has(variable) ? data : data.slice() };
  }

  /** A variable's value, the caller's where the engine holds it. Where it does not, and can ask again, it is made when it is used. */
  async #presentValue(variable: Variable): Promise<NdArray> {
    if (this.#numbers.has(variable) || !variable.repeatable) return this.#host.read(await this.#number(variable));
    return deferredArray(variable, () => {
      const value = variable.initial();
      checkValue(variable, value);
      return value.data;
    });
  }

  async write(variable: Variable, value: NdArray): Promise<void> {
    this.#checkOpen();
    checkValue(variable, value);
    let number = this.#numbers.get(variable);
    if (number === undefined) {
      number = this.#numbers.size;
      this.#numbers.set(variable, number);
    }
    await this.#host.write(number, value);
  }

  async dispose(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#host.close();
  }

  /** The number the host knows a variable by; hands over its first value when it is new. */
  async #number(variable: Variable): Promise<number> {
    const known = this.#numbers.get(variable);
    if (known !== undefined) return known;
    await this.write(variable, variable.initial());
    return this.#numbers.get(variable)!;
  }

  #checkOpen(): void {
    if (this.#closed) throw new EngineError(`engine ${this.name} is disposed`, 'create another engine');
  }
}

/** Constants that a host may keep: those that the graph holds are others' too, and copied. */
function ownedConstants(constants: ReadonlyMap<string, NdArray>, graph: Graph): (readonly [string, NdArray])[] {
  const held = new Set(topologicalOrder(resultsOf(graph)).map((node) => node.op === 'constant' && node.attrs.value));
  return [...constants].map(([name, array]) => {
    const { dtype, shape, data } = array;
    return [name, { dtype, shape, data: held.has(array) ? data.slice() : data }];
  });
}

/** All variables of the program and the operands of its updates must fit the linear memory that updates work in. */
function fitsUpdateStore(graph: Graph, { operandNames }: SplitGraph): boolean {
  const operands = [...operandNames.keys()].reduce((total, { size }) => total + 4 * size, 0);
  return variableBytes(graph) + operands <= UPDATE_LIMIT;
}

class OnnxProgram implements Program {
  readonly name: string;
  readonly graph: Graph;
  readonly memory: MemoryPlan;
  readonly #host: SessionHost;
  readonly #id: number;
  #runs = 0;

  constructor(name: string, graph: Graph, memory: MemoryPlan, host: SessionHost, id: number) {
    this.name = name;
    this.graph = graph;
    this.memory = memory;
    this.#host = host;
    this.#id = id;
  }

  async run(
    inputs: Readonly<Record<string, NdArray>> = {},
    { seed = 0, step = this.#runs }: RunOptions = {},
  ): Promise<Record<string, NdArray>> {
    checkInputs(this.graph, inputs);
    this.#runs++;
    return this.#host.run(this.#id, inputs, seed, step);
  }

  dispose(): Promise<void> {
    return this.#host.release(this.#id);
  }
}
