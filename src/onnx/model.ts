/** @file ONNX models as plain data, and their serialisation (messages of onnx.proto3). */
import { byteLength, type Dtype, type NdArray, type Shape } from '../tensor/index.ts';
import { ProtobufWriter } from './protobuf.ts';

/** Value of a node attribute: a float must be wrapped, so that `1` stays an integer. */
export type OnnxAttribute =
  | number
  | string
  | readonly number[]
  | { readonly float: number }
  | { readonly tensor: NdArray }
  | { readonly graph: OnnxGraph };

export interface OnnxNode {
  readonly opType: string;
  /** '' is the default ONNX domain. */
  readonly domain: string;
  /** Names of values; '' leaves an optional input out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, OnnxAttribute>>;
  /** Values that graphs among the attributes read from the graph around them. */
  readonly captures?: readonly string[];
}

export interface OnnxValue {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: Shape;
}

/** Nodes with their inputs and outputs: a model, or what an operator such as Scan repeats. */
export interface OnnxGraph {
  readonly nodes: readonly OnnxNode[];
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
}

export interface OnnxModel extends OnnxGraph {
  readonly initializers: ReadonlyMap<string, NdArray>;
  readonly opsets: Readonly<Record<string, number>>;
  /** Free-form description kept in the file. */
  readonly metadata?: Readonly<Record<string, string>>;
}

const DATA_TYPE: Readonly<Record<Dtype, number>> = {
  float32: 1,
  uint8: 2,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
  float64: 11,
};

/** ONNX's number for an element type. */
export function onnxDataType(dtype: Dtype): number {
  return DATA_TYPE[dtype];
}

/** Initialisers above this many bytes go to the external file when there is one. */
const EXTERNAL_FROM = 1024;

/** protobuf cannot hold 2 GiB; stay clear of it. */
export const PROTOBUF_LIMIT = 2 ** 31 - 2 ** 24;

/**
 * A serialised model. `external` holds the weights that did not go into `bytes`, to be written one after the other as
 * `externalName` beside it; or each on its own, as `externalName.0`, `externalName.1` and so on.
 */
export interface SerializedModel {
  readonly bytes: Uint8Array;
  readonly external: readonly Uint8Array[];
  readonly externalName: string | undefined;
}

export interface SerializeOptions {
  /** Name of the external data file. By default weights stay inside unless the model would pass 2 GB. */
  readonly externalName?: string;
  /** Bytes of weights that stay inside by default. Default: as many as a protobuf message holds. */
  readonly insideLimit?: number;
  /** Whether every external weight is in a file of its own: what is in memory then needs no joining. Default false. */
  readonly eachApart?: boolean;
}

/** Writes a model as ONNX bytes, with its large weights as external data when they do not fit (or `externalName` asks for it). */
export function serializeModel(
  model: OnnxModel,
  { externalName, insideLimit = PROTOBUF_LIMIT, eachApart = false }: SerializeOptions = {},
): SerializedModel {
  const weightBytes = [...model.initializers.values()].reduce((total, array) => total + byteLength(array), 0);
  const name = externalName ?? (weightBytes > insideLimit ? 'weights.bin' : undefined);
  const external: Uint8Array[] = [];
  let externalOffset = 0;
  const writer = new ProtobufWriter();
  writer.integer(1, 10); // ir_version
  writer.string(2, 'inkwash');
  for (const [domain, version] of Object.entries(model.opsets)) {
    writer.message(8, (opset) => opset.string(1, domain).integer(2, version));
  }
  writer.message(7, (graph) => {
    for (const node of model.nodes) graph.message(1, (out) => writeNode(out, node));
    graph.string(2, 'inkwash');
    for (const [initializer, array] of model.initializers) {
      graph.message(5, (out) => {
        const bytes = rawBytes(array);
        if (name === undefined || bytes.length < EXTERNAL_FROM) {
          writeTensor(out, array, initializer, bytes);
          return;
        }
        writeTensor(out, array, initializer, undefined);
        const entry = (key: string, value: string): void => {
          out.message(13, (pair) => pair.string(1, key).string(2, value));
        };
        entry('location', eachApart ? `${name}.${external.length}` : name);
        entry('offset', `${eachApart ? 0 : externalOffset}`);
        entry('length', `${bytes.length}`);
        out.integer(14, 1); // data_location = EXTERNAL
        external.push(bytes);
        externalOffset += bytes.length;
      });
    }
    for (const value of model.inputs) graph.message(11, (out) => writeValue(out, value));
    for (const value of model.outputs) graph.message(12, (out) => writeValue(out, value));
  });
  for (const [key, value] of Object.entries(model.metadata ?? {})) {
    writer.message(14, (entry) => entry.string(1, key).string(2, value));
  }
  return { bytes: writer.finish(), external, externalName: name };
}

