/** @file Functions over windows and spatial axes: convolution, pooling, resizing. */
import { ConfigError } from '../tensor/index.ts';
import type { ConvAttrs } from './node.ts';
import { createNode, type Tensor, type TensorLike, toTensor } from './tensor.ts';

/** One value for every spatial axis, or one per axis. */
export type PerAxis<T> = T | readonly T[];

export interface ConvOptions {
  readonly stride?: PerAxis<number>;
  /** Zero padding on both sides, or `[before, after]` pairs per axis. */
  readonly padding?: PerAxis<number> | readonly (readonly [number, number])[];
  readonly dilation?: PerAxis<number>;
  readonly groups?: number;
}

function perAxis(value: PerAxis<number>, rank: number): number[] {
  return typeof value === 'number' ? new Array<number>(rank).fill(value) : [...value];
}

function paddingPairs(padding: NonNullable<ConvOptions['padding']>, rank: number): (readonly [number, number])[] {
  if (typeof padding === 'number') return new Array(rank).fill([padding, padding]);
  return padding.map((entry) => (typeof entry === 'number' ? [entry, entry] : entry) as readonly [number, number]);
}

function convAttrs(rank: number, { stride = 1, padding = 0, dilation = 1, groups = 1 }: ConvOptions): ConvAttrs {
  return {
    stride: perAxis(stride, rank),
    padding: paddingPairs(padding, rank),
    dilation: perAxis(dilation, rank),
    groups,
  };
}

/**
 * Convolution (cross-correlation, as everywhere in deep learning) in one or two spatial dimensions.
 * x: [B, C, ...spatial], weight: [O, C / groups, ...kernel], bias: [O] → [B, O, ...spatial'].
 */
export function conv(x: Tensor, weight: TensorLike, bias?: TensorLike, options: ConvOptions = {}): Tensor {
  const inputs = [x, toTensor(weight)];
  if (bias !== undefined) inputs.push(toTensor(bias));
  return createNode('conv', inputs, convAttrs(x.rank - 2, options));
}

/** Transposed convolution. x: [B, C, ...spatial], weight: [C, O / groups, ...kernel] → [B, O, ...spatial']. */
export function convTranspose(
  x: Tensor,
  weight: TensorLike,
  bias?: TensorLike,
  { outputPadding = 0, ...options }: ConvOptions & { readonly outputPadding?: PerAxis<number> } = {},
): Tensor {
  const kernel = toTensor(weight);
  const attrs = convAttrs(x.rank - 2, options);
  const extra = perAxis(outputPadding, x.rank - 2);
  const outputSpatial = extra.map((extraPixels, axis) => {
    const [before, after] = attrs.padding[axis]!;
    const reach = attrs.dilation[axis]! * (kernel.shape[axis + 2]! - 1) + 1;
    return (x.shape[axis + 2]! - 1) * attrs.stride[axis]! - before - after + reach + extraPixels;
  });
  const y = createNode('convTranspose', [x, kernel], { ...attrs, outputSpatial });
  return bias === undefined ? y : y.add(toTensor(bias).reshape([1, -1, ...outputSpatial.map(() => 1)]));
}

export interface PoolOptions {
  /** Defaults to the kernel. */
  readonly stride?: PerAxis<number>;
  readonly padding?: ConvOptions['padding'];
}

/** Largest value of each window. x: [B, C, ...spatial]; padding never wins. */
export function maxPool(x: Tensor, kernel: PerAxis<number>, { stride, padding = 0 }: PoolOptions = {}): Tensor {
  const rank = x.rank - 2;
  const size = perAxis(kernel, rank);
  return createNode('maxPool', [x], {
    kernel: size,
    stride: perAxis(stride ?? size, rank),
    padding: paddingPairs(padding, rank),
  });
}

/** Mean of each window. x: [B, C, ...spatial]; `countPadding` counts padded zeros, as PyTorch does by default. */
export function avgPool(
  x: Tensor,
  kernel: PerAxis<number>,
  { stride, padding = 0, countPadding = true }: PoolOptions & { readonly countPadding?: boolean } = {},
): Tensor {
  const rank = x.rank - 2;
  const size = perAxis(kernel, rank);
  return createNode('avgPool', [x], {
    kernel: size,
    stride: perAxis(stride ?? size, rank),
    padding: paddingPairs(padding, rank),
    countPadding,
  });
}

export interface ResizeOptions {
  /** Target extents of the spatial axes; or give `scale`. */
  readonly size?: readonly number[];
  readonly scale?: PerAxis<number>;
  /** Default nearest. */
  readonly mode?: 'nearest' | 'bilinear';
  /** Corner pixels map to corner pixels (bilinear only). Default false. */
  readonly alignCorners?: boolean;
}

/** Resizes the spatial axes of x: [B, C, ...spatial], as `torch.nn.functional.interpolate` does. */
export function resize(x: Tensor, { size, scale, mode = 'nearest', alignCorners = false }: ResizeOptions): Tensor {
  if ((size === undefined) === (scale === undefined)) {
    throw new ConfigError('resize takes either size or scale', 'e.g. resize(x, { scale: 2 })');
  }
  const factors = perAxis(scale ?? 1, x.rank - 2);
  const target = size ?? x.shape.slice(2).map((extent, axis) => Math.floor(extent * factors[axis]!));
  if (target.every((extent, axis) => extent === x.shape[axis + 2])) return x;
  return createNode('resize', [x], { mode, size: [...target], alignCorners });
}

/** All positions in a window of `kernel`, last axis fastest. */
export function kernelPositions(kernel: readonly number[]): number[][] {
  return kernel.reduce<number[][]>(
    (all, extent) => all.flatMap((prefix) => Array.from({ length: extent }, (_, i) => [...prefix, i])),
    [[]],
  );
}
