/**
 * @file Winograd's minimal filtering for 3×k convolutions at stride 1, F(4, 3) along the rows (Lavin & Gray 2016): four rows
 * of output take six products per channel pair and column instead of twelve. Both transforms and the products are operators
 * of ONNX Runtime's blocked layout; columns are convolved as they are. Rounding errors are three times those of the sum.
 */
import type { ConvAttrs } from '../graph/index.ts';
import { type NdArray, sizeOf } from '../tensor/index.ts';
import { BLOCKED, fromBlocks, hasBlockedForm, toBlocks } from './blocked-convolution.ts';
import type { Emitter, ValueName } from './emitter.ts';

/** Rows of output per tile, and products that they take. */
const ROWS = 4;
const PRODUCTS = 6;

/** Of a column of kernel taps: values at the points 0, 1, -1, 2, -2 and ∞, normalised. */
const KERNEL_TRANSFORM: readonly (readonly number[])[] = [
  [1 / 4, 0, 0],
  [-1 / 6, -1 / 6, -1 / 6],
  [-1 / 6, 1 / 6, -1 / 6],
  [1 / 24, 1 / 12, 1 / 6],
  [1 / 24, -1 / 12, 1 / 6],
  [0, 0, 1],
];

/** Of six rows of input. */
const ROW_TRANSFORM: readonly (readonly number[])[] = [
  [4, 0, -5, 0, 1, 0],
  [0, -4, -4, 1, 1, 0],
  [0, 4, -4, -1, 1, 0],
  [0, -2, -1, 2, 1, 0],
  [0, 2, -1, -2, 1, 0],
  [0, 4, 0, -5, 0, 1],
];

/** Multiplications and additions of the plain sum from which on the transforms pay. */
const LEAST_WORK = 1.2e8;
const LEAST_CHANNELS = 32;

/** A convolution's extents. */
export interface ConvExtents {
  readonly batch: number;
  readonly channels: number;
  readonly outputs: number;
  readonly kernel: readonly number[];
  /** Of the output. */
  readonly spatial: readonly number[];
}

/** Whether a convolution has this form and is large enough to gain by it. */
export function hasWinogradForm(
  block: number | undefined,
  attrs: ConvAttrs,
  { batch, channels, outputs, kernel, spatial }: ConvExtents,
): block is number {
  return (
    hasBlockedForm(block, attrs, channels, outputs) &&
    kernel[0] === 3 &&
    spatial[0]! % ROWS === 0 &&
    [...attrs.stride, ...attrs.dilation].every((step) => step === 1) &&
    Math.min(channels, outputs) >= LEAST_CHANNELS &&
    2 * batch * channels * outputs * sizeOf(kernel) * sizeOf(spatial) >= LEAST_WORK
  );
}

/** The transformed kernel in six parts, each [O, I, 1, kw] in blocks, of a constant [O, I, 3, kw]. */
export function constantKernels({ shape, data }: NdArray, block: number, emitter: Emitter): readonly ValueName[] {
  const [outputs, channels, , columns] = shape as [number, number, number, number];
  return KERNEL_TRANSFORM.map((weights) => {
    const part = new Float32Array(outputs * channels * columns);
    for (let o = 0; o < outputs; o++) {
      for (let c = 0; c < channels; c++) {
        const pair = Math.floor(o / block) * (channels / block) + Math.floor(c / block);
        for (let column = 0; column < columns; column++) {
          const taps = weights.map(
            (weight, row) => weight * Number(data[((o * channels + c) * 3 + row) * columns + column]),
          );
          part[((pair * columns + column) * block + (c % block)) * block + (o % block)] =
            taps[0]! + taps[1]! + taps[2]!;
        }
      }
    }
    return emitter.constant({ dtype: 'float32', shape: [outputs, channels, 1, columns], data: part });
  });
}

/** The same of a kernel that changes. w: [O, I, 3, kw]. */
export function changingKernels(
  w: ValueName,
  shape: readonly number[],
  block: number,
  emitter: Emitter,
): readonly ValueName[] {
  const [outputs, channels, rows, columns] = shape as [number, number, number, number];
  const pairs = (outputs / block) * (channels / block);
  // [O/k, k, I, taps] → [O/k, I, taps, k (out)]
  const interleaved = toBlocks(emitter.reshape(w, [outputs / block, block, channels, rows * columns]), emitter);
  const apart = emitter.reshape(interleaved, [pairs, block, rows, columns, block]);
  const taps = emitter.transpose(apart, [2, 0, 3, 1, 4]);
  return transformKernel(taps, KERNEL_TRANSFORM, [outputs, channels, 1, columns], emitter);
}

