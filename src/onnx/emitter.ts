/** @file Collects the ONNX nodes a lowering writes. */
import type { Node } from '../graph/index.ts';
import {
  bytesPerElement,
  type Dtype,
  fromFloat64,
  type NdArray,
  type Shape,
  sameShape,
  sizeOf,
} from '../tensor/index.ts';
import { type OnnxAttribute, type OnnxNode, type OnnxValue, readsOf } from './model.ts';

/** Name of an ONNX value. */
export type ValueName = string;

export interface EmitOptions {
  readonly domain?: string;
  /** Values that graphs among the attributes read from the graph around them. */
  readonly captures?: readonly ValueName[];
  /** How many outputs to name. Default 1. */
  readonly outputs?: number;
}

/** Some of the channels of pictures, in blocks. */
export interface BlocksPart {
  readonly values: ValueName;
  readonly channels: number;
}

/** Pictures in ONNX Runtime's blocked layout. */
export interface Blocks {
  readonly values: ValueName;
  /** What they are beside each other, when nothing needs them joined so far: see `EmitterOptions`. */
  readonly parts?: readonly BlocksPart[];
  /** What they are the sum of, when they are one: pictures in blocks and a number per plane, [B, C, 1, 1]. */
  readonly sum?: { readonly blocks: ValueName; readonly shift: ValueName };
  /** The blocks that they enlarge, when every pixel of those is repeated `factors` times along each axis. */
  readonly repeats?: { readonly blocks: ValueName; readonly factors: readonly number[] };
  /** Writes the convolution that they come from once more, with other pictures in blocks added on the way. */
  readonly plus?: (other: ValueName) => ValueName;
  /** Writes their averages over windows of 2×2 pixels side by side, without them. */
  readonly halved?: () => ValueName;
}

/** What an emitter does beyond writing nodes. */
export interface EmitterOptions {
  /**
   * Whether joined channels are worked on apart as long as possible, which saves joining them where every kernel is constant;
   * a changing kernel and a backward pass would join what they read each time. Default false.
   */
  readonly channelsApart?: boolean;
  /** Convolutions whose constant kernels take no form that is larger. Default: none. */
  readonly plain?: ReadonlySet<Node>;
  /** The emitter of the graph around this one, which names its values and holds its constants. */
  readonly around?: Emitter;
}

/** A value of float32 and its shape. */
export interface Shaped {
  readonly name: ValueName;
  readonly shape: Shape;
}

/** Appends nodes with fresh value names; shares equal constants. */
export class Emitter {
  readonly nodes: OnnxNode[] = [];
  readonly initializers = new Map<ValueName, NdArray>();
  /** Shapes of values, where known: reshapes that change nothing are not written. */
  readonly #shapes = new Map<ValueName, Shape>();
  readonly #readers = new Map<ValueName, number>();
  /** What a reshaped value was reshaped from. */
  readonly #reshaped = new Map<ValueName, ValueName>();
  readonly #constants = new Map<string, ValueName>();
  readonly #rowOrders = new Map<string, ValueName>();
  readonly #emitted = new Map<string, readonly ValueName[]>();
  /** Pictures whose blocks are there too. */
  readonly #blocks = new Map<ValueName, Blocks>();
  readonly channelsApart: boolean;
  readonly plain: ReadonlySet<Node>;
  readonly #around: Emitter | undefined;
  #names = 0;

  constructor({ channelsApart = false, plain = new Set(), around }: EmitterOptions = {}) {
    this.channelsApart = channelsApart;
    this.plain = plain;
    this.#around = around;
  }

  fresh(prefix = 't'): ValueName {
    return this.#around?.fresh(prefix) ?? `${prefix}${this.#names++}`;
  }

  /** Appends a node; the same op over the same inputs is written once. */
  emitAll(
    opType: string,
    inputs: readonly ValueName[],
    attributes: Readonly<Record<string, OnnxAttribute>> = {},
    { domain = '', outputs = 1, captures }: EmitOptions = {},
  ): readonly ValueName[] {
    const key = `${domain}.${opType}(${inputs.join(',')})${JSON.stringify(attributes)}${outputs}`;
    const known = this.#emitted.get(key);
    if (known) return known;
    const names = Array.from({ length: outputs }, () => this.fresh());
    this.nodes.push({ opType, domain, inputs, outputs: names, attributes, ...(captures && { captures }) });
    this.#emitted.set(key, names);
    return names;
  }

