/** @file Training noises: their draws and their statistics. */
import { expect, it } from 'vitest';
import type { Tensor } from '../../../graph/index.ts';
import { referenceEngine } from '../../../runtime/index.ts';
import { fillNormal, type Shape, sizeOf, toFloat64 } from '../../../tensor/index.ts';
import { multiResolutionNoise, offsetNoise } from './noise.ts';

const seed = 3;

async function noiseOf(make: (dims: Shape) => Tensor, dims: Shape): Promise<Float64Array> {
  const program = await referenceEngine().compile(() => ({ noise: make(dims) }));
  const { noise } = await program.run({}, { seed, step: 0 });
  return toFloat64(noise!);
}

const normal = (dims: Shape, draw: number): Float32Array =>
  fillNormal(new Float32Array(sizeOf(dims)), { seed, step: 0, draw });

it('shifts whole channels by an offset', async () => {
  const dims = [1, 2, 4, 4];
  const noise = await noiseOf(offsetNoise(0.5), dims);
  const [shift, white] = [normal([1, 2, 1, 1], 0), normal(dims, 1)];
  expect(noise[0]).toBeCloseTo(white[0]! + 0.5 * shift[0]!, 5);
  expect(noise[31]).toBeCloseTo(white[31]! + 0.5 * shift[1]!, 5);
});

it('keeps unit variance over several resolutions and correlates neighbours', async () => {
  const dims = [8, 1, 32, 32];
  const noise = await noiseOf(multiResolutionNoise(), dims);
  const variance = noise.reduce((sum, value) => sum + value * value, 0) / noise.length;
  let correlation = 0;
  for (let i = 0; i < noise.length; i += 2) correlation += (noise[i]! * noise[i + 1]!) / (noise.length / 2);
  expect(Math.abs(variance - 1)).toBeLessThan(0.15);
  expect(correlation).toBeGreaterThan(0.3);
});

it('refuses sides that do not halve', async () => {
  await expect(noiseOf(multiResolutionNoise({ levels: 3 }), [1, 1, 12, 12])).rejects.toThrow(/fewer levels/);
});
