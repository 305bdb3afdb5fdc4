/** @file What a graph is made of: nodes, and the attributes each op carries. */
import type { Dtype, NdArray, Shape } from '../tensor/index.ts';
import type { Tensor } from './tensor.ts';
import type { Variable } from './variable.ts';

/** No attributes. */
export type None = Readonly<Record<never, never>>;

export type UnaryOp =
  | 'neg'
  | 'abs'
  | 'sign'
  | 'exp'
  | 'log'
  | 'sqrt'
  | 'reciprocal'
  | 'sin'
  | 'cos'
  | 'tanh'
  | 'sigmoid'
  | 'erf'
  | 'relu'
  | 'floor'
  | 'ceil'
  | 'round'
  | 'not';

export type BinaryOp =
  | 'add'
  | 'sub'
  | 'mul'
  | 'div'
  | 'pow'
  | 'mod'
  | 'maximum'
  | 'minimum'
  | 'and'
  | 'or'
  | Comparison;
export type Comparison = 'equal' | 'less' | 'lessEqual' | 'greater' | 'greaterEqual';
export type ReduceOp = 'sum' | 'mean' | 'max' | 'min' | 'prod';

/** Distribution of a random draw: standard normal, or uniform in [0, 1). */
export type Distribution = 'normal' | 'uniform';

/** Spatial settings of a convolution, one entry per spatial axis. `padding` is `[before, after]`. */
export interface ConvAttrs {
  readonly stride: readonly number[];
  readonly padding: readonly (readonly [number, number])[];
  readonly dilation: readonly number[];
  readonly groups: number;
}

/** Spatial settings of a pooling window. */
export interface PoolAttrs {
  readonly kernel: readonly number[];
  readonly stride: readonly number[];
  readonly padding: readonly (readonly [number, number])[];
}

/** `channelsFirst`: operands are [..., channels, tokens], as feature maps are stored, not [..., tokens, channels]. */
export interface AttentionAttrs {
  readonly scale: number;
  readonly channelsFirst: boolean;
}

type Elementwise = { readonly [K in UnaryOp | BinaryOp]: None };
type Reductions = { readonly [K in ReduceOp]: { readonly axes: readonly number[]; readonly keepDims: boolean } };

/** Every op, with what it carries beside its inputs. Adding an op starts here: the compiler then asks for each table. */
export interface OpAttrs extends Elementwise, Reductions {
  // leaves
  readonly input: { readonly name: string; readonly dtype: Dtype; readonly shape: Shape };
  readonly constant: { readonly value: NdArray };
  readonly variable: { readonly variable: Variable };
  readonly random: { readonly distribution: Distribution; readonly draw: number; readonly shape: Shape };
  // elementwise, mixed
  readonly where: None;
  readonly cast: { readonly dtype: Dtype };
  // along an axis
  readonly argMax: { readonly axis: number; readonly keepDims: boolean };
  readonly argMin: { readonly axis: number; readonly keepDims: boolean };
  readonly cumSum: { readonly axis: number; readonly exclusive: boolean; readonly reverse: boolean };
  readonly topK: { readonly k: number; readonly axis: number; readonly largest: boolean };
  readonly oneHot: { readonly depth: number; readonly dtype: Dtype };
  // linear algebra and windows
  readonly matmul: { readonly transposeA: boolean; readonly transposeB: boolean };
  readonly conv: ConvAttrs;
  readonly convTranspose: ConvAttrs & { readonly outputSpatial: readonly number[] };
  readonly convWeightGrad: ConvAttrs & { readonly kernel: readonly number[] };
  readonly maxPool: PoolAttrs;
  readonly avgPool: PoolAttrs & { readonly countPadding: boolean };
  // movement
  readonly reshape: { readonly shape: Shape };
  readonly transpose: { readonly perm: readonly number[] };
  readonly expand: { readonly shape: Shape };
  readonly slice: {
    readonly starts: readonly number[];
    readonly stops: readonly number[];
    readonly steps: readonly number[];
  };
  readonly flip: { readonly axes: readonly number[] };
  readonly pad: { readonly padding: readonly (readonly [number, number])[]; readonly value: number };
  readonly concat: { readonly axis: number };
  readonly gather: { readonly axis: number };
  readonly scatterAdd: { readonly size: number };
  // composites: each has a decomposition into the ops above
  readonly silu: None;
  readonly siluGrad: None;
  readonly gelu: { readonly approximate: 'none' | 'tanh' };
  readonly softplus: None;
  readonly softmax: { readonly axis: number };
  readonly logSoftmax: { readonly axis: number };
  readonly normalize: { readonly axis: number; readonly epsilon: number };
  readonly groupNorm: { readonly groups: number; readonly epsilon: number };
  readonly groupNormGrad: { readonly groups: number };
  readonly detach: None;
  readonly rmsNormalize: { readonly axis: number; readonly epsilon: number };
  readonly attention: AttentionAttrs;
  readonly attentionGrad: AttentionAttrs;
  readonly resize: {
    readonly mode: 'nearest' | 'bilinear';
    readonly size: readonly number[];
    readonly alignCorners: boolean;
  };
}

export type OpName = keyof OpAttrs;

/** One application of an op: immutable, shared by every tensor that reads it. */
export interface NodeOf<K extends OpName> {
  readonly op: K;
  readonly inputs: readonly Tensor[];
  readonly attrs: OpAttrs[K];
  /** One tensor per output; most ops have one. */
  readonly outputs: readonly Tensor[];
  /** Creation order: an input always has a smaller number than its reader. */
  readonly id: number;
  /** Module path where it was traced, e.g. `downBlocks.0.resnets.1`, or ''. */
  readonly scope: string;
}

/** A node of any op; `switch (node.op)` narrows its attributes. */
export type Node = { [K in OpName]: NodeOf<K> }[OpName];
