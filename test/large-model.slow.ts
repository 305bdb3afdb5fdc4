/** @file `npm run test:large`: constants past what a protobuf message, a buffer and a careless copy can hold. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeDiffusersFolder } from '../src/formats/index.node.ts';
import { input, Variable } from '../src/graph/index.ts';
import { UNet2DModel } from '../src/models/index.ts';
import { nodeEngine } from '../src/runtime/index.node.ts';
import { deferredArray, ndArray, type Shape, sizeOf } from '../src/tensor/index.ts';
import type { LargeUnetReport } from './large-unet.fixture.ts';

const TIMEOUT = 1_200_000;

describe('nine matrices of 2.6 GB', () => {
  const COUNT = 9;
  const SHAPE = [9000, 8192] as const;
  /** One weight in so many is not zero. */
  const EVERY = 4097;

  function sparse(value: number): Float32Array {
    const data = new Float32Array(SHAPE[0] * SHAPE[1]);
    for (let i = 0; i < data.length; i += EVERY) data[i] = value;
    return data;
  }

  test('are compiled, and all of them count', { timeout: TIMEOUT }, async () => {
    const engine = await nodeEngine();
    const weights = Array.from(
      { length: COUNT },
      (_, k) => new Variable(SHAPE, { name: `w${k}`, initial: () => ndArray(sparse(k + 1), SHAPE), repeatable: true }),
    );
    const program = await engine.compile(
      () => {
        const x = input('x', [1, SHAPE[0]]);
        return weights
          .map(({ value }) => x.matmul(value))
          .reduce((sum, y) => sum.add(y))
          .sum();
      },
      { freeze: true, name: 'large' },
    );
    const { output } = await program.run({ x: ndArray(new Float32Array(SHAPE[0]).fill(1), [1, SHAPE[0]]) });
    const perWeight = Math.ceil((SHAPE[0] * SHAPE[1]) / EVERY);
    expect(output!.data[0]).toBe(((COUNT * (COUNT + 1)) / 2) * perWeight);
    await engine.dispose();
  });
});

describe('a U-Net of 919 M parameters', () => {
  const CONFIG = {
    sample_size: 64,
    in_channels: 4,
    out_channels: 4,
    block_out_channels: [448, 896, 1344, 1536],
    down_block_types: ['DownBlock2D', 'DownBlock2D', 'AttnDownBlock2D', 'AttnDownBlock2D'],
    up_block_types: ['AttnUpBlock2D', 'AttnUpBlock2D', 'UpBlock2D', 'UpBlock2D'],
    attention_head_dim: 64,
  } as const;
  const unet = new UNet2DModel(CONFIG);
  const weightBytes = 4 * unet.parameterCount();
  let folder: string;

  /** Numbers of a variance that keeps signals in range, from a generator that is fast rather than good. */
  function numbers(shape: Shape, seed: number): Float32Array {
    const data = new Float32Array(sizeOf(shape));
    const bound = Math.sqrt(3 / sizeOf(shape.slice(1)));
    let state = seed + 1;
    for (let i = 0; i < data.length; i++) {
      state = (Math.imul(state, 1664525) + 1013904223) | 0;
      data[i] = (state / 2 ** 31) * bound;
    }
    return data;
  }

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'inkwash-large-'));
    const tensors = new Map(
      [...unet.namedParameters()].map(([key, { shape }], i) => {
        return [key, deferredArray({ dtype: 'float32', shape }, () => numbers(shape, i))] as const;
      }),
    );
    const components = {
      unet: { className: 'UNet2DModel', config: CONFIG, tensors },
      scheduler: { className: 'DDIMScheduler', config: {} },
    };
    await writeDiffusersFolder(folder, { className: 'DDIMPipeline', components }, { maxShardBytes: 1e9 });
  }, TIMEOUT);
  afterAll(() => rmSync(folder, { recursive: true }));

  function inProcess(...args: string[]): LargeUnetReport {
    const script = fileURLToPath(new URL('large-unet.fixture.ts', import.meta.url));
    const { stdout, stderr, status } = spawnSync(process.execPath, ['--import', 'tsx', script, ...args], {
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(stderr);
    const report = JSON.parse(stdout) as LargeUnetReport;
    console.log(`${args[0]}: ${(report.peak / weightBytes).toFixed(2)} × the weights, ${report.seconds.toFixed(1)} s`);
    return report;
  }

  test('is sampled from shards within 1.5 times the memory of its weights, in either thread', {
    timeout: TIMEOUT,
  }, () => {
    const [here, worker] = [inProcess('here', folder), inProcess('worker', folder)];
    expect(here.peak).toBeLessThan(1.5 * weightBytes);
    expect(worker.peak).toBeLessThan(1.5 * weightBytes);
    expect(here.output.every(Number.isFinite)).toBe(true);
    expect(worker.output).toEqual(here.output);
  });

  test('is exported within the same, its weights in one file of theirs', { timeout: TIMEOUT }, () => {
    const path = join(folder, 'unet.onnx');
    expect(inProcess('export', folder, path).peak).toBeLessThan(1.5 * weightBytes);
    expect(statSync(`${path}.data`).size).toBeGreaterThan(0.99 * weightBytes);
  });
});
