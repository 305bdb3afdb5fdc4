/** @file The forms of attention over pixels against attention over tokens with the same weights. */
import { describe, expect, test } from 'vitest';
import { input } from '../graph/index.ts';
import { MultiHeadAttention } from '../nn/index.ts';
import { referenceEngine } from '../runtime/index.ts';
import { fillNormal, ndArray } from '../tensor/index.ts';
import { AttentionBlock } from './attention-block.ts';

const CASES: readonly [name: string, channels: number, headDim: number | null, edge: number][] = [
  ['one head, many pixels', 12, null, 4],
  ['one head, few pixels', 12, null, 2],
  ['one head of fewer channels', 12, 8, 4],
  ['several heads', 12, 4, 4],
  ['several heads of fewer channels together', 14, 4, 4],
];

describe('attention over pixels is attention over tokens', () => {
  test.each(CASES)('%s', async (_, channels, headDim, edge) => {
    const block = new AttentionBlock(channels, { headDim, groups: null });
    const shape = [2, channels, edge, edge];
    const x = ndArray(fillNormal(new Float32Array(2 * channels * edge ** 2), { seed: 1, draw: 0 }), shape);
    const engine = referenceEngine();
    const program = await engine.compile(() => {
      const pixels = input('x', shape);
      const tokens = pixels.reshape([2, channels, edge ** 2]).transpose([0, 2, 1]);
      const attended = MultiHeadAttention.prototype.forward.call(block, tokens);
      const expected = attended.transpose([0, 2, 1]).reshape(shape).add(pixels);
      return block.forward(pixels).sub(expected).abs().max();
    });
    const { output } = await program.run({ x });
    expect(Number(output!.data[0])).toBeLessThan(1e-12);
    await engine.dispose();
  });
});
