/** @file Errors of ops say which shapes met, in which module, and what to do. */
import { describe, expect, test } from 'vitest';
import { DtypeError, InkwashError, ShapeError } from '../../tensor/index.ts';
import { concat, stack, where } from '../build.ts';
import { attention, groupNorm } from '../normalization.ts';
import { withScope } from '../scope.ts';
import type { Tensor } from '../tensor.ts';
import { input, trace } from '../trace.ts';
import { avgPool, conv, convTranspose, maxPool, resize } from '../windows.ts';

/** The error `body` throws inside the module `unet.mid`. */
function errorOf(body: () => Tensor | readonly Tensor[]): InkwashError {
  try {
    withScope('unet', () =>
      withScope('mid', () =>
        trace(() => {
          body();
          return undefined;
        }),
      ),
    );
  } catch (error) {
    if (error instanceof InkwashError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

const x = (...shape: number[]): Tensor => input(`x${shape}`, shape);
const int = (...shape: number[]): Tensor => input(`i${shape}`, shape, 'int64');

const SHAPE_ERRORS: readonly [name: string, body: () => Tensor | readonly Tensor[], mentions: readonly string[]][] = [
  ['add', () => x(2, 3).add(x(4)), ['[2, 3]', '[4]', '3 against 4 at axis -1']],
  ['where', () => where(x(3).greater(0), x(2), 1), ['[3]', '[2]']],
  ['matmul', () => x(2, 3).matmul(x(4, 5)), ['float32[2, 3]', 'float32[4, 5]', '3 against 4']],
  ['matmul, transposed', () => x(2, 3).matmul(x(3, 5), { transposeB: true }), ['[2, 3]', '[3, 5]ᵀ', '3 against 5']],
  ['matmul of vectors', () => x(3).matmul(x(3)), ['float32[3] and float32[3]']],
  ['matmul of batches', () => x(2, 3, 4).matmul(x(5, 4, 6)), ['[2]', '[5]']],
  [
    'conv channels',
    () => conv(x(1, 3, 8, 8), x(4, 2, 3, 3)),
    ['float32[1, 3, 8, 8]', 'float32[4, 2, 3, 3]', '3 channels'],
  ],
  ['conv groups', () => conv(x(1, 4, 8, 8), x(3, 2, 3, 3), undefined, { groups: 2 }), ['[3, 2, 3, 3]', '2 groups']],
  ['conv kernel', () => conv(x(1, 2, 2, 2), x(4, 2, 3, 3)), ['kernel of 3', 'float32[1, 2, 2, 2]']],
  ['conv rank', () => conv(x(1, 2, 8), x(4, 2, 3, 3)), ['rank 3', 'float32[4, 2, 3, 3]']],
  ['conv bias', () => conv(x(1, 2, 8, 8), x(4, 2, 3, 3), x(3)), ['[4]', '[3]']],
  ['conv stride', () => conv(x(1, 2, 8, 8), x(4, 2, 3, 3), undefined, { stride: [1] }), ['[1]', '2 entries']],
  [
    'convTranspose',
    () => convTranspose(x(1, 2, 3, 3), x(2, 2, 3, 3), undefined, { stride: 2, outputPadding: 2 }),
    ['[1, 2, 3, 3]', '[2, 2, 3, 3]', 'do not correspond'],
  ],
  ['maxPool', () => maxPool(x(1, 2, 2, 2), 3), ['kernel of 3', '[1, 2, 2, 2]']],
  ['avgPool', () => avgPool(x(1, 2, 2, 2), [1, 4]), ['kernel of 4', '[1, 2, 2, 2]']],
  ['resize', () => resize(x(1, 2, 4, 4), { size: [8] }), ['[8]', '[1, 2, 4, 4]']],
  ['groupNorm groups', () => groupNorm(x(1, 6, 4), 4, x(6), x(6)), ['6 channels', '4 groups', '[1, 6, 4]']],
  ['groupNorm gamma', () => groupNorm(x(1, 6, 4), 2, x(5), x(6)), ['[6]', 'float32[5]']],
  ['attention', () => attention(x(2, 3, 4), x(2, 5, 6), x(2, 5, 6)), ['[2, 3, 4]', '[2, 5, 6]']],
  ['reshape', () => x(2, 3).reshape([4]), ['float32[2, 3] has 6 elements', '[4] has 4']],
  ['reshape with -1', () => x(2, 3).reshape([4, -1]), ['[2, 3]', '[4, -1]']],
  ['transpose', () => x(2, 3).transpose([0, 0]), ['[0, 0]', '[2, 3]']],
  ['expand', () => x(2, 3).expand([2, 4]), ['[2, 3]', '[2, 4]']],
  ['expand to a lower rank', () => x(2, 3).expand([3]), ['[2, 3]', '[3]']],
  ['slice', () => x(2, 3).slice(1, 2, 5), ['2:5:1', '[2, 3]', 'axis 1']],
  ['split', () => x(2, 5).split(2, 1), ['[2, 5]', 'axis 1']],
  ['pad', () => x(2, 3).pad([[1, 1]]), ['1 entries', '[2, 3]']],
  ['concat', () => concat([x(2, 3), x(3, 4)]), ['[2, 3]', '[3, 4]', 'axis 0']],
  ['stack', () => stack([x(2, 3), x(3, 2)]), ['[1, 2, 3]', '[1, 3, 2]']],
  ['topK', () => x(2, 3).topK(4).values, ['k = 4', '[2, 3]']],
  ['an axis', () => x(2, 3).sum({ axes: 2 }), ['axis 2', 'rank 2']],
  ['an axis of a scalar', () => x().sum({ axes: 0 }), ['axis 0', 'rank 0']],
];

describe('a shape error of', () => {
  test.each(SHAPE_ERRORS)('%s names both shapes, the module and a remedy', (_, body, mentions) => {
    const error = errorOf(body);
    expect(error).toBeInstanceOf(ShapeError);
    for (const mention of mentions) expect(error.message).toContain(mention);
    expect(error.message).toContain('\n  in module unet.mid');
    expect(error.message).toContain(`\n  hint: ${error.hint}`);
    expect(error.hint).toMatch(/\w/);
  });

  test('two layers that do not fit reads like this', () => {
    expect(errorOf(() => conv(x(1, 3, 8, 8), x(4, 2, 3, 3))).message).toMatchInlineSnapshot(`
      "conv: the input float32[1, 3, 8, 8] has 3 channels, the kernel float32[4, 2, 3, 3] with 1 group(s) takes 2
        hint: axis 1 of the input is the channel axis, axis 1 of the kernel its channels per group
        in module unet.mid"
    `);
  });
});

const DTYPE_ERRORS: readonly [name: string, body: () => Tensor][] = [
  ['exp of integers', () => int(2).exp()],
  ['not of floats', () => x(2).not()],
  ['and of floats', () => x(2).and(x(2))],
  ['add of bools', () => x(2).greater(0).add(x(2).greater(0))],
  ['operands of two dtypes', () => x(2).add(int(2))],
  ['mean of integers', () => int(2).mean()],
  ['sum of bools', () => x(2).greater(0).sum()],
  ['softmax of integers', () => int(2).softmax()],
  ['where without bools', () => where(x(2), x(2), 0)],
  ['matmul of integers', () => int(2, 2).matmul(int(2, 2))],
  ['gather by floats', () => x(2).gather(x(2))],
  ['oneHot of floats', () => x(2).oneHot(3)],
  ['conv of two dtypes', () => conv(x(1, 1, 3), int(1, 1, 3))],
];

test.each(DTYPE_ERRORS)('a dtype error of %s names the types and the module', (_, body) => {
  const error = errorOf(body);
  expect(error).toBeInstanceOf(DtypeError);
  expect(error.message).toMatch(/float32\[|int64\[|bool\[/);
  expect(error.message).toContain('in module unet.mid');
});
