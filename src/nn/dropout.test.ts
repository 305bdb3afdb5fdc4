import { describe, expect, it } from 'vitest';
import { gradients } from '../autodiff/index.ts';
import { input } from '../graph/index.ts';
import { referenceEngine } from '../runtime/index.ts';
import { ConfigError, ndArray, toFloat64 } from '../tensor/index.ts';
import { Dropout } from './dropout.ts';

const ones = { x: ndArray(new Float32Array(10000).fill(1), [100, 100]) };

async function run(probability: number, training: boolean, seed = 0): Promise<{ y: Float64Array; dx: Float64Array }> {
  const layer = new Dropout(probability);
  const program = await referenceEngine().compile(
    () => {
      const x = input('x', [100, 100]);
      const y = layer.forward(x);
      return { y, dx: gradients(y.sum(), [x])[0]! };
    },
    { training },
  );
  const { y, dx } = await program.run(ones, { seed });
  return { y: toFloat64(y!), dx: toFloat64(dx!) };
}

describe('Dropout', () => {
  it('zeroes the given share while training and scales the rest to keep the mean', async () => {
    const { y } = await run(0.25, true);
    expect(new Set([...y].map((value) => value.toFixed(5)))).toEqual(new Set(['0.00000', (4 / 3).toFixed(5)]));
    const share = y.filter((value) => value === 0).length / y.length;
    expect(Math.abs(share - 0.25)).toBeLessThan(0.02);
  });

  it('lets gradients pass where it let values pass', async () => {
    const { y, dx } = await run(0.5, true);
    expect(dx).toEqual(y);
  });

  it('draws another mask for another seed', async () => {
    expect((await run(0.5, true, 1)).y).toEqual((await run(0.5, true, 1)).y);
    expect((await run(0.5, true, 1)).y).not.toEqual((await run(0.5, true, 2)).y);
  });

  it('does nothing outside training', async () => {
    expect((await run(0.5, false)).y.every((value) => value === 1)).toBe(true);
  });

  it('lets nothing pass while training with probability 1, as in PyTorch', async () => {
    const { y, dx } = await run(1, true);
    expect(new Set([...y, ...dx])).toEqual(new Set([0]));
    expect((await run(1, false)).y.every((value) => value === 1)).toBe(true);
  });

  it.each([-0.1, 1.1, Number.NaN])('refuses the probability %s', (probability) => {
    expect(() => new Dropout(probability)).toThrow(ConfigError);
  });
});
