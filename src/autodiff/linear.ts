/** @file Derivatives of matrix products, convolutions, pooling, resizing and attention. */
import {
  avgPool,
  createNode,
  createOutputs,
  kernelPositions,
  type NodeOf,
  resize,
  type Tensor,
} from '../graph/index.ts';
import { dilate, unbroadcast, type VjpRule, type VjpRules } from './rule.ts';

const matmul: VjpRule<'matmul'> = ({ inputs: [a, b], attrs: { transposeA, transposeB } }, [dy], needs) => {
  // a batch of rows times one matrix is one tall product
  if (b!.rank === 2 && a!.rank > 2 && !transposeA) {
    const rows = a!.reshape([-1, a!.shape.at(-1)!]);
    const dRows = dy!.reshape([-1, dy!.shape.at(-1)!]);
    return [
      needs[0] ? dRows.matmul(b!, { transposeB: !transposeB }).reshape(a!.shape) : undefined,
      needs[1]
        ? transposeB
          ? dRows.matmul(rows, { transposeA: true })
          : rows.matmul(dRows, { transposeA: true })
        : undefined,
    ];
  }
  const dA = (): Tensor =>
    transposeA
      ? b!.matmul(dy!, { transposeA: transposeB, transposeB: true })
      : dy!.matmul(b!, { transposeB: !transposeB });
  const dB = (): Tensor =>
    transposeB
      ? dy!.matmul(a!, { transposeA: true, transposeB: transposeA })
      : a!.matmul(dy!, { transposeA: !transposeA });
  return [needs[0] ? unbroadcast(dA(), a!.shape) : undefined, needs[1] ? unbroadcast(dB(), b!.shape) : undefined];
};

/** Axes over which a bias is shared: the batch and all spatial axes. */
function biasAxes(y: Tensor): number[] {
  return [0, ...y.shape.map((_, axis) => axis).slice(2)];
}

const conv: VjpRule<'conv'> = ({ inputs: [x, w, bias], attrs }, [dy], needs) => [
  needs[0] ? createNode('convTranspose', [dy!, w!], { ...attrs, outputSpatial: x!.shape.slice(2) }) : undefined,
  needs[1] ? createNode('convWeightGrad', [x!, dy!], { ...attrs, kernel: w!.shape.slice(2) }) : undefined,
  bias && needs[2] ? dy!.sum({ axes: biasAxes(dy!) }) : undefined,
];

const convTranspose: VjpRule<'convTranspose'> = (
  { inputs: [x, w], attrs: { outputSpatial, ...attrs } },
  [dy],
  needs,
) => [
  needs[0] ? createNode('conv', [dy!, w!], attrs) : undefined,
  needs[1] ? createNode('convWeightGrad', [dy!, x!], { ...attrs, kernel: w!.shape.slice(2) }) : undefined,
];

const convWeightGrad: VjpRule<'convWeightGrad'> = ({ inputs: [x, dy], attrs: { kernel, ...attrs } }, [g], needs) => [
  needs[0] ? createNode('convTranspose', [dy!, g!], { ...attrs, outputSpatial: x!.shape.slice(2) }) : undefined,
  needs[1] ? createNode('conv', [x!, g!], attrs) : undefined,
];

/** Every window gives its cotangent to its largest element; ties share it. */
const maxPool: VjpRule<'maxPool'> = ({ inputs: [x], outputs: [y], attrs: { kernel, stride, padding } }, [dy]) => {
  const lead = [[0, 0] as const, [0, 0] as const];
  const padded = x!.pad([...lead, ...padding], Number.NEGATIVE_INFINITY);
  const offsets = kernelPositions(kernel);
  const window = (offset: readonly number[]): Tensor => {
    let view = padded;
    offset.forEach((start, axis) => {
      const stop = start + (y!.shape[axis + 2]! - 1) * stride[axis]! + 1;
      view = view.slice(axis + 2, start, stop, stride[axis]!);
    });
    return view;
  };
  const hits = offsets.map((offset) => window(offset).equal(y!).cast(x!.dtype));
  const share = dy!.div(hits.reduce((total, hit) => total.add(hit)));
  let dPadded: Tensor | undefined;
  offsets.forEach((offset, i) => {
    const spread = scatterWindow(hits[i]!.mul(share), offset, stride, padded.shape.slice(2));
    dPadded = dPadded ? dPadded.add(spread) : spread;
  });
  return [dPadded!.pad([...lead, ...padding.map(([before, after]) => [-before, -after] as const)])];
};

/** Puts the pixels of a strided view back where they came from: a transposed convolution with a single unit tap. */
function scatterWindow(
  view: Tensor,
  offset: readonly number[],
  stride: readonly number[],
  size: readonly number[],
): Tensor {
  let spread = view;
  stride.forEach((step, i) => {
    const axis = i + 2;
    spread = dilate(spread, axis, step);
    const after = size[i]! - offset[i]! - spread.shape[axis]!;
    spread = spread.pad(spread.shape.map((_, j) => (j === axis ? ([offset[i]!, after] as const) : ([0, 0] as const))));
  });
  return spread;
}

/** Windows side by side: every pixel receives its window's share. Other windows differentiate the decomposition. */
export function avgPoolIsTiling({
  inputs: [x],
  outputs: [y],
  attrs: { kernel, stride, padding },
}: NodeOf<'avgPool'>): boolean {
  return kernel.every(
    (extent, axis) =>
      extent === stride[axis] &&
      padding[axis]![0] + padding[axis]![1] === 0 &&
      y!.shape[axis + 2]! * extent === x!.shape[axis + 2],
  );
}

export const avgPoolTilingRule: VjpRule<'avgPool'> = ({ inputs: [x], attrs: { kernel } }, [dy]) => [
  resize(dy!, { size: x!.shape.slice(2) }).mul(1 / kernel.reduce((a, b) => a * b, 1)),
];

/** Whether a resize repeats every pixel a whole number of times. */
export function resizeIsRepeat({ inputs: [x], attrs: { mode, size } }: NodeOf<'resize'>): boolean {
  return mode === 'nearest' && size.every((extent, axis) => extent % x!.shape[axis + 2]! === 0);
}

export const resizeRepeatRule: VjpRule<'resize'> = ({ inputs: [x], attrs: { size } }, [dy]) => {
  const kernel = size.map((extent, axis) => extent / x!.shape[axis + 2]!);
  return [avgPool(dy!, kernel).mul(kernel.reduce((a, b) => a * b, 1))];
};

const attention: VjpRule<'attention'> = ({ inputs: [q, k, v], outputs: [y], attrs }, [dy]) =>
  createOutputs('attentionGrad', [q!, k!, v!, y!, dy!], attrs);

export const linearRules: VjpRules = { matmul, conv, convTranspose, convWeightGrad, maxPool, attention };
