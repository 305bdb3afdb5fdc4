/** @file Tensors made of values and of other tensors: filled, counted, joined, chosen. */
import { ConfigError, type Dtype, fromFloat64, normalizeAxis, type Shape } from '../tensor/index.ts';
import { constant, createNode, scalar, Tensor, type TensorLike, toTensor } from './tensor.ts';

/** A tensor filled with `value`: an expanded scalar. */
export function full(shape: Shape, value: number, dtype: Dtype = 'float32'): Tensor {
  return scalar(value, dtype).expand(shape);
}

/** Integers `start, start + 1, …` as a constant of shape [count]. */
export function arange(
  count: number,
  { start = 0, dtype = 'float32' }: { readonly start?: number; readonly dtype?: Dtype } = {},
): Tensor {
  const values = Float64Array.from({ length: count }, (_, i) => start + i);
  return constant({ dtype, shape: [count], data: fromFloat64(values, dtype) });
}

/** Joins tensors along `axis`. */
export function concat(tensors: readonly Tensor[], axis = 0): Tensor {
  const [first] = tensors;
  if (!first) throw new ConfigError('concat needs at least one tensor');
  return tensors.length === 1 ? first : createNode('concat', tensors, { axis: normalizeAxis(axis, first.rank) });
}

/** Joins tensors along a new axis. */
export function stack(tensors: readonly Tensor[], axis = 0): Tensor {
  return concat(
    tensors.map((tensor) => tensor.unsqueeze(axis)),
    axis < 0 ? axis + (tensors[0]?.rank ?? 0) + 1 : axis,
  );
}

/** `condition ? a : b`, element by element. */
export function where(condition: Tensor, a: TensorLike, b: TensorLike): Tensor {
  const dtype = a instanceof Tensor ? a.dtype : b instanceof Tensor ? b.dtype : 'float32';
  return createNode('where', [condition, toTensor(a, dtype), toTensor(b, dtype)], {});
}