function rawBytes(array: NdArray): Uint8Array {
  const { data } = array;
  return new Uint8Array(data.buffer, data.byteOffset, byteLength(array));
}

function writeTensor(
  out: ProtobufWriter,
  { dtype, shape }: NdArray,
  name: string,
  bytes: Uint8Array | undefined,
): void {
  for (const extent of shape) out.integer(1, extent);
  out.integer(2, DATA_TYPE[dtype]);
  if (name) out.string(8, name);
  if (bytes) out.bytes(9, bytes);
}

function writeValue(out: ProtobufWriter, { name, dtype, shape }: OnnxValue): void {
  out.string(1, name);
  out.message(2, (type) =>
    type.message(1, (tensor) => {
      tensor.integer(1, DATA_TYPE[dtype]);
      tensor.message(2, (dims) => {
        for (const extent of shape) dims.message(1, (dim) => dim.integer(1, extent));
      });
    }),
  );
}

/** All values that a node reads, its inner graphs included. */
export function readsOf({ inputs, captures = [] }: OnnxNode): readonly string[] {
  return captures.length === 0 ? inputs : [...inputs, ...captures];
}

/** The operator domains that nodes use, inner graphs included. */
export function domainsOf(nodes: readonly OnnxNode[]): Set<string> {
  const domains = new Set<string>();
  for (const { domain, attributes } of nodes) {
    domains.add(domain);
    for (const value of Object.values(attributes)) {
      if (typeof value === 'object' && 'graph' in value)
        for (const inner of domainsOf(value.graph.nodes)) domains.add(inner);
    }
  }
  return domains;
}

const ATTRIBUTE_TYPE = { float: 1, int: 2, string: 3, tensor: 4, graph: 5, ints: 7 } as const;

function writeNode(out: ProtobufWriter, { opType, domain, inputs, outputs, attributes }: OnnxNode): void {
  for (const input of inputs) out.string(1, input);
  for (const output of outputs) out.string(2, output);
  out.string(4, opType);
  for (const [name, value] of Object.entries(attributes)) {
    out.message(5, (attribute) => {
      attribute.string(1, name);
      if (typeof value === 'number') attribute.integer(3, value).integer(20, ATTRIBUTE_TYPE.int);
      else if (typeof value === 'string') attribute.string(4, value).integer(20, ATTRIBUTE_TYPE.string);
      else if ('float' in value) attribute.float(2, value.float).integer(20, ATTRIBUTE_TYPE.float);
      else if ('tensor' in value) {
        attribute.message(5, (tensor) => writeTensor(tensor, value.tensor, '', rawBytes(value.tensor)));
        attribute.integer(20, ATTRIBUTE_TYPE.tensor);
      } else if ('graph' in value) {
        attribute.message(6, (graph) => {
          for (const node of value.graph.nodes) graph.message(1, (inner) => writeNode(inner, node));
          graph.string(2, name);
          for (const input of value.graph.inputs) graph.message(11, (inner) => writeValue(inner, input));
          for (const output of value.graph.outputs) graph.message(12, (inner) => writeValue(inner, output));
        });
        attribute.integer(20, ATTRIBUTE_TYPE.graph);
      } else {
        for (const item of value) attribute.integer(8, item);
        attribute.integer(20, ATTRIBUTE_TYPE.ints);
      }
    });
  }
  if (domain) out.string(7, domain);
}
