/** @file Shape rules of reductions, normalisations and other ops along axes. */
import { DtypeError, reducedShape, ShapeError, sameShape } from '../../tensor/index.ts';
import type { OpAttrs, ReduceOp } from '../node.ts';
import { formatType, one, requireFloat, type ShapeRules, sameAsInput, type TensorType } from './rule.ts';

const reduce = (inputs: readonly TensorType[], attrs: OpAttrs[ReduceOp], op: ReduceOp): readonly TensorType[] => {
  const [x] = inputs as [TensorType];
  if (x.dtype === 'bool')
    throw new DtypeError(`${op} does not take ${formatType(x)}`, "convert it with .cast('int32')");
  if (op === 'mean') requireFloat(op, x);
  return one(reducedShape(x.shape, attrs.axes, attrs.keepDims), x.dtype);
};

const argReduce = (inputs: readonly TensorType[], attrs: OpAttrs['argMax']): readonly TensorType[] =>
  one(reducedShape(inputs[0]!.shape, [attrs.axis], attrs.keepDims), 'int64');

/** Axes that are reduced go, or stay with extent 1. */
export const reductionShapes = {
  sum: reduce,
  mean: reduce,
  max: reduce,
  min: reduce,
  prod: reduce,
  argMax: argReduce,
  argMin: argReduce,
  cumSum: ([x]) => one(x!.shape, x!.dtype),
  topK: ([x], { k, axis }) => {
    if (k < 1 || k > x!.shape[axis]!) {
      throw new ShapeError(
        `topK: k = ${k} does not fit ${x!.shape[axis]} elements of ${formatType(x!)} at axis ${axis}`,
        `choose k from 1 to ${x!.shape[axis]}`,
      );
    }
    const shape = x!.shape.map((extent, i) => (i === axis ? k : extent));
    return [
      { shape, dtype: x!.dtype },
      { shape, dtype: 'int64' },
    ];
  },
  softmax: sameAsInput,
  logSoftmax: sameAsInput,
  // outputs: normalised x, mean and 1 / standard deviation over the axes from `axis` on (kept with extent 1)
  normalize: ([x], { axis }) => {
    requireFloat('normalize', x!);
    const stats = x!.shape.map((extent, i) => (i >= axis ? 1 : extent));
    return [x!, { shape: stats, dtype: x!.dtype }, { shape: stats, dtype: x!.dtype }];
  },
  // inputs: x [B, C, ...], gamma [C], beta [C]; outputs: y, mean and 1 / standard deviation per group, [B, G]
  groupNorm: ([x, gamma, beta], { groups }) => {
    requireFloat('groupNorm', x!);
    const channels = x!.shape[1] ?? 0;
    if (channels === 0 || channels % groups !== 0) {
      throw new ShapeError(
        `groupNorm: the ${channels} channels of ${formatType(x!)} do not divide into ${groups} groups`,
        'choose a number of groups that divides the channels (norm_num_groups in diffusers configs)',
      );
    }
    if (!sameShape(gamma!.shape, [channels]) || !sameShape(beta!.shape, [channels])) {
      throw new ShapeError(
        `groupNorm: gamma and beta must have shape [${channels}], got ${formatType(gamma!)} and ${formatType(beta!)}`,
        `one number for each channel of ${formatType(x!)}`,
      );
    }
    const stats = { shape: [x!.shape[0]!, groups], dtype: x!.dtype };
    return [x!, stats, stats];
  },
  // inputs: x and dy [B, C, ...], gamma [C], mean and 1 / standard deviation [B, G]; outputs: dx, dgamma [C], dbeta [C]
  groupNormGrad: ([x, , gamma]) => [x!, gamma!, gamma!],
  rmsNormalize: sameAsInput,
} satisfies Partial<ShapeRules>;
