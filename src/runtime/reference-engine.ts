/** @file The reference engine: interprets graphs in float64. The oracle for every op, and runs where no engine is installed. */
import {
  evaluateTensors,
  type Graph,
  type HostValue,
  resultsOf,
  simplify,
  type Traced,
  toHostValue,
  toNdArray,
  trace,
  type Variable,
} from '../graph/index.ts';
import { EngineError, type NdArray } from '../tensor/index.ts';
import { checkInputs, checkValue } from './check.ts';
import { fillDraw } from './draws.ts';
import type { CompileOptions, Engine, MemoryPlan, Program, RunOptions } from './engine.ts';
import { planMemory } from './memory.ts';

/** An engine in plain TypeScript. Float variables and intermediates are float64 throughout; only results handed out are rounded. */
export function referenceEngine(): Engine {
  return new ReferenceEngine();
}

class ReferenceEngine implements Engine {
  readonly name = 'reference';
  readonly #values = new Map<Variable, HostValue>();
  #closed = false;

  async compile(
    body: () => Traced,
    { training = false, name = 'program', freeze = false }: CompileOptions = {},
  ): Promise<Program> {
    this.checkOpen();
    const graph = simplify(trace(body, { training }));
    const frozen = freeze
      ? new Map([...graph.variables.keys()].map((variable) => [variable, this.value(variable)]))
      : undefined;
    return new ReferenceProgram(name, graph, this, frozen);
  }

  value(variable: Variable): HostValue {
    let value = this.#values.get(variable);
    if (!value) {
      const initial = variable.initial();
      checkValue(variable, initial);
      value = toHostValue(initial);
      this.#values.set(variable, value);
    }
    return value;
  }

  assign(variable: Variable, value: HostValue): void {
    this.#values.set(variable, value);
  }

  async read(variable: Variable): Promise<NdArray> {
    this.checkOpen();
    return toNdArray(this.value(variable));
  }

  async write(variable: Variable, value: NdArray): Promise<void> {
    this.checkOpen();
    checkValue(variable, value);
    this.#values.set(variable, toHostValue(value));
  }

  async dispose(): Promise<void> {
    this.#closed = true;
    this.#values.clear();
  }

  checkOpen(): void {
    if (this.#closed) throw new EngineError('engine reference is disposed', 'create another engine');
  }
}

class ReferenceProgram implements Program {
  readonly name: string;
  readonly graph: Graph;
  readonly memory: MemoryPlan;
  readonly #engine: ReferenceEngine;
  readonly #frozen: ReadonlyMap<Variable, HostValue> | undefined;
  #runs = 0;
  #disposed = false;

  constructor(
    name: string,
    graph: Graph,
    engine: ReferenceEngine,
    frozen: ReadonlyMap<Variable, HostValue> | undefined,
  ) {
    this.name = name;
    this.graph = graph;
    this.memory = planMemory(graph);
    this.#engine = engine;
    this.#frozen = frozen;
  }

  async run(
    inputs: Readonly<Record<string, NdArray>> = {},
    { seed = 0, step = this.#runs }: RunOptions = {},
  ): Promise<Record<string, NdArray>> {
    this.#engine.checkOpen();
    if (this.#disposed) throw new EngineError('this program was disposed', 'compile it again');
    checkInputs(this.graph, inputs);
    this.#runs++;
    const values = evaluateTensors(resultsOf(this.graph), ({ node }) => {
      if (node.op === 'input') return toHostValue(inputs[node.attrs.name]!);
      if (node.op === 'random') return toHostValue(fillDraw(node.attrs, seed, step));
      if (node.op === 'variable')
        return this.#frozen?.get(node.attrs.variable) ?? this.#engine.value(node.attrs.variable);
      return undefined;
    });
    const names = [...this.graph.outputs.keys()];
    [...this.graph.assignments.keys()].forEach((variable, i) => {
      this.#engine.assign(variable, values[names.length + i]!);
    });
    return Object.fromEntries(names.map((name, i) => [name, toNdArray(values[i]!)]));
  }

  async dispose(): Promise<void> {
    this.#disposed = true;
  }
}
