/** @file Programs that are handed their large constants, with a limit so small that tiny ones are large: same results, nobody's data lost. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { constant, conv, input, type Tensor, Variable } from '../graph/index.ts';
import { fillNormal, fromNumbers, type NdArray, ndArray, sizeOf } from '../tensor/index.ts';
import { probeBlock } from './blocked-layout.ts';
import type { Engine } from './engine.ts';
import { createHost } from './host-settings.node.ts';
import { OnnxEngine } from './onnx-engine.ts';
import { WorkerHost } from './worker-host.node.ts';

const normal = (shape: readonly number[], draw: number): NdArray =>
  ndArray(fillNormal(new Float32Array(sizeOf(shape)), { seed: 3, draw }), shape);

const CHANNELS = 64;
const x = normal([1, CHANNELS, 4, 4], 9);
const settings = { device: 'cpu', threads: 1, profile: undefined } as const;

/** An engine that hands over all that is not tiny, or nothing. */
async function open(kind: string, handOverFrom: number): Promise<Engine> {
  const host = kind === 'worker' ? await WorkerHost.start(settings) : await createHost(settings);
  return new OnnxEngine(host, { provider: 'cpu', block: await probeBlock(host) }, { handOverFrom });
}

/** A kernel that is laid out anew, a matrix that is taken as it is, and a table that is no variable. */
const given = {
  kernel: normal([CHANNELS, CHANNELS, 3, 3], 0),
  matrix: normal([1024, 20], 1),
  table: normal([20, 1000], 2),
};
const program = (kernel: Variable, matrix: Variable) => (): Tensor =>
  conv(input('x', x.shape), kernel, undefined, { padding: 1 })
    .reshape([1, 1024])
    .matmul(matrix.value)
    .matmul(constant(given.table));

describe.each(['node', 'worker'])('in an engine of kind %s', (kind) => {
  let engine: Engine;
  let inside: Engine;
  beforeAll(async () => {
    engine = await open(kind, 0);
    inside = await open(kind, Number.POSITIVE_INFINITY);
  });
  afterAll(async () => {
    await engine.dispose();
    await inside.dispose();
  });

  async function run(on: Engine, repeatable: boolean): Promise<Float32Array[]> {
    const initials = [given.kernel, given.matrix].map((value) => ({ initial: () => value, repeatable }));
    const [kernel, matrix] = initials.map((options, i) => {
      return new Variable([given.kernel, given.matrix][i]!.shape, options);
    }) as [Variable, Variable];
    const compiled = await on.compile(program(kernel, matrix), { freeze: true });
    const results = [];
    for (let i = 0; i < 2; i++) results.push((await compiled.run({ x })).output!.data as Float32Array);
    await compiled.dispose();
    return results;
  }

  test.each([true, false])('a program computes the same, run after run (values asked for again: %s)', async (again) => {
    const [expected] = await run(inside, again);
    const [first, second] = await run(engine, again);
    const largest = Math.max(...expected!.map(Math.abs));
    first!.forEach((value, i) => {
      expect(Math.abs(value - expected![i]!)).toBeLessThan(1e-5 * largest);
    });
    expect(second).toEqual(first);
  });

  test('what others gave stays theirs, and the program keeps what it was compiled with', async () => {
    const before = Object.values(given).map(({ data }) => [data.length, data[7]]);
    const own = { ...given.matrix, data: given.matrix.data.slice() } as NdArray;
    const matrix = new Variable(own.shape, { initial: () => own, repeatable: true });
    const kernel = new Variable(given.kernel.shape, { initial: () => given.kernel, repeatable: true });
    const compiled = await engine.compile(program(kernel, matrix), { freeze: true });
    const { output: first } = await compiled.run({ x });
    expect(own.data.length).toBe(given.matrix.data.length);
    (own.data as Float32Array).fill(0);
    expect((await compiled.run({ x })).output!.data).toEqual(first!.data);
    expect(Object.values(given).map(({ data }) => [data.length, data[7]])).toEqual(before);
  });

  test('values of variables that the engine holds are those at the time of compiling', async () => {
    const matrix = new Variable([16, 2000], { repeatable: true });
    await engine.write(matrix, normal([16, 2000], 5));
    const compiled = await engine.compile(() => input('x', [1, 16]).matmul(matrix.value).sum(), { freeze: true });
    const ones = ndArray(new Float32Array(16).fill(1), [1, 16]);
    const { output: first } = await compiled.run({ x: ones });
    expect(first!.data[0]).not.toBe(0);
    await engine.write(matrix, normal([16, 2000], 6));
    expect((await compiled.run({ x: ones })).output!.data).toEqual(first!.data);
  });
});

test('reading a variable that no program has used gives its first value, in an array of its own', async () => {
  const engine = await open('node', 0);
  const value = fromNumbers([1, 2]);
  const variable = new Variable([2], { initial: () => value, repeatable: true });
  const { data } = await engine.read(variable);
  (data as Float32Array).fill(0);
  expect(await engine.read(variable)).toEqual(fromNumbers([1, 2]));
  await engine.dispose();
});
