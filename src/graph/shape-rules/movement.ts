/** @file Shape rules of ops that move elements without computing. */
import { broadcastShapes, formatShape, ShapeError, sameShape, sizeOf } from '../../tensor/index.ts';
import { formatType, one, requireIntegers, type ShapeRules, type TensorType } from './rule.ts';

/** Elements keep their dtype. */
export const movementShapes = {
  reshape: ([x], { shape }) => {
    if (sizeOf(shape) !== sizeOf(x!.shape)) {
      throw new ShapeError(
        `reshape: ${formatType(x!)} has ${sizeOf(x!.shape)} elements, ${formatShape(shape)} has ${sizeOf(shape)}`,
        'one extent may be -1, and becomes what is left',
      );
    }
    return one(shape, x!.dtype);
  },
  transpose: ([x], { perm }) => {
    if (perm.length !== x!.shape.length || [...perm].sort((a, b) => a - b).some((axis, i) => axis !== i)) {
      throw new ShapeError(
        `transpose: [${perm.join(', ')}] is not a permutation of the axes of ${formatType(x!)}`,
        'name every axis once',
      );
    }
    return one(
      perm.map((axis) => x!.shape[axis]!),
      x!.dtype,
    );
  },
  expand: ([x], { shape }) => {
    if (!sameShape(broadcastShapes(x!.shape, shape), shape)) {
      throw new ShapeError(
        `expand: ${formatType(x!)} does not broadcast to ${formatShape(shape)}`,
        'only axes of extent 1, and new leading axes, can be repeated',
      );
    }
    return one(shape, x!.dtype);
  },
  slice: ([x], { starts, stops, steps }) =>
    one(
      x!.shape.map((extent, axis) => {
        const start = starts[axis]!;
        const stop = stops[axis]!;
        if (start < 0 || stop > extent || start >= stop || steps[axis]! < 1) {
          throw new ShapeError(
            `slice: ${start}:${stop}:${steps[axis]} selects nothing or leaves ${formatType(x!)} at axis ${axis}`,
            `choose 0 ≤ start < stop ≤ ${extent} and a step of at least 1`,
          );
        }
        return Math.ceil((stop - start) / steps[axis]!);
      }),
      x!.dtype,
    ),
  flip: ([x]) => one(x!.shape, x!.dtype),
  pad: ([x], { padding }) =>
    one(
      x!.shape.map((extent, axis) => extent + padding[axis]![0] + padding[axis]![1]),
      x!.dtype,
    ),
  concat: (inputs, { axis }) => {
    const [first] = inputs as [TensorType];
    let total = 0;
    for (const type of inputs) {
      const fits =
        type.shape.length === first.shape.length && type.shape.every((n, i) => i === axis || n === first.shape[i]);
      if (!fits || type.dtype !== first.dtype) {
        throw new ShapeError(
          `concat at axis ${axis}: ${formatType(type)} does not fit ${formatType(first)}`,
          `dtypes and all extents but that of axis ${axis} must be equal`,
        );
      }
      total += type.shape[axis]!;
    }
    return one(
      first.shape.map((extent, i) => (i === axis ? total : extent)),
      first.dtype,
    );
  },
  gather: ([x, indices], { axis }) => {
    requireIntegers('gather', indices!);
    return one([...x!.shape.slice(0, axis), ...indices!.shape, ...x!.shape.slice(axis + 1)], x!.dtype);
  },
  // inputs: indices [...I], updates [...I, ...rest]; result [size, ...rest]
  scatterAdd: ([indices, updates], { size }) => {
    const rank = indices!.shape.length;
    if (!sameShape(indices!.shape, updates!.shape.slice(0, rank))) {
      throw new ShapeError(
        `scatterAdd: updates ${formatType(updates!)} do not start with the shape of ${formatType(indices!)}`,
      );
    }
    return one([size, ...updates!.shape.slice(rank)], updates!.dtype);
  },
  oneHot: ([indices], { depth, dtype }) => {
    requireIntegers('oneHot', indices!);
    return one([...indices!.shape, depth], dtype);
  },
} satisfies Partial<ShapeRules>;
