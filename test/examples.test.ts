/** @file The programs in examples/ run, each in a process of its own, with settings that take seconds. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';

const repository = fileURLToPath(new URL('..', import.meta.url));
let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'inkwash-examples-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** Runs an example from the repository's root, as its first line says; resolves to its stdout. */
function runExample(name: string, args: readonly string[], env: Readonly<Record<string, string>>): Promise<string> {
  const child = spawn(process.execPath, ['--import', 'tsx', join('examples', name), ...args], {
    cwd: repository,
    env: { ...process.env, ...env },
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk;
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk;
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) =>
      code === 0 ? resolve(stdout) : reject(new Error(`${name} ended with ${code}:\n${stderr}`)),
    );
  });
}

test('trains on a folder of pictures, then samples from the run', async () => {
  const out = join(folder, 'discs');
  const grid = await runExample('train-a-folder.ts', [out], { EXAMPLE_STEPS: '2', EXAMPLE_PICTURES: '48' });
  expect(existsSync(grid.trim().split('\n').at(-1)!)).toBe(true);
  const picture = join(folder, 'grid.png');
  const said = await runExample('sample-a-model.ts', [out, picture], { EXAMPLE_PICTURES: '2' });
  expect(said).toMatch(/^2 pictures by \d+ steps of .+, seeds 7 to 8: /);
  expect(existsSync(picture)).toBe(true);
  const [, first, again] = /first pixel (\S+), made again (\S+)/.exec(said)!;
  expect(Number(again)).toBeCloseTo(Number(first), 2);
});

test('learns a ring with its own loss and solver', async () => {
  const said = await runExample('own-loss-and-solver.ts', [], { EXAMPLE_STEPS: '400' });
  const radius = Number(/radius of the ring: (\S+),/.exec(said)![1]);
  expect(radius).toBeGreaterThan(1.7);
  expect(radius).toBeLessThan(2.3);
});
