/**
 * @file Work between convolutions on pictures that stay in ONNX Runtime's blocked layout, [B, C/k, H, W, k]: no pass over
 * them to leave it and come back. To the layout's operators, batch and channels may be one axis of B·C channels, so that a
 * depthwise convolution does to every plane of every sample something of its own.
 */
import type { BinaryOp, NodeOf, UnaryOp } from '../graph/index.ts';
import { type Shape, sameShape, sizeOf } from '../tensor/index.ts';
import { BLOCKED, convPlus, fromBlocks, toBlocks } from './blocked-convolution.ts';
import type { Blocks, BlocksPart, Emitter, ValueName } from './emitter.ts';

/** Scale and shift of each plane, added to `sum`: `x · scale + shift + sum`. Blocks [B, C, H, W]; scale, shift of B·C elements; '' is none. */
function scalePlanes(
  blocks: ValueName,
  scale: ValueName,
  shift: ValueName,
  shape: readonly number[],
  emitter: Emitter,
  sum = '',
): ValueName {
  const [batch, channels, ...spatial] = shape as [number, number, ...number[]];
  const planes = batch * channels;
  const given = (name: ValueName, as: readonly number[]): ValueName => (name === '' ? '' : emitter.reshape(name, as));
  const pictures = [1, planes, ...spatial];
  const scaled = convPlus(
    [
      emitter.reshape(blocks, pictures),
      emitter.reshape(scale, [planes, 1, 1, 1]),
      given(shift, [planes]),
      given(sum, pictures),
    ],
    { group: planes, kernel_shape: [1, 1] },
    emitter,
  );
  return emitter.reshape(scaled, shape);
}

/** Sum over the pixels of each plane of a product of pictures in blocks, [B, C, H, W]: a convolution of one with the other. */
function sumOfProducts(a: ValueName, b: ValueName, shape: readonly number[], emitter: Emitter): ValueName {
  const [batch, channels, ...spatial] = shape as [number, number, ...number[]];
  const planes = batch * channels;
  const operands = [emitter.reshape(a, [1, planes, ...spatial]), emitter.reshape(b, [planes, 1, ...spatial])];
  return emitter.emit('Conv', operands, { group: planes, kernel_shape: spatial }, BLOCKED);
}

/**
 * `groupNorm` of pictures in blocks. Every plane is centred on its mean, its squares summed by a convolution with itself; a
 * group's variance is that within its planes and that between their means. Then one pass scales and shifts. Of pictures
 * that are a sum with a number per plane, only the means change.
 */
export function groupNormInBlocks(
  { inputs: [x], outputs: [, stats], attrs: { groups, epsilon } }: NodeOf<'groupNorm'>,
  blocks: Blocks,
  gamma: ValueName,
  beta: ValueName,
  emitter: Emitter,
): readonly ValueName[] {
  const shape = x!.shape;
  const [batch, channels, ...spatial] = shape as [number, number, ...number[]];
  const perGroup = (value: ValueName, samples = batch) => emitter.reshape(value, [samples, groups, channels / groups]);
  const overGroup = (value: ValueName) => emitter.emit('ReduceMean', [value, emitter.ints([2])], { keepdims: 1 });

  const { sum } = blocks;
  const parts = sum ? [{ values: sum.blocks, channels }] : partsOf(blocks, channels);
  const centres = parts.map(({ values, channels: count }) => {
    const part = [batch, count, ...spatial];
    const means = emitter.emit('GlobalAveragePool', [values], {}, BLOCKED);
    const shift = emitter.emit('Neg', [means]);
    const centred = scalePlanes(values, emitter.filled(1, [batch * count]), shift, part, emitter);
    return { centred, means, squares: sumOfProducts(centred, centred, part, emitter), count };
  });
  /** One number per plane of every part, as of the whole. */
  const ofAll = (each: (part: (typeof centres)[number]) => ValueName): ValueName => {
    if (centres.length === 1) return each(centres[0]!);
    const rows = centres.map((part) => emitter.reshape(each(part), [batch, part.count]));
    return emitter.emit('Concat', rows, { axis: 1 });
  };
  const [means, squares] = [ofAll((part) => part.means), ofAll((part) => part.squares)];
  const within = emitter.emit('Div', [overGroup(perGroup(squares)), emitter.scalar(sizeOf(spatial))]);
  const planeMeans = perGroup(sum === undefined ? means : emitter.emit('Add', [means, sum.shift]));
  const mean = overGroup(planeMeans);
  const offsets = emitter.emit('Sub', [planeMeans, mean]);
  const between = overGroup(emitter.emit('Mul', [offsets, offsets]));
  const variance = emitter.emit('Add', [within, between]);
  const std = emitter.emit('Sqrt', [emitter.emit('Add', [variance, emitter.scalar(epsilon)])]);
  const invStd = emitter.emit('Reciprocal', [std]);
  const scale = emitter.emit('Mul', [perGroup(gamma, 1), invStd]);
  const shift = emitter.emit('Add', [perGroup(beta, 1), emitter.emit('Mul', [scale, offsets])]);
  let from = 0;
  const scaled = centres.map(({ centred, count }) => {
    const of = (value: ValueName): ValueName =>
      count === channels
        ? value
        : emitter.slice(emitter.reshape(value, [batch, channels]), [1], [from], [from + count]);
    const values = scalePlanes(centred, of(scale), of(shift), [batch, count, ...spatial], emitter);
    from += count;
    return { values, channels: count };
  });
  return [
    joinChannels(scaled, channels, emitter),
    emitter.reshape(mean, stats!.shape),
    emitter.reshape(invStd, stats!.shape),
  ];
}

