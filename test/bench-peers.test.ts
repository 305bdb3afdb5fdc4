/** @file The benchmark's peers: one that says nothing is named soon, work may take long, and memory is what the process held. */
import { afterEach, describe, expect, test } from 'vitest';
import { PeerProcess } from '../bench/peers/peer-process.ts';
import type { PeerCommand } from '../bench/peers/peers.ts';
import { selectWorks } from '../bench/works.ts';

const started: PeerProcess[] = [];
afterEach(() => {
  for (const peer of started.splice(0)) peer.stop();
});

/** A peer that runs `onLine` for every question, after it has said its title. */
const answering = (onLine: string): PeerCommand => ({
  command: process.execPath,
  args: [
    '--eval',
    `const say = (answer) => console.log(JSON.stringify(answer));
     say({ title: 'a peer' });
     require('node:readline').createInterface({ input: process.stdin }).on('line', () => { ${onLine} });`,
  ],
});
const start = async (command: PeerCommand, silenceSeconds = 20): Promise<PeerProcess> => {
  const peer = await PeerProcess.start(command, { silenceSeconds });
  started.push(peer);
  return peer;
};

describe('a peer', () => {
  test('that never starts to answer is named', async () => {
    const mute = { command: process.execPath, args: ['--eval', 'setInterval(() => {}, 1000)'] };
    await expect(start(mute, 0.5)).rejects.toThrow('no answer in 0.5 s: it has not started');
  });

  test('that does not hear a question is named, and asked no more', async () => {
    const peer = await start(answering(''), 5);
    const problem = 'no answer in 5 s: it has not heard the question';
    await expect(peer.ask({ type: 'run' }, 600)).rejects.toThrow(problem);
    await expect(peer.ask({ type: 'run' }, 600)).rejects.toThrow(problem);
  });

  test('that has a child which holds its output open is named as soon', async () => {
    const holding = `require('node:child_process').spawn(process.execPath, ['--eval', 'setTimeout(() => {}, 8000)'], { stdio: 'inherit' });`;
    const peer = await start(answering(holding), 5);
    const began = performance.now();
    await expect(peer.ask({ type: 'run' }, 600)).rejects.toThrow('no answer in 5 s');
    expect(performance.now() - began).toBeLessThan(8000);
  });

  test('may take longer for the work than to hear of it', async () => {
    const peer = await start(answering('say({}); setTimeout(() => say({ ms: 5 }), 1500);'), 20);
    expect(await peer.ask({ type: 'run' }, 20)).toEqual({ ms: 5 });
    const slow = await start(answering('say({}); setTimeout(() => say({ ms: 5 }), 60_000);'));
    await expect(slow.ask({ type: 'run' }, 1)).rejects.toThrow('no answer in 1 s: it is still at work');
  });

  test('that reports an error, has ended or is not installed says so', async () => {
    const failing = await start(answering(`say({}); say({ error: 'cannot' });`));
    await expect(failing.ask({ type: 'run' }, 20)).rejects.toThrow('cannot');
    const dying = await start(answering(`say({}); console.error('MemoryError: too large'); process.exit(1);`));
    await expect(dying.ask({ type: 'run' }, 20)).rejects.toThrow('MemoryError: too large');
    await expect(start({ command: '/nowhere/python3', args: [] })).rejects.toThrow('ENOENT');
  });

  test.runIf(process.platform === 'linux')('is asked how much memory it held at most', async () => {
    const peer = await start(answering('say({}); new Uint8Array(200e6).fill(1); say({ ms: 1 });'));
    const before = peer.peakBytes()!;
    await peer.ask({ type: 'run' }, 20);
    expect(peer.peakBytes()! - before).toBeGreaterThan(150e6);
  });
});

test('attention is measured over 1,024 to 16,384 tokens, with one and eight heads, in training and sampling', () => {
  const names = selectWorks(['attention-']).map(({ name }) => name);
  const sizes = ['1024x1', '1024x8', '4096x1', '4096x8', '16384x1', '16384x8'];
  for (const size of sizes) expect(names.filter((name) => name.startsWith(`attention-${size}/`)).length).toBe(2);
  expect(names.length).toBe(12);
});
