/** @file Derivatives of reductions, scans and normalisations. */
import type { NodeOf, Tensor } from '../graph/index.ts';
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

/**
 * Per channel row r = (b, c) the derivative is affine in dy and x:
 * `dx = (gamma · invStd) dy + p x + q`, with p and q from the row sums of dy and dy · x.
 */
function groupNormRule(
  { inputs, outputs: [, mean, invStd], attrs: { groups } }: NodeOf<'groupNorm'>,
  [dy, dMean, dInvStd]: readonly (Tensor | undefined)[],
): readonly (Tensor | undefined)[] {
  const [x, gamma] = inputs as [Tensor, Tensor];
  const [batch, channels] = x.shape as [number, number];
  const perGroup = channels / groups;
  const pixels = sizeOf(x.shape.slice(2));
  const count = perGroup * pixels;
  const rows = x.reshape([batch * channels, pixels]);
  const grouped = (t: Tensor): Tensor => t.reshape([batch, groups, perGroup]);
  const perChannel = (t: Tensor): Tensor =>
    t
      .unsqueeze(2)
      .expand([batch, groups, perGroup])
      .reshape([batch * channels, 1]);

  let p: Tensor | undefined;
  let q: Tensor | undefined;
  let direct: Tensor | undefined;
  let dGamma: Tensor | undefined;
  let dBeta: Tensor | undefined;
  if (dy) {
    const dyRows = dy.reshape([batch * channels, pixels]);
    const sumDy = dyRows.sum({ axes: 1 });
    const sumDyX = dyRows.unsqueeze(1).matmul(rows.unsqueeze(1), { transposeB: true });
    const gammaGrouped = gamma.reshape([1, groups, perGroup]);
    const s1 = grouped(sumDy);
    const s2 = grouped(sumDyX);
    const groupDy = s1.mul(gammaGrouped).sum({ axes: 2 });
    const groupDyX = s2.mul(gammaGrouped).sum({ axes: 2 });
    const projection = groupDyX.sub(mean!.mul(groupDy)).mul(invStd!);
    p = projection
      .mul(invStd!)
      .mul(invStd!)
      .mul(-1 / count);
    q = groupDy
      .mul(invStd!)
      .mul(-1 / count)
      .sub(p.mul(mean!));
    direct = dyRows;
    dBeta = s1.sum({ axes: 0 }).reshape([channels]);
    dGamma = s2
      .sub(s1.mul(mean!.unsqueeze(2)))
      .mul(invStd!.unsqueeze(2))
      .sum({ axes: 0 })
      .reshape([channels]);
  }
  if (dMean) q = add(q, dMean.mul(1 / count));
  if (dInvStd) {
    const slope = dInvStd
      .mul(invStd!)
      .mul(invStd!)
      .mul(invStd!)
      .mul(-1 / count);
    p = add(p, slope);
    q = add(q, slope.mul(mean!).neg());
  }
  let dx: Tensor | undefined;
  if (direct) {
    const scale = gamma.reshape([1, groups, perGroup]).mul(invStd!.unsqueeze(2));
    dx = direct.mul(scale.reshape([batch * channels, 1]));
  }
  if (p) dx = add(dx, rows.mul(perChannel(p)));
  if (q) dx = dx ? dx.add(perChannel(q)) : perChannel(q).expand(rows.shape);
  return [dx?.reshape(x.shape), dGamma, dBeta];
}

function add(a: Tensor | undefined, b: Tensor): Tensor {
  return a ? a.add(b) : b;
}
