/** @file Composite ops written in primitives: what gradients and poor targets use. Each formula is the op's definition. */
import { fromFloat64, type NdArray, sizeOf } from '../tensor/index.ts';
import { concat } from './build.ts';
import type { NodeOf, OpName } from './node.ts';
import { constant, createNode, type Tensor } from './tensor.ts';
import { conv } from './windows.ts';

type Decomposition<K extends OpName> = (node: NodeOf<K>) => readonly Tensor[];

/** Names of ops that have a decomposition. */
export type CompositeOp =
  | 'silu'
  | 'siluGrad'
  | 'gelu'
  | 'softplus'
  | 'softmax'
  | 'logSoftmax'
  | 'normalize'
  | 'groupNorm'
  | 'groupNormGrad'
  | 'rmsNormalize'
  | 'attention'
  | 'attentionGrad'
  | 'resize'
  | 'avgPool'
  | 'prod'
  | 'detach';

function axesFrom(axis: number, rank: number): number[] {
  return Array.from({ length: rank - axis }, (_, i) => axis + i);
}

function standardize(x: Tensor, axes: readonly number[], epsilon: number): readonly [Tensor, Tensor, Tensor] {
  const mean = x.mean({ axes, keepDims: true });
  const centred = x.sub(mean);
  const invStd = centred.square().mean({ axes, keepDims: true }).add(epsilon).sqrt().reciprocal();
  return [centred.mul(invStd), mean, invStd];
}

/**
 * The matrix [target, source] that resizes one axis, as torch's interpolate does:
 * nearest reads pixel floor(i · source / target); bilinear blends the two nearest pixel centres.
 */
export function resizeMatrix(
  source: number,
  target: number,
  mode: 'nearest' | 'bilinear',
  alignCorners: boolean,
): NdArray {
  const rows = new Float64Array(target * source);
  for (let i = 0; i < target; i++) {
    if (mode === 'nearest') {
      rows[i * source + Math.min(source - 1, Math.floor((i * source) / target))] = 1;
      continue;
    }
    const position = alignCorners
      ? target > 1
        ? (i * (source - 1)) / (target - 1)
        : 0
      : Math.max(0, ((i + 0.5) * source) / target - 0.5);
    const low = Math.min(source - 1, Math.floor(position));
    const high = Math.min(source - 1, low + 1);
    rows[i * source + low]! += 1 - (position - low);
    rows[i * source + high]! += position - low;
  }
  return { dtype: 'float32', shape: [target, source], data: fromFloat64(rows, 'float32') };
}

/** x: [..., N, ...] times a matrix [M, N] along `axis`. */
function multiplyAxis(x: Tensor, matrix: Tensor, axis: number): Tensor {
  if (axis === x.rank - 1) return x.matmul(matrix, { transposeB: true });
  if (axis === x.rank - 2) return matrix.matmul(x);
  throw new Error('internal: resize handles one or two spatial axes');
}

/** Integer nearest enlargement by repetition: cheaper than a matrix. */
function repeat(x: Tensor, axis: number, factor: number): Tensor {
  const shape = x.shape;
  const spread = [...shape.slice(0, axis + 1), factor, ...shape.slice(axis + 1)];
  return x
    .reshape([...shape.slice(0, axis + 1), 1, ...shape.slice(axis + 1)])
    .expand(spread)
    .reshape(shape.map((extent, i) => (i === axis ? extent * factor : extent)));
}

/** The product over one axis, kept with extent 1: halves are multiplied until one element is left. */
function multiplyAlong(x: Tensor, axis: number): Tensor {
  let y = x;
  for (let extent = x.shape[axis]!; extent > 1; extent = y.shape[axis]!) {
    const half = Math.floor(extent / 2);
    const product = y.slice(axis, 0, half).mul(y.slice(axis, half, 2 * half));
    y = extent % 2 === 0 ? product : concat([product, y.slice(axis, extent - 1)], axis);
  }
  return y;
}

/** `softmax(q · kᵀ)`, from scaled queries: [..., L, S]. */
function attentionWeights(q: Tensor, k: Tensor, channelsFirst: boolean): Tensor {
  return q.matmul(k, { transposeA: channelsFirst, transposeB: !channelsFirst }).softmax();
}

