/** @file Derivatives of reductions, scans and normalisations. */
import { createOutputs, type NodeOf, type Tensor } from '../graph/index.ts';
import { reducedShape, sizeOf } from '../tensor/index.ts';
import type { VjpRule, VjpRules } from './rule.ts';

/** A reduced tensor with its reduced axes back, of extent 1. */
function keepDims(node: NodeOf<'sum' | 'mean' | 'max' | 'min'>, y: Tensor): Tensor {
  return y.reshape(reducedShape(node.inputs[0]!.shape, node.attrs.axes, true));
}

/** The extremal elements share the cotangent equally. */
const extremum: VjpRule<'max' | 'min'> = (node, [dy]) => {
  const [x] = node.inputs as [Tensor];
  const hit = x.equal(keepDims(node, node.outputs[0]!)).cast(x.dtype);
  const count = hit.sum({ axes: node.attrs.axes, keepDims: true });
  return [hit.mul(keepDims(node, dy!).div(count))];
};

export const reductionRules: VjpRules = {
  sum: (node, [dy]) => [keepDims(node, dy!).expand(node.inputs[0]!.shape)],
  mean: (node, [dy]) => {
    const [x] = node.inputs as [Tensor];
    const count = x.size / node.outputs[0]!.size;
    return [
      keepDims(node, dy!)
        .mul(1 / count)
        .expand(x.shape),
    ];
  },
  max: extremum,
  min: extremum,
  cumSum: ({ attrs }, [dy]) => [dy!.cumSum({ ...attrs, reverse: !attrs.reverse })],
  topK: ({ inputs: [x], outputs: [, indices], attrs: { axis } }, [dy]) => {
    if (!dy) return [undefined];
    // [..., k] picks scattered back over the axis: sum over k of one-hot rows
    const last = x!.rank - 1;
    const perm = x!.shape.map((_, i) => i).filter((i) => i !== axis);
    const rows = indices!.transpose([...perm, axis]).oneHot(x!.shape[axis]!, x!.dtype);
    const spread = rows.mul(dy.transpose([...perm, axis]).unsqueeze(-1)).sum({ axes: last });
    const inverse = [...perm, axis].map((_, i) => [...perm, axis].indexOf(i));
    return [spread.transpose(inverse)];
  },

  softmax: ({ outputs: [y], attrs: { axis } }, [dy]) => {
    const weighted = dy!.mul(y!);
    return [weighted.sub(y!.mul(weighted.sum({ axes: axis, keepDims: true })))];
  },
  logSoftmax: ({ outputs: [y], attrs: { axis } }, [dy]) => [
    dy!.sub(y!.exp().mul(dy!.sum({ axes: axis, keepDims: true }))),
  ],

  // y = (x - mean) · invStd; the statistics may receive cotangents of their own (derivatives of derivatives)
  normalize: ({ inputs: [x], outputs: [y, mean, invStd], attrs: { axis } }, [dy, dMean, dInvStd]) => {
    const axes = x!.shape.map((_, i) => i).filter((i) => i >= axis);
    const options = { axes, keepDims: true };
    const count = x!.size / mean!.size;
    let dx: Tensor | undefined;
    const accumulate = (term: Tensor): void => {
      dx = dx ? dx.add(term) : term;
    };
    if (dy)
      accumulate(
        dy
          .sub(dy.mean(options))
          .sub(y!.mul(dy.mul(y!).mean(options)))
          .mul(invStd!),
      );
    if (dMean) accumulate(dMean.mul(1 / count).expand(x!.shape));
    if (dInvStd)
      accumulate(
        y!.mul(
          dInvStd
            .mul(invStd!)
            .mul(invStd!)
            .mul(-1 / count),
        ),
      );
    return [dx];
  },
  groupNorm: groupNormRule,
};

/** `groupNormGrad` through the values; of n elements, `1 / n` through the mean and `-invStd³ (x - mean) / n` through 1 / standard deviation. */
function groupNormRule(
  { inputs, outputs: [, mean, invStd], attrs: { groups } }: NodeOf<'groupNorm'>,
  [dy, dMean, dInvStd]: readonly (Tensor | undefined)[],
): readonly (Tensor | undefined)[] {
  const [x, gamma] = inputs as [Tensor, Tensor];
  const { shape } = x;
  const batch = shape[0]!;
  const count = sizeOf(shape) / (batch * groups);
  const byGroup = (t: Tensor): Tensor => t.reshape([batch, groups, count]);
  const [fromValues, dGamma, dBeta] = dy
    ? createOutputs('groupNormGrad', [x, dy, gamma, mean!, invStd!], { groups })
    : [];
  let dx = fromValues && byGroup(fromValues);
  if (dMean)
    dx = add(
      dx,
      dMean
        .mul(1 / count)
        .unsqueeze(2)
        .expand([batch, groups, count]),
    );
  if (dInvStd) {
    const slope = dInvStd
      .mul(invStd!)
      .mul(invStd!)
      .mul(invStd!)
      .mul(-1 / count);
    dx = add(dx, byGroup(x).sub(mean!.unsqueeze(2)).mul(slope.unsqueeze(2)));
  }
  return [dx?.reshape(shape), dGamma, dBeta];
}

function add(a: Tensor | undefined, b: Tensor): Tensor {
  return a ? a.add(b) : b;
}
