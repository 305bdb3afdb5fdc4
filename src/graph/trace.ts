/** @file Tracing: runs a function once and records what it reads, draws, assigns and returns. */
import {
  ConfigError,
  type Dtype,
  DtypeError,
  formatShape,
  type Shape,
  ShapeError,
  sameShape,
} from '../tensor/index.ts';
import type { Distribution } from './node.ts';
import { topologicalOrder } from './order.ts';
import { createNode, Tensor } from './tensor.ts';
import type { Variable } from './variable.ts';

/** What a traced function became: named inputs, state, randomness and results, all reachable from `outputs` and `assignments`. */
export interface Graph {
  readonly inputs: ReadonlyMap<string, Tensor>;
  readonly variables: ReadonlyMap<Variable, Tensor>;
  readonly randoms: readonly Tensor[];
  readonly outputs: ReadonlyMap<string, Tensor>;
  readonly assignments: ReadonlyMap<Variable, Tensor>;
}

/** The recording in progress. Ops consult it only for the module path; leaves register here. */
export class Trace {
  readonly inputs = new Map<string, Tensor>();
  readonly variables = new Map<Variable, Tensor>();
  readonly randoms: Tensor[] = [];
  readonly assignments = new Map<Variable, Tensor>();
  /** Variables read in place of others, see `substituting`. */
  substitutes: ReadonlyMap<Variable, Variable> = new Map();
  readonly training: boolean;

  constructor(training = false) {
    this.training = training;
  }

  input(name: string, shape: Shape, dtype: Dtype): Tensor {
    const known = this.inputs.get(name);
    if (known) {
      if (sameShape(known.shape, shape) && known.dtype === dtype) return known;
      throw new ShapeError(
        `input '${name}' is declared twice: ${known.dtype}${formatShape(known.shape)} and ${dtype}${formatShape(shape)}`,
        'give one of them another name',
      );
    }
    const tensor = createNode('input', [], { name, shape: [...shape], dtype });
    this.inputs.set(name, tensor);
    return tensor;
  }

  random(distribution: Distribution, shape: Shape): Tensor {
    const tensor = createNode('random', [], { distribution, draw: this.randoms.length, shape: [...shape] });
    this.randoms.push(tensor);
    return tensor;
  }

  /** The tensor `variable` started this run with. */
  leaf(variable: Variable): Tensor {
    let tensor = this.variables.get(variable);
    if (!tensor) {
      tensor = createNode('variable', [], { variable });
      this.variables.set(variable, tensor);
    }
    return tensor;
  }

  read(variable: Variable): Tensor {
    const source = this.substitutes.get(variable) ?? variable;
    return this.assignments.get(source) ?? this.leaf(source);
  }

  assign(variable: Variable, value: Tensor): void {
    if (!sameShape(variable.shape, value.shape)) {
      throw new ShapeError(
        `variable '${variable.name}' has shape ${formatShape(variable.shape)}, the value assigned to it ${formatShape(value.shape)}`,
        'a variable keeps its shape: reshape the value, or make another variable',
      );
    }
    if (variable.dtype !== value.dtype) {
      throw new DtypeError(
        `variable '${variable.name}' is ${variable.dtype}, the value assigned to it ${value.dtype}`,
        `convert it with .cast('${variable.dtype}')`,
      );
    }
    this.assignments.set(variable, value);
  }
}

let active: Trace | undefined;

/** The trace in progress; throws `ConfigError` outside one. */
export function currentTrace(): Trace {
  if (!active) {
    throw new ConfigError(
      'no trace is in progress',
      'call this inside the function given to engine.compile() or trace()',
    );
  }
  return active;
}

/** Whether layers such as dropout behave as in training. */
export function isTraining(): boolean {
  return active?.training ?? false;
}

/** Runs `body` with every read of a variable in `substitutes` reading its substitute: a network with averaged weights, say. */
export function substituting<T>(substitutes: ReadonlyMap<Variable, Variable>, body: () => T): T {
  const current = currentTrace();
  const outer = current.substitutes;
  current.substitutes = new Map([...outer, ...substitutes]);
  try {
    return body();
  } finally {
    current.substitutes = outer;
  }
}

export interface TraceOptions {
  /** Dropout and the like are active. Default false. */
  readonly training?: boolean;
}

/** What a traced function may return: one tensor (named `output`), named tensors, or nothing. */
export type Traced = Tensor | Readonly<Record<string, Tensor>> | undefined;

/** Traces `body` into a graph. Throws what `body` throws; `ConfigError` when traces nest. */
export function trace(body: () => Traced, { training = false }: TraceOptions = {}): Graph {
  if (active)
    throw new ConfigError('a trace is already in progress', 'do not call engine.compile() inside a traced function');
  const current = new Trace(training);
  active = current;
  try {
    const result = body();
    const entries = result instanceof Tensor ? [['output', result] as const] : Object.entries(result ?? {});
    for (const [name, value] of entries) {
      if (!(value instanceof Tensor)) {
        throw new ConfigError(
          `the traced function returned '${name}', which is not a tensor`,
          'return { name: tensor, … }',
        );
      }
    }
    const { inputs, variables, randoms, assignments } = current;
    checkLeaves(current, [...entries.map(([, tensor]) => tensor), ...assignments.values()]);
    return { inputs, variables, randoms, outputs: new Map(entries), assignments };
  } finally {
    active = undefined;
  }
}

/** Throws `ConfigError` when a result reads an input, variable or draw that another trace recorded. */
function checkLeaves({ inputs, variables, randoms }: Trace, results: readonly Tensor[]): void {
  const known = new Set([...inputs.values(), ...variables.values(), ...randoms].map((tensor) => tensor.node));
  for (const node of topologicalOrder(results)) {
    if ((node.op === 'input' || node.op === 'variable' || node.op === 'random') && !known.has(node)) {
      throw new ConfigError(
        `a result reads ${node.outputs[0]}, which belongs to another trace`,
        'make every tensor inside the function that is traced; keep values between runs in variables',
      );
    }
  }
}

/** Declares an input of the program being traced. */
export function input(name: string, shape: Shape, dtype: Dtype = 'float32'): Tensor {
  return currentTrace().input(name, shape, dtype);
}

/** Randomness inside a trace: becomes an input that the runtime fills from (seed, step, draw). */
export const random = {
  /** Standard normal, float32. */
  normal: (shape: Shape): Tensor => currentTrace().random('normal', shape),
  /** Uniform in [0, 1), float32. */
  uniform: (shape: Shape): Tensor => currentTrace().random('uniform', shape),
} as const;