/** Whether pictures can be in blocks: two spatial axes and whole blocks of channels. */
export function canBeInBlocks(block: number | undefined, [, channels, ...spatial]: Shape): block is number {
  return block !== undefined && spatial.length === 2 && channels! % block === 0;
}

/**
 * `groupNormGrad` of pictures in blocks: two sums per plane, then one pass scales and shifts dy and another adds a multiple of
 * x. Of an x that is a sum with a number per plane, only the sums and the shift change.
 */
export function groupNormGradInBlocks(
  { inputs: [x, , gamma], attrs: { groups } }: NodeOf<'groupNormGrad'>,
  [picture, dy, gammas, mean, invStd]: readonly ValueName[],
  emitter: Emitter,
): readonly ValueName[] {
  const shape = x!.shape;
  const [batch, channels, ...spatial] = shape as [number, number, ...number[]];
  const pixels = sizeOf(spatial);
  const emit = (op: string, ...inputs: ValueName[]) => emitter.emit(op, inputs);
  const perGroup = (value: ValueName, samples = batch) => emitter.reshape(value, [samples, groups, channels / groups]);
  const ofGroup = (value: ValueName) => emitter.reshape(value, [batch, groups, 1]);
  const overGroup = (value: ValueName) => emitter.reduceSum(emit('Mul', value, perGroup(gammas!, 1)), [2], true);
  const overBatch = (value: ValueName) => emitter.reshape(emitter.sumRows(value, batch, channels), gamma!.shape);

  const { values, sum } = emitter.blocksOf(picture!) ?? { values: toBlocks(picture!, emitter) };
  const gradients = toBlocks(dy!, emitter);
  const pictures = sum?.blocks ?? values;
  const products = sumOfProducts(pictures, gradients, shape, emitter);
  const averages = emitter.emit('GlobalAveragePool', [gradients], {}, BLOCKED);
  const sumDy = emit('Mul', perGroup(averages), emitter.scalar(pixels));
  const shift = sum && perGroup(sum.shift);
  const sumDyX = shift ? emit('Add', perGroup(products), emit('Mul', shift, sumDy)) : perGroup(products);

  const [means, scales] = [ofGroup(mean!), ofGroup(invStd!)];
  const groupDy = overGroup(sumDy);
  const perElement = emit('Mul', scales, emitter.scalar(-groups / (channels * pixels)));
  const projection = emit('Sub', overGroup(sumDyX), emit('Mul', means, groupDy));
  const p = emit('Mul', projection, emit('Mul', emit('Mul', scales, scales), perElement));
  const q = emit('Sub', emit('Mul', groupDy, perElement), emit('Mul', p, means));
  const ones = emitter.filled(1, [1, 1, channels / groups]);
  const perPlane = emit('Mul', p, ones);
  const constantPart = shift ? emit('Add', q, emit('Mul', shift, p)) : emit('Mul', q, ones);
  const scaled = scalePlanes(gradients, emit('Mul', perGroup(gammas!, 1), scales), constantPart, shape, emitter);
  const dx = scalePlanes(pictures, perPlane, '', shape, emitter, scaled);
  const centred = emit('Sub', sumDyX, emit('Mul', sumDy, means));
  return [fromBlocks(dx, channels, emitter), overBatch(emit('Mul', centred, scales)), overBatch(sumDy)];
}

