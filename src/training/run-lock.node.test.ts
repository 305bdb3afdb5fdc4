import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { DataError } from '../tensor/index.ts';
import { LOCK_FILE, RunLock, runLockHolder } from './run-lock.node.ts';

const root = mkdtempSync(join(tmpdir(), 'inkwash-lock-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

let folders = 0;
function newFolder(): string {
  const folder = join(root, `run-${folders++}`);
  mkdirSync(folder);
  return folder;
}
const lockOf = (folder: string): string => join(folder, LOCK_FILE);
const contents = (folder: string): Record<string, unknown> => JSON.parse(readFileSync(lockOf(folder), 'utf8'));
const grow = (folder: string, minutes: number): void => {
  const then = new Date(Date.now() - minutes * 60_000);
  utimesSync(lockOf(folder), then, then);
};

/** A process that locks `folder` and stays. */
async function holder(folder: string): Promise<ChildProcess> {
  const url = new URL('../../dist/training/run-lock.node.js', import.meta.url).href;
  const script = `const { RunLock } = await import(${JSON.stringify(url)});
    await RunLock.take(${JSON.stringify(folder)}); console.log('held'); setInterval(() => {}, 1000)`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await new Promise((resolve) => child.stdout!.once('data', resolve));
  return child;
}
const ended = (child: ChildProcess) => new Promise((resolve) => child.once('exit', resolve));

test('a lock keeps others out until it is released', async () => {
  const folder = newFolder();
  const lock = await RunLock.take(folder);
  expect(runLockHolder(folder)).toMatchObject({ pid: process.pid });
  const refused = await RunLock.take(folder).catch((error: Error) => error);
  expect(refused).toBeInstanceOf(DataError);
  expect(String(refused)).toMatch(
    /run-\d+ is in use by process \d+ on .*\n {2}hint: wait until it is done, or stop it$/,
  );
  lock.release();
  expect(existsSync(lockOf(folder))).toBe(false);
  expect(runLockHolder(folder)).toBeUndefined();
  (await RunLock.take(folder)).release();
});

test('the lock of another process holds while it lives, and not once it was killed', async () => {
  const folder = newFolder();
  const child = await holder(folder);
  // even when it gives no sign of life, as one that is halted
  grow(folder, 10);
  await expect(RunLock.take(folder)).rejects.toThrow(`is in use by process ${child.pid}`);
  child.kill('SIGKILL');
  await ended(child);
  expect(existsSync(lockOf(folder))).toBe(true);
  expect(runLockHolder(folder)).toBeUndefined();
  (await RunLock.take(folder)).release();
});

test('a process that ends by itself takes its lock along', async () => {
  const folder = newFolder();
  const url = new URL('../../dist/training/run-lock.node.js', import.meta.url).href;
  const script = `const { RunLock } = await import(${JSON.stringify(url)});
    await RunLock.take(${JSON.stringify(folder)}); throw new Error('on purpose')`;
  await ended(spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'ignore' }));
  expect(existsSync(lockOf(folder))).toBe(false);
});

test.skipIf(process.platform !== 'linux')(
  'a later process with the number of a dead one does not hold its lock',
  async () => {
    const folder = newFolder();
    const lock = await RunLock.take(folder);
    writeFileSync(lockOf(folder), JSON.stringify({ ...contents(folder), token: 'of another', started: '1' }));
    const taken = await RunLock.take(folder);
    taken.release();
    lock.release();
  },
);

test('a lock of another machine, or from before a restart, holds while it gives signs of life', async () => {
  for (const over of [{ host: 'elsewhere' }, { system: 'an earlier boot' }]) {
    const folder = newFolder();
    const lock = await RunLock.take(folder);
    writeFileSync(lockOf(folder), JSON.stringify({ ...contents(folder), token: 'of another', ...over }));
    await expect(RunLock.take(folder)).rejects.toThrow(/if it no longer runs, try again in a minute/);
    grow(folder, 2);
    (await RunLock.take(folder)).release();
    lock.release();
  }
});

test('a damaged lock holds for a minute, in case it is being written', async () => {
  const folder = newFolder();
  writeFileSync(lockOf(folder), '');
  await expect(RunLock.take(folder)).rejects.toThrow(/is in use/);
  grow(folder, 2);
  (await RunLock.take(folder)).release();
});

test('a copy of a folder that is in use is free', async () => {
  const folder = newFolder();
  const lock = await RunLock.take(folder);
  cpSync(folder, `${folder}-copy`, { recursive: true });
  (await RunLock.take(`${folder}-copy`)).release();
  lock.release();
});

test('of many that find a dead lock, one gets it', async () => {
  const folder = newFolder();
  const child = await holder(folder);
  child.kill('SIGKILL');
  await ended(child);
  const tries = await Promise.allSettled(Array.from({ length: 8 }, () => RunLock.take(folder)));
  const locks = tries.flatMap((result) => (result.status === 'fulfilled' ? result.value : []));
  expect(locks).toHaveLength(1);
  locks[0]!.check();
  locks[0]!.release();
});

test('a holder that was taken for dead finds out, and leaves the lock of its successor', async () => {
  const folder = newFolder();
  const lock = await RunLock.take(folder);
  lock.check();
  const successor = { ...contents(folder), token: 'of its successor', host: 'elsewhere' };
  writeFileSync(lockOf(folder), JSON.stringify(successor));
  expect(() => lock.check()).toThrow(/was taken over by process \d+ on elsewhere/);
  lock.release();
  expect(contents(folder)).toEqual(successor);
});