export const decompositions: { readonly [K in CompositeOp]: Decomposition<K> } = {
  silu: ({ inputs: [x] }) => [x!.mul(x!.sigmoid())],
  // dy · s · (1 + x - y) with s = sigmoid(x), y = x · s
  siluGrad: ({ inputs: [x, y, dy] }) => [x!.sub(y!).add(1).mul(x!.sigmoid()).mul(dy!)],
  gelu: ({ inputs: [x], attrs: { approximate } }) => {
    if (approximate === 'tanh') {
      const inner = x!.add(x!.mul(x!).mul(x!).mul(0.044715)).mul(Math.sqrt(2 / Math.PI));
      return [x!.mul(0.5).mul(inner.tanh().add(1))];
    }
    return [x!.mul(0.5).mul(x!.mul(Math.SQRT1_2).erf().add(1))];
  },
  // max(x, 0) + log(1 + exp(-|x|)): never overflows
  softplus: ({ inputs: [x] }) => [x!.relu().add(x!.abs().neg().exp().add(1).log())],
  softmax: ({ inputs: [x], attrs: { axis } }) => {
    const e = x!.sub(createNode('detach', [x!.max({ axes: axis, keepDims: true })], {})).exp();
    return [e.div(e.sum({ axes: axis, keepDims: true }))];
  },
  logSoftmax: ({ inputs: [x], attrs: { axis } }) => {
    const shifted = x!.sub(createNode('detach', [x!.max({ axes: axis, keepDims: true })], {}));
    return [shifted.sub(shifted.exp().sum({ axes: axis, keepDims: true }).log())];
  },
  normalize: ({ inputs: [x], attrs: { axis, epsilon } }) => standardize(x!, axesFrom(axis, x!.rank), epsilon),
  groupNorm: ({ inputs: [x, gamma, beta], attrs: { groups, epsilon } }) => {
    const [batch, channels] = x!.shape as [number, number];
    const [xHat, mean, invStd] = standardize(x!.reshape([batch, groups, -1]), [2], epsilon);
    const perChannel = [1, channels, ...x!.shape.slice(2).map(() => 1)];
    const y = xHat.reshape(x!.shape).mul(gamma!.reshape(perChannel)).add(beta!.reshape(perChannel));
    return [y, mean.reshape([batch, groups]), invStd.reshape([batch, groups])];
  },
  // per plane (b, c), dx = (gamma · invStd) dy + p x + q with p and q from the sums over pixels of dy and of dy · x
  groupNormGrad: ({ inputs, attrs: { groups } }) => {
    const [x, dy, gamma, mean, invStd] = inputs as [Tensor, Tensor, Tensor, Tensor, Tensor];
    const [batch, channels, ...spatial] = x.shape as [number, number, ...number[]];
    const planes = batch * channels;
    const perGroup = channels / groups;
    const [rows, dyRows] = [x, dy].map((t) => t.reshape([planes, sizeOf(spatial)])) as [Tensor, Tensor];
    const grouped = (t: Tensor): Tensor => t.reshape([batch, groups, perGroup]);
    const perPlane = (t: Tensor): Tensor => t.unsqueeze(2).expand([batch, groups, perGroup]).reshape([planes, 1]);
    const sumDy = grouped(dyRows.sum({ axes: 1 }));
    const sumDyX = grouped(dyRows.unsqueeze(1).matmul(rows.unsqueeze(1), { transposeB: true }));
    const gammaGrouped = gamma.reshape([1, groups, perGroup]);
    const groupDy = sumDy.mul(gammaGrouped).sum({ axes: 2 });
    const groupDyX = sumDyX.mul(gammaGrouped).sum({ axes: 2 });
    const perElement = invStd.mul(-1 / (perGroup * sizeOf(spatial)));
    const p = groupDyX.sub(mean.mul(groupDy)).mul(invStd).mul(invStd).mul(perElement);
    const q = groupDy.mul(perElement).sub(p.mul(mean));
    const scale = gammaGrouped.mul(invStd.unsqueeze(2)).reshape([planes, 1]);
    const dx = dyRows
      .mul(scale)
      .add(rows.mul(perPlane(p)))
      .add(perPlane(q));
    const dGamma = sumDyX
      .sub(sumDy.mul(mean.unsqueeze(2)))
      .mul(invStd.unsqueeze(2))
      .sum({ axes: 0 });
    return [dx.reshape(x.shape), dGamma.reshape([channels]), sumDy.sum({ axes: 0 }).reshape([channels])];
  },
  rmsNormalize: ({ inputs: [x], attrs: { axis, epsilon } }) => {
    const axes = axesFrom(axis, x!.rank);
    return [x!.mul(x!.square().mean({ axes, keepDims: true }).add(epsilon).sqrt().reciprocal())];
  },
  attention: ({ inputs: [q, k, v], attrs: { scale, channelsFirst } }) => {
    const weights = attentionWeights(q!.mul(scale), k!, channelsFirst);
    return [channelsFirst ? v!.matmul(weights, { transposeB: true }) : weights.matmul(v!)];
  },
  // with P the weights, dS = P ∘ (dP - rowsum(P ∘ dP)), and that sum over keys is one over channels: rowsum(dy ∘ y)
  attentionGrad: ({ inputs, attrs: { scale, channelsFirst } }) => {
    const [q, k, v, y, dy] = inputs as [Tensor, Tensor, Tensor, Tensor, Tensor];
    const scaled = q.mul(scale);
    const weights = attentionWeights(scaled, k, channelsFirst);
    const dWeights = dy.matmul(v, { transposeA: channelsFirst, transposeB: !channelsFirst });
    const shared = dy.mul(y).sum({ axes: channelsFirst ? -2 : -1 });
    const dScores = weights.mul(dWeights.sub(shared.unsqueeze(-1)));
    return channelsFirst
      ? [k.matmul(dScores, { transposeB: true }).mul(scale), scaled.matmul(dScores), dy.matmul(weights)]
      : [
          dScores.matmul(k).mul(scale),
          dScores.matmul(scaled, { transposeA: true }),
          weights.matmul(dy, { transposeA: true }),
        ];
  },
  resize: ({ inputs: [x], attrs: { mode, size, alignCorners } }) => {
    let y = x!;
    size.forEach((extent, i) => {
      const axis = i + 2;
      const source = y.shape[axis]!;
      if (extent === source) return;
      y =
        mode === 'nearest' && extent % source === 0
          ? repeat(y, axis, extent / source)
          : multiplyAxis(y, constant(resizeMatrix(source, extent, mode, alignCorners)), axis);
    });
    return [y];
  },
  // a depthwise convolution with a constant kernel, divided by the number of pixels that count
  avgPool: ({ inputs: [x], attrs: { kernel, stride, padding, countPadding } }) => {
    const channels = x!.shape[1]!;
    const area = kernel.reduce((a, b) => a * b, 1);
    const options = { stride, padding, groups: channels };
    const ones = constantFill([channels, 1, ...kernel], 1);
    const sums = conv(x!, ones, undefined, options);
    const padded = padding.some(([before, after]) => before + after > 0);
    if (countPadding || !padded) return [sums.mul(1 / area)];
    const counts = conv(constantFill([1, 1, ...x!.shape.slice(2)], 1), constantFill([1, 1, ...kernel], 1), undefined, {
      stride,
      padding,
    });
    return [sums.div(counts)];
  },
  // so that derivatives of every order hold where elements are zero
  prod: ({ inputs: [x], outputs: [y], attrs: { axes } }) => [axes.reduce(multiplyAlong, x!).reshape(y!.shape)],
  detach: ({ inputs: [x] }) => [x!],
};

function constantFill(shape: readonly number[], value: number): Tensor {
  return constant({ dtype: 'float32', shape: [], data: Float32Array.of(value) }).expand(shape);
}

/** Whether `op` can be written in primitives. */
export function isComposite(op: OpName): op is CompositeOp {
  return op in decompositions;
}

/** The outputs of a composite node, written in primitives. */
export function decompose(node: NodeOf<CompositeOp>): readonly Tensor[] {
  return (decompositions[node.op] as Decomposition<CompositeOp>)(node);
}