/** `sum` over all pixels, or batch and pixels, of pictures in blocks; undefined when it is otherwise. */
export function sumPixelsInBlocks(
  { inputs: [x], outputs: [y], attrs: { axes } }: NodeOf<'sum'>,
  name: ValueName,
  emitter: Emitter,
): ValueName | undefined {
  const blocks = emitter.blocksOf(name)?.values;
  if (blocks === undefined || !sameShape(axes.slice(-2), [2, 3])) return undefined;
  if (!(axes.length === 2 || (axes.length === 3 && axes[0] === 0))) return undefined;
  const [batch, channels, ...spatial] = x!.shape as [number, number, ...number[]];
  const means = emitter.reshape(emitter.emit('GlobalAveragePool', [blocks], {}, BLOCKED), [batch, channels]);
  const counts = (rows: number) => emitter.filled(sizeOf(spatial), [1, rows]);
  const sums =
    axes.length === 3 ? emitter.emit('MatMul', [counts(batch), means]) : emitter.emit('Mul', [means, counts(1)]);
  return emitter.reshape(sums, y!.shape);
}

/** `slice` of whole blocks of channels; undefined when it is otherwise. */
export function sliceInBlocks(
  { inputs: [x], outputs: [y], attrs: { starts, stops, steps } }: NodeOf<'slice'>,
  name: ValueName,
  block: number | undefined,
  emitter: Emitter,
): ValueName | undefined {
  const blocks = emitter.blocksOf(name)?.values;
  const others = [0, 2, 3];
  if (blocks === undefined || !canBeInBlocks(block, y!.shape)) return undefined;
  if (!others.every((axis) => x!.shape[axis] === y!.shape[axis])) return undefined;
  if (steps[1] !== 1 || starts[1]! % block !== 0) return undefined;
  return fromBlocks(emitter.slice(blocks, [1], [starts[1]!], [stops[1]!], [1]), y!.shape[1]!, emitter);
}

/** An elementwise op, written in blocks where its operands are pictures in blocks, all of one shape, and numbers. */
export function lowerElementwise(
  { inputs, outputs: [y] }: NodeOf<UnaryOp | BinaryOp | 'silu'>,
  names: readonly ValueName[],
  emitter: Emitter,
  write: (operands: readonly ValueName[]) => ValueName,
): ValueName {
  const { shape, dtype } = y!;
  const blocks = names.map((name) => emitter.blocksOf(name)?.values);
  if (dtype !== 'float32' || blocks.every((name) => name === undefined)) return write(names);
  const parts = names.length === 1 ? emitter.blocksOf(names[0]!)!.parts : undefined;
  if (parts) {
    const written = parts.map(({ values, channels }) => ({ values: write([values]), channels }));
    return joinChannels(written, shape[1]!, emitter);
  }
  const operands = blocks.map((name, i) => {
    const operand = inputs[i]!.shape;
    return sameShape(operand, shape) ? name : sizeOf(operand) === 1 ? names[i] : undefined;
  });
  return operands.every((name) => name !== undefined) ? fromBlocks(write(operands), shape[1]!, emitter) : write(names);
}

