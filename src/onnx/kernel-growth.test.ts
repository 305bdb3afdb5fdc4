/** @file Which convolutions keep plain kernels when those transformed would grow too large. */
import { describe, expect, test } from 'vitest';
import { avgPool, constant, conv, input, resize, type Tensor, trace } from '../graph/index.ts';
import { byteLength, fillUniform, ndArray, sizeOf } from '../tensor/index.ts';
import { lower } from './lower.ts';

const BLOCK = 8;
const CHANNELS = 64;
/** Bytes of one kernel. */
const KERNEL = 4 * 9 * CHANNELS ** 2;

function kernel(draw: number): Tensor {
  const shape = [CHANNELS, CHANNELS, 3, 3];
  return constant(ndArray(fillUniform(new Float32Array(sizeOf(shape)), { seed: 1, draw }), shape));
}

const convolved = (x: Tensor, draw: number): Tensor => conv(x, kernel(draw), undefined, { padding: 1 });

/** A convolution of large pictures, one of small ones, and one of small ones that were enlarged. */
function network(): Tensor {
  const large = convolved(input('x', [4, CHANNELS, 64, 64]), 0);
  const small = convolved(avgPool(large, 2), 1);
  return convolved(resize(small, { scale: 2 }), 2);
}

/** Bytes of the kernels of every convolution in order: 6/3 of the original's where Winograd's, 4/3 where enlarged. */
function growths(kernelGrowth?: number): number {
  const options = kernelGrowth === undefined ? {} : { kernelGrowth };
  const { model } = lower(trace(network), { provider: 'cpu', block: BLOCK }, options);
  const kernels = [...model.initializers.values()].filter(
    ({ shape }) => shape[0] === CHANNELS && shape[1] === CHANNELS,
  );
  return kernels.reduce((total, array) => total + byteLength(array), 0) / KERNEL;
}

describe('kernels of a graph', () => {
  test('are all transformed while they may grow', () => {
    expect(growths()).toBeCloseTo(2 + 2 + 4 / 3);
  });

  test('are transformed first where that saves most for its bytes: enlarged pictures, then large ones', () => {
    expect(growths(KERNEL / 3)).toBeCloseTo(1 + 1 + 4 / 3);
    expect(growths(KERNEL + KERNEL / 3)).toBeCloseTo(2 + 1 + 4 / 3);
    expect(growths(2 * KERNEL)).toBeCloseTo(2 + 1 + 4 / 3);
  });

  test('stay as they are when none may grow', () => {
    expect(growths(0)).toBeCloseTo(3);
  });
});