  /** Appends a node of one output. */
  emit(
    opType: string,
    inputs: readonly ValueName[],
    attributes: Readonly<Record<string, OnnxAttribute>> = {},
    options: EmitOptions = {},
  ): ValueName {
    return this.emitAll(opType, inputs, attributes, options)[0]!;
  }

  /** A constant held in the model; small equal ones are shared. */
  constant(array: NdArray): ValueName {
    if (this.#around) return this.#around.constant(array);
    const small = sizeOf(array.shape) <= 2048;
    const key = small ? contentKey(array) : '';
    const known = this.#constants.get(key);
    if (known) return known;
    const name = this.fresh('c');
    this.initializers.set(name, array);
    if (small) this.#constants.set(key, name);
    return name;
  }

  ints(values: readonly number[]): ValueName {
    return this.constant({ dtype: 'int64', shape: [values.length], data: fromFloat64(values, 'int64') });
  }

  scalar(value: number, dtype: Dtype = 'float32'): ValueName {
    return this.constant({ dtype, shape: [], data: fromFloat64([value], dtype) });
  }

  /** A float32 constant of one repeated number. */
  filled(value: number, shape: Shape): ValueName {
    return this.constant({ dtype: 'float32', shape, data: new Float32Array(sizeOf(shape)).fill(value) });
  }

  /** A float32 constant of the numbers of `rows`. */
  matrix(rows: readonly (readonly number[])[]): ValueName {
    return this.constant({
      dtype: 'float32',
      shape: [rows.length, rows[0]!.length],
      data: Float32Array.from(rows.flat()),
    });
  }

  /** Records the shape of a value. */
  declareShape(name: ValueName, shape: Shape): void {
    this.#shapes.set(name, shape);
  }

  /** Records how many nodes and results read a value. */
  declareReaders(name: ValueName, count: number): void {
    this.#readers.set(name, count);
  }

  /** Whether one node alone reads a value. */
  isReadOnce(name: ValueName): boolean {
    return this.#readers.get(name) === 1;
  }

  /** Records that `blocks` are the values of `pictures`. */
  recordBlocks(pictures: ValueName, blocks: Blocks): void {
    this.#blocks.set(pictures, blocks);
  }

  /** The blocks of these pictures, where they were computed in blocks and go on in them. */
  blocksOf(pictures: ValueName): Blocks | undefined {
    return this.#blocks.get(pictures);
  }

  /**
   * Runs `body` over the elements of `sequences` along their first axis, in order; `state` goes from one to the next,
   * `initial` at first. Returns the state after the last and the results of all, stacked along a new first axis.
   * Memory is that of one element: it is the way to work on much in little.
   */
  scan(
    { initial, sequences }: { readonly initial: readonly Shaped[]; readonly sequences: readonly Shaped[] },
    body: (
      inner: Emitter,
      state: readonly ValueName[],
      elements: readonly ValueName[],
    ) => { readonly state: readonly ValueName[]; readonly results: readonly Shaped[] },
  ): { readonly state: readonly ValueName[]; readonly results: readonly ValueName[] } {
    const inner = new Emitter({ around: this });
    const declare = (shape: Shape): OnnxValue => {
      const name = inner.fresh();
      inner.declareShape(name, shape);
      return { name, dtype: 'float32', shape };
    };
    const states = initial.map(({ shape }) => declare(shape));
    const elements = sequences.map(({ shape }) => declare(shape.slice(1)));
    const names = (values: readonly OnnxValue[]): ValueName[] => values.map(({ name }) => name);
    const after = body(inner, names(states), names(elements));
    const written = new Set(inner.nodes.flatMap(({ outputs }) => outputs));
    const inputs = [...states, ...elements];
    const captures = new Set(
      inner.nodes.flatMap(readsOf).filter((name) => !written.has(name) && !names(inputs).includes(name)),
    );
    const outputs = [
      ...after.state.map((name, i) => ({ ...states[i]!, name })),
      ...after.results.map(({ name, shape }) => ({ name, dtype: 'float32' as const, shape })),
    ];
    const results = this.emitAll(
      'Scan',
      [...initial, ...sequences].map(({ name }) => name),
      { body: { graph: { nodes: inner.nodes, inputs, outputs } }, num_scan_inputs: sequences.length },
      { outputs: outputs.length, captures: [...captures] },
    );
    return { state: results.slice(0, states.length), results: results.slice(states.length) };
  }

  // the movements every lowering needs
  reshape(x: ValueName, shape: Shape): ValueName {
    const source = this.#reshaped.get(x) ?? x;
    const known = this.#shapes.get(source);
    if (known && sameShape(known, shape)) return source;
    const result = this.emit('Reshape', [source, this.ints(shape)]);
    this.#reshaped.set(result, source);
    this.#shapes.set(result, shape);
    return result;
  }
  transpose(x: ValueName, perm: readonly number[]): ValueName {
    return this.emit('Transpose', [x], { perm });
  }
  /**
   * x, taken as `shape`, with its axes in the order `perm`, which ends with the last one, and those in `reversed` turned
   * round. A Gather of rows: ONNX Runtime spreads it over threads, as it does not Transpose; two to three times as fast.
   */
  moveRows(x: ValueName, shape: Shape, perm: readonly number[], reversed: readonly number[] = []): ValueName {
    const key = `${shape}:${perm}:${reversed}`;
    let order = this.#rowOrders.get(key);
    if (order === undefined) {
      const data = rowOrder(shape, perm, reversed);
      order = this.constant({ dtype: 'int32', shape: [data.length], data });
      this.#rowOrders.set(key, order);
    }
    const rows = this.reshape(x, [sizeOf(shape.slice(0, -1)), shape.at(-1)!]);
    const moved = this.emit('Gather', [rows, order], { axis: 0 });
    return this.reshape(
      moved,
      perm.map((axis) => shape[axis]!),
    );
  }
  slice(
    x: ValueName,
    axes: readonly number[],
    starts: readonly number[],
    stops: readonly number[],
    steps?: readonly number[],
  ): ValueName {
    const inputs = [x, this.ints(starts), this.ints(stops), this.ints(axes)];
    if (steps) inputs.push(this.ints(steps));
    return this.emit('Slice', inputs);
  }
  pad(x: ValueName, padding: readonly (readonly [number, number])[]): ValueName {
    return this.emit('Pad', [
      x,
      this.ints([...padding.map(([before]) => before), ...padding.map(([, after]) => after)]),
    ]);
  }
  /** x, taken as `rows` rows, summed to [1, size]: a product with a row of ones, faster than reducing a leading axis. */
  sumRows(x: ValueName, rows: number, size: number): ValueName {
    if (rows === 1) return this.reshape(x, [1, size]);
    return this.emit('MatMul', [this.filled(1, [1, rows]), this.reshape(x, [rows, size])]);
  }
  reduceSum(x: ValueName, axes: readonly number[], keepDims: boolean): ValueName {
    return this.emit('ReduceSum', [x, this.ints(axes)], { keepdims: keepDims ? 1 : 0 });
  }
}

/** A text that equal arrays share: their bytes as characters, which is faster than printing them. */
function contentKey({ dtype, shape, data }: NdArray): string {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.length * bytesPerElement(dtype));
  return `${dtype}[${shape.join(',')}]${new TextDecoder('latin1').decode(bytes)}`;
}

/** For every row of the result of `moveRows`, the row of its source. */
function rowOrder(shape: Shape, perm: readonly number[], reversed: readonly number[]): Int32Array {
  const strides = shape.map((_, axis) => sizeOf(shape.slice(axis + 1, -1)));
  let order = [0];
  for (const axis of perm.slice(0, -1)) {
    const steps = Array.from({ length: shape[axis]! }, (_, i) => i * strides[axis]!);
    if (reversed.includes(axis)) steps.reverse();
    order = order.flatMap((row) => steps.map((step) => row + step));
  }
  return Int32Array.from(order);
}
