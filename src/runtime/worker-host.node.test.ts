/** @file The engine in a worker: the same numbers, a thread that stays free, and a process that may end. */
import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { gradients } from '../autodiff/index.ts';
import { conv, groupNorm, input, random, type Tensor, Variable } from '../graph/index.ts';
import { fillNormal, type NdArray, ndArray, sizeOf } from '../tensor/index.ts';
import type { Engine } from './engine.ts';
import { nodeEngine } from './index.node.ts';

const normal = (shape: readonly number[], draw: number): NdArray =>
  ndArray(fillNormal(new Float32Array(sizeOf(shape)), { seed: 11, draw }), shape);

/** Trains two convolutions on noise for some steps; returns every loss and the weights. */
async function train(engine: Engine, steps: number): Promise<{ losses: number[]; weights: NdArray[] }> {
  const variables = [[16, 3, 3, 3], [16], [16], [3, 16, 3, 3]].map(
    (shape, draw) => new Variable(shape, { name: `w${draw}`, initial: () => normal(shape, draw) }),
  );
  const [w1, gamma, beta, w2] = variables as [Variable, Variable, Variable, Variable];
  const step = await engine.compile(() => {
    const x = input('x', [2, 3, 8, 8]);
    const noisy = x.add(random.normal(x.shape));
    const h = groupNorm(conv(noisy, w1, undefined, { padding: 1 }), 4, gamma, beta).silu();
    const loss = conv(h, w2, undefined, { padding: 1 }).sub(x).square().mean();
    gradients(loss, variables).forEach((gradient: Tensor, i) => {
      variables[i]!.assign(variables[i]!.value.sub(gradient.mul(0.01)));
    });
    return { loss };
  });
  const losses: number[] = [];
  for (let i = 0; i < steps; i++) losses.push(Number((await step.run({ x: normal([2, 3, 8, 8], 9) })).loss!.data[0]));
  return { losses, weights: await Promise.all(variables.map((variable) => engine.read(variable))) };
}

/** Times a timer of 2 ms ticks while products of large matrices run. */
async function ticksDuringRun(engine: Engine): Promise<number> {
  const program = await engine.compile(() => {
    let y = input('x', [512, 512]);
    for (let i = 0; i < 60; i++) y = y.matmul(y).mul(1e-3);
    return y.sum();
  });
  const x = normal([512, 512], 0);
  let ticks = 0;
  const timer = setInterval(() => ticks++, 2);
  await program.run({ x });
  clearInterval(timer);
  return ticks;
}

describe('an engine in a worker', () => {
  test('gives the same bits as one in this thread', async () => {
    const engines = [await nodeEngine({ threads: 1 }), await nodeEngine({ threads: 1, worker: true })] as const;
    const [here, there] = [await train(engines[0], 5), await train(engines[1], 5)];
    await Promise.all(engines.map((engine) => engine.dispose()));
    expect(there).toEqual(here);
    expect(here.losses[4]).toBeLessThan(here.losses[0]!);
  });

  test('leaves this thread free while it runs', async () => {
    const engine = await nodeEngine({ threads: 1, worker: true });
    expect(await ticksDuringRun(engine)).toBeGreaterThan(5);
    await engine.dispose();
  });

  test('leaves the arrays it is given as they were', async () => {
    const engine = await nodeEngine({ threads: 1, worker: true });
    const program = await engine.compile(() => input('x', [4]).neg());
    const x = normal([4], 0);
    const [first, second] = [await program.run({ x }), await program.run({ x })];
    expect(x.data.length).toBe(4);
    expect(second).toEqual(first);
    await engine.dispose();
  });

  test('does not keep the process alive', () => {
    const runtime = new URL('../../dist/runtime/index.node.js', import.meta.url).href;
    const graph = new URL('../../dist/graph/index.js', import.meta.url).href;
    const script = `
      import { nodeEngine } from '${runtime}';
      import { input } from '${graph}';
      const engine = await nodeEngine({ worker: true, threads: 1 });
      const program = await engine.compile(() => input('x', [1]).add(1));
      const { output } = await program.run({ x: { dtype: 'float32', shape: [1], data: Float32Array.of(41) } });
      console.log(output.data[0]);`;
    const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', script], {
      encoding: 'utf8',
      timeout: 30_000,
    });
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '42\n', stderr: '' });
  });
});
