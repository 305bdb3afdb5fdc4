/** @file Finds out whether, and with how many channels per block, ONNX Runtime's blocked layout works on this processor. */
import { conv, input } from '../graph/index.ts';
import { fillNormal, type NdArray, ndArray } from '../tensor/index.ts';
import type { SessionHost } from './host.ts';
import { OnnxEngine } from './onnx-engine.ts';

const CHANNELS = 32;
const PIXELS = 4;

/** The block of the processor behind `host`: 16 with AVX-512, 8 with AVX2 …; undefined where the layout does not work. */
export async function probeBlock(host: SessionHost): Promise<number | undefined> {
  const x = normal([2, CHANNELS, PIXELS, PIXELS], 0);
  const w = normal([CHANNELS, CHANNELS, 3, 3], 1);
  const expected = await convolve(host, undefined, x, w);
  for (const block of [16, 8, 4]) {
    try {
      const result = await convolve(host, block, x, w);
      if (result.every((value, i) => Math.abs(value - expected[i]!) <= 1e-3)) return block;
    } catch {
      // the layout's operators are refused: not this block
    }
  }
  return undefined;
}

async function convolve(host: SessionHost, block: number | undefined, x: NdArray, w: NdArray): Promise<Float32Array> {
  const engine = new OnnxEngine(host, { provider: 'cpu', block });
  const program = await engine.compile(
    () => conv(input('x', x.shape), input('w', w.shape), undefined, { padding: 1 }),
    {
      name: 'layout probe',
    },
  );
  const { output } = await program.run({ x, w });
  await program.dispose();
  return output!.data as Float32Array;
}

function normal(shape: readonly number[], draw: number): NdArray {
  return ndArray(fillNormal(new Float32Array(shape.reduce((a, b) => a * b, 1)), { seed: 0, draw }), shape);
}
