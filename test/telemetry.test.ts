/** @file inkwash keeps nothing about its use and sends nothing: watched from outside, in processes with empty homes. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BIN, drawSquares, TINY } from './run-cli.ts';

const root = mkdtempSync(join(tmpdir(), 'inkwash-telemetry-'));
beforeAll(() => drawSquares(join(root, 'squares'), 16));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const built = (path: string): string => JSON.stringify(new URL(`../dist/${path}`, import.meta.url).href);

/** Computes 41 + 1 and lives on for as long as `IDLE` says. */
const program = (options: string): string => `(async () => {
  const { nodeEngine } = await import(${built('runtime/index.node.js')});
  const { input } = await import(${built('graph/index.js')});
  const engine = await nodeEngine(${options});
  const program = await engine.compile(() => input('x', [1]).add(1));
  const { output } = await program.run({ x: { dtype: 'float32', shape: [1], data: Float32Array.of(41) } });
  console.log(output.data[0]);
  setTimeout(() => {}, Number(process.env.IDLE ?? 0));
})();`;

/** `code` in a thread of the user's. Native code does not see what a worker does to its copy of the environment. */
const inWorker = (code: string): string => `
  const { Worker } = require('node:worker_threads');
  new Worker(${JSON.stringify(code)}, { eval: true, env: { IDLE: process.env.IDLE ?? '0' } });`;

const PROGRAMS = {
  'an engine': program('{ threads: 1 }'),
  "an engine's worker": program('{ threads: 1, worker: true }'),
  "a user's worker": inWorker(program('{ threads: 1 }')),
  "the worker of an engine in a user's worker in another": inWorker(inWorker(program('{ threads: 1, worker: true }'))),
};

interface Watched {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number | null;
  /** Paths below the home folder, the folder for temporary files, and the one it ran in. */
  readonly left: readonly string[];
}

/** Runs a command as on a machine that never ran it, where nothing else keeps ONNX Runtime silent. */
async function watch(command: string, args: readonly string[], env: Record<string, string> = {}): Promise<Watched> {
  const machine = mkdtempSync(join(root, 'machine-'));
  const folders = { HOME: join(machine, 'home'), TMPDIR: join(machine, 'tmp') };
  for (const folder of Object.values(folders)) mkdirSync(folder);
  const { CI: _, ORT_DISABLE_TELEMETRY: __, XDG_CACHE_HOME: ___, ...inherited } = process.env;
  const cwd = join(machine, 'work');
  mkdirSync(cwd);
  const child = spawn(command, args, { cwd, env: { ...inherited, ...folders, NO_COLOR: '1', ...env } });
  const [stdout, stderr] = [text(child.stdout), text(child.stderr)];
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  const left = readdirSync(machine, { recursive: true }).map(String).sort();
  return { stdout: stdout(), stderr: stderr(), code, left: left.filter((path) => path.includes('/')) };
}

function text(stream: ChildProcess['stdout']): () => string {
  let all = '';
  stream?.on('data', (chunk: Buffer) => {
    all += chunk;
  });
  return () => all;
}

const node = (code: string): string[] => [process.execPath, '--eval', code];

describe.concurrent('nothing is written by', () => {
  test.each(Object.entries(PROGRAMS))('%s', async (_, code) => {
    const [command, ...args] = node(code);
    expect(await watch(command!, args)).toEqual({ code: 0, stdout: '42\n', stderr: '', left: [] });
  });

  test('a user who turned telemetry on for other programs', async () => {
    const [command, ...args] = node(PROGRAMS['an engine']);
    const result = await watch(command!, args, { ORT_DISABLE_TELEMETRY: '0' });
    expect(result).toEqual({ code: 0, stdout: '42\n', stderr: '', left: [] });
  });

  test('inkwash train', async () => {
    const args = [BIN, 'train', join(root, 'squares'), ...TINY, '--steps', '2', '--out', join(root, 'run')];
    const { code, stderr, left } = await watch(process.execPath, args);
    expect(code, stderr).toBe(0);
    expect(left).toEqual([]);
  });
});

test('a home folder that cannot be written to is not spoken of', async () => {
  const [command, ...args] = node(PROGRAMS['an engine']);
  const result = await watch(command!, args, { HOME: '/dev/null' });
  expect(result).toEqual({ code: 0, stdout: '42\n', stderr: '', left: [] });
});

const canTrace = spawnSync('strace', ['-f', '-e', 'trace=network', process.execPath, '--version']).status === 0;

/** ONNX Runtime looks its collector up within some ten seconds of the first session. */
describe.skipIf(!canTrace)('no host is looked up and none spoken to (seen by strace) by', () => {
  test.concurrent.each(Object.entries(PROGRAMS))('%s', async (name, code) => {
    const trace = join(root, `${name.replaceAll(/\W/g, '-')}.strace`);
    const args = ['-f', '--seccomp-bpf', '-e', 'trace=network', '-o', trace, ...node(code)];
    expect(await watch('strace', args, { IDLE: '14000' })).toMatchObject({ stdout: '42\n' });
    const calls = readFileSync(trace, 'utf8').split('\n');
    expect(calls.length).toBeGreaterThan(1);
    expect(calls.filter((call) => /AF_INET|\/nscd\//.test(call))).toEqual([]);
  });
});
