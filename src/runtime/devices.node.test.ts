/** @file Choosing where the Node engine runs. */
import { describe, expect, test } from 'vitest';
import { input, Variable } from '../graph/index.ts';
import { ConfigError, fromNumbers } from '../tensor/index.ts';
import { nodeEngine } from './index.node.ts';

/** A device this platform can never have. */
const impossible = process.platform === 'darwin' ? 'dml' : 'coreml';

describe('a device that is not there', () => {
  test.each([false, true])('is replaced by the CPU, with a message (in a worker: %s)', async (worker) => {
    const messages: string[] = [];
    const engine = await nodeEngine({ device: impossible, worker, onFallback: (message) => messages.push(message) });
    expect(messages).toHaveLength(1);
    expect(messages[0]).toMatch(new RegExp(`^device '${impossible}' is not available here \\(.+\\); using the CPU$`));
    expect(engine.name).toBe('node/cpu');
    const program = await engine.compile(() => input('x', [2]).mul(2));
    expect([...((await program.run({ x: fromNumbers([1, 2]) })).output!.data as Float32Array)]).toEqual([2, 4]);
    await engine.dispose();
  });
});

describe.each(['webgpu', 'cuda'] as const)('device %s', (device) => {
  test('computes where it is there, and is replaced by the CPU where it is not', async () => {
    const messages: string[] = [];
    const engine = await nodeEngine({ device, onFallback: (message) => messages.push(message) });
    expect(engine.name).toBe(messages.length === 0 ? `node/${device}` : 'node/cpu');
    // one sentence, whatever the runtime has to say
    expect(messages.join()).toMatch(/^(device '\w+' is not available here \([^\n()]{1,80}\); using the CPU)?$/);
    const program = await engine.compile(() => input('x', [2]).mul(2));
    expect([...((await program.run({ x: fromNumbers([1, 2]) })).output!.data as Float32Array)]).toEqual([2, 4]);
    await engine.dispose();
  });
});

test('an unknown device is refused, with those there are', async () => {
  const unknown = nodeEngine({ device: 'gpu' as never });
  await expect(unknown).rejects.toThrow(ConfigError);
  await expect(unknown).rejects.toThrow('choose one of cpu, webgpu, cuda, coreml, dml');
});

test.each([0, 1.5, -1, Number.NaN])('%d threads are refused', async (threads) => {
  await expect(nodeEngine({ threads })).rejects.toThrow(ConfigError);
});

test('engines keep values of their own for a variable', async () => {
  const [a, b] = [await nodeEngine({ threads: 1 }), await nodeEngine({ threads: 1 })] as const;
  const weight = new Variable([2]);
  await a.write(weight, fromNumbers([1, 2]));
  expect([...((await b.read(weight)).data as Float32Array)]).toEqual([0, 0]);
  await Promise.all([a.dispose(), b.dispose()]);
});