/** `add` of pictures in blocks and one number per plane, [B, C, 1, 1], in either order; undefined when it is otherwise. */
export function shiftInBlocks(
  { inputs, outputs: [y] }: NodeOf<'add'>,
  names: readonly ValueName[],
  emitter: Emitter,
): ValueName | undefined {
  const at = names.findIndex((name) => emitter.blocksOf(name) !== undefined);
  if (at < 0) return undefined;
  const { values: blocks } = emitter.blocksOf(names[at]!)!;
  const { shape } = inputs[at]!;
  const [batch, channels] = shape as [number, number];
  if (!sameShape(shape, y!.shape) || !sameShape(inputs[1 - at]!.shape, [batch, channels, 1, 1])) return undefined;
  const sum = { blocks, shift: names[1 - at]! };
  const shifted = scalePlanes(blocks, emitter.filled(1, [batch * channels]), sum.shift, shape, emitter);
  return fromBlocks(shifted, channels, emitter, { sum });
}

/** `add` of pictures in blocks where a convolution, whose result nothing else reads, can do it on the way; or undefined. */
export function addInConvolution(
  { inputs, outputs: [y] }: NodeOf<'add'>,
  names: readonly ValueName[],
  emitter: Emitter,
): ValueName | undefined {
  const blocks = names.map((name) => emitter.blocksOf(name));
  const at = blocks.findIndex((one, i) => one?.plus !== undefined && emitter.isReadOnce(names[i]!));
  const other = blocks[1 - at]?.values;
  if (at < 0 || other === undefined || !inputs.every(({ shape }) => sameShape(shape, y!.shape))) return undefined;
  return fromBlocks(blocks[at]!.plus!(other), y!.shape[1]!, emitter);
}

/** `concat` along the channels of pictures in blocks; undefined when some are not. */
export function concatInBlocks(
  { inputs, outputs: [y], attrs: { axis } }: NodeOf<'concat'>,
  names: readonly ValueName[],
  emitter: Emitter,
): ValueName | undefined {
  const blocks = names.map((name) => emitter.blocksOf(name));
  if (axis !== 1 || !blocks.every((one) => one !== undefined)) return undefined;
  const parts = blocks.flatMap((one, i) => partsOf(one, inputs[i]!.shape[1]!));
  return joinChannels(parts, y!.shape[1]!, emitter);
}

function partsOf({ values, parts }: Blocks, channels: number): readonly BlocksPart[] {
  return parts ?? [{ values, channels }];
}

/** Pictures of these channels beside each other. */
function joinChannels(parts: readonly BlocksPart[], channels: number, emitter: Emitter): ValueName {
  if (parts.length === 1) return fromBlocks(parts[0]!.values, channels, emitter);
  const values = parts.map((part) => part.values);
  const joined = emitter.emit('Concat', values, { axis: 1 });
  return fromBlocks(joined, channels, emitter, emitter.channelsApart ? { parts } : {});
}

/** `avgPool` of 2×2 pixels side by side where what writes the pictures, which nothing else reads, can do it; or undefined. */
export function halveInBlocks(
  { attrs: { kernel, stride, padding } }: NodeOf<'avgPool'>,
  name: ValueName,
  emitter: Emitter,
): ValueName | undefined {
  const halves =
    [...kernel, ...stride].every((extent) => extent === 2) && padding.flat().every((pixels) => pixels === 0);
  return halves && emitter.isReadOnce(name) ? emitter.blocksOf(name)?.halved?.() : undefined;
}

/** `resize` to a whole multiple by nearest pixels, of pictures in blocks; undefined when it is otherwise. */
export function resizeInBlocks(
  { inputs: [x], attrs: { mode, size } }: NodeOf<'resize'>,
  name: ValueName,
  emitter: Emitter,
): ValueName | undefined {
  const blocks = emitter.blocksOf(name)?.values;
  const factors = size.map((extent, axis) => extent / x!.shape[axis + 2]!);
  if (blocks === undefined || mode !== 'nearest' || !factors.every(Number.isInteger)) return undefined;
  const attributes = { scales: [1, 1, ...factors], mode: 'nearest' };
  const enlarged = emitter.emit('Upsample', [blocks], attributes, BLOCKED);
  return fromBlocks(enlarged, x!.shape[1]!, emitter, { repeats: { blocks, factors } });
}