/** Those of the adjoint, each [I, O, 1, kw] in blocks, its taps reversed. w: [O, I, 3, kw]. */
export function adjointKernels(
  w: ValueName,
  shape: readonly number[],
  block: number,
  emitter: Emitter,
): readonly ValueName[] {
  const [outputs, channels, rows, columns] = shape as [number, number, number, number];
  // [O · I/k, k, 1, taps] → [O, I/k, taps, k (in)]
  const interleaved = toBlocks(emitter.reshape(w, [outputs * (channels / block), block, 1, rows * columns]), emitter);
  const apart = emitter.reshape(interleaved, [outputs / block, block, channels / block, rows, columns, block]);
  const turned = emitter.transpose(apart, [3, 2, 0, 4, 1, 5]);
  const pieces = emitter.reshape(turned, [(rows * outputs * channels) / block ** 2, columns, block ** 2]);
  const reversed = emitter.ints(Array.from({ length: columns }, (_, i) => columns - 1 - i));
  const taps = emitter.emit('Gather', [pieces, reversed], { axis: 1 });
  const transform = KERNEL_TRANSFORM.map((weights) => [...weights].reverse());
  return transformKernel(taps, transform, [channels, outputs, 1, columns], emitter);
}

/** Rows of taps, the first axis of `taps`, to six parts of `shape`. */
function transformKernel(
  taps: ValueName,
  transform: readonly (readonly number[])[],
  shape: readonly number[],
  emitter: Emitter,
): readonly ValueName[] {
  const matrix = { dtype: 'float32', shape: [PRODUCTS, 3], data: Float32Array.from(transform.flat()) } as const;
  const flat = emitter.reshape(taps, [3, sizeOf(shape)]);
  const all = emitter.emit('MatMul', [emitter.constant(matrix), flat]);
  const parts = emitter.emitAll('Split', [all], { axis: 0, num_outputs: PRODUCTS }, { outputs: PRODUCTS });
  return parts.map((part) => emitter.reshape(part, shape));
}

/** The convolution, given its transformed kernel. x: [B, C, H, W]; `padding` per spatial axis, before and after. */
export function lowerWinograd(
  x: ValueName,
  kernels: readonly ValueName[],
  bias: ValueName | undefined,
  { padding }: ConvAttrs,
  { batch, channels, outputs, kernel, spatial }: ConvExtents,
  block: number,
  emitter: Emitter,
): ValueName {
  const [[top, bottom], [left, right]] = padding as unknown as [[number, number], [number, number]];
  const [height, width] = spatial as [number, number];
  const blocks = toBlocks(x, emitter);
  const rowsOf = ROW_TRANSFORM.map((weights) => {
    const data = Float32Array.from(
      { length: channels * PRODUCTS },
      (_, i) => weights[Math.floor(i / block) % PRODUCTS]!,
    );
    const w = emitter.constant({ dtype: 'float32', shape: [channels, 1, PRODUCTS, 1], data });
    const attributes = { group: channels, kernel_shape: [PRODUCTS, 1], strides: [ROWS, 1], pads: [top, 0, bottom, 0] };
    return emitter.emit('Conv', [blocks, w], attributes, BLOCKED);
  });
  /** One of the six products; `rest` is added to it. */
  const product = (
    i: number,
    { bias: b = '', rest }: { bias?: string | undefined; rest?: ValueName } = {},
  ): ValueName => {
    const inputs = [rowsOf[i]!, kernels[i]!, ...(b !== '' || rest !== undefined ? [b] : []), ...(rest ? [rest] : [])];
    return emitter.emit('Conv', inputs, { kernel_shape: [1, kernel[1]!], pads: [0, left, 0, right] }, BLOCKED);
  };
  const add = (a: ValueName, b: ValueName): ValueName => emitter.emit('Add', [a, b]);
  const sub = (a: ValueName, b: ValueName): ValueName => emitter.emit('Sub', [a, b]);
  const times = (a: ValueName, factor: number): ValueName => emitter.emit('Mul', [a, emitter.scalar(factor)]);
  // the product at 1 counts once in every row, so it carries the bias
  const [at1, atMinus1, at2, atMinus2] = [product(1, { bias }), product(2), product(3), product(4)];
  const [even1, odd1] = [add(at1, atMinus1), sub(at1, atMinus1)];
  const [even2, odd2] = [add(at2, atMinus2), sub(at2, atMinus2)];
  const rows = [
    product(0, { rest: add(even1, even2) }),
    add(odd1, times(odd2, 2)),
    add(even1, times(even2, 4)),
    product(5, { rest: add(odd1, times(odd2, 8)) }),
  ];
  const tiles = [(batch * outputs * height) / (block * ROWS), 1, width * block];
  const joined = emitter.emit(
    'Concat',
    rows.map((row) => emitter.reshape(row, tiles)),
    { axis: 1 },
  );
  return fromBlocks(emitter.reshape(joined, [batch, outputs, height, width]), outputs, emitter);
}
