/** @file Variables: named state that stays with the engine between runs. */
import { type Dtype, type NdArray, type Shape, zeros } from '../tensor/index.ts';
import type { Tensor } from './tensor.ts';
import { currentTrace } from './trace.ts';

export interface VariableOptions {
  readonly name?: string;
  readonly dtype?: Dtype;
  /** First value, made when an engine first needs it; zeros by default. */
  readonly initial?: () => NdArray;
  /** Whether `initial` gives the same numbers at every call, so that engines may ask again instead of keeping them. Default false. */
  readonly repeatable?: boolean;
}

/** A named slot of fixed shape and dtype. Its values live in engines; `initial()` gives the first one. */
export class Variable {
  readonly shape: Shape;
  readonly dtype: Dtype;
  name: string;
  #initial: () => NdArray;
  #repeatable: boolean;

  constructor(
    shape: Shape,
    { name = '', dtype = 'float32', initial, repeatable = initial === undefined }: VariableOptions = {},
  ) {
    this.shape = [...shape];
    this.dtype = dtype;
    this.name = name;
    this.#initial = initial ?? (() => zeros(this.shape, this.dtype));
    this.#repeatable = repeatable;
  }

  /** The value a fresh engine starts from. */
  initial(): NdArray {
    return this.#initial();
  }

  /** Replaces the value that engines start from (engines that hold the variable already keep theirs: use `engine.write`). */
  setInitial(initial: () => NdArray, { repeatable = false }: Pick<VariableOptions, 'repeatable'> = {}): void {
    this.#initial = initial;
    this.#repeatable = repeatable;
  }

  /** Whether `initial()` gives the same numbers at every call. */
  get repeatable(): boolean {
    return this.#repeatable;
  }

  /** Inside a trace: the current value, after any assignment made before in the same trace. */
  get value(): Tensor {
    return currentTrace().read(this);
  }

  /** Inside a trace: the value this variable has after the run. */
  assign(value: Tensor): void {
    currentTrace().assign(this, value);
  }
}
