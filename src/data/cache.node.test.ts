import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { ndArray } from '../tensor/index.ts';
import { cacheDirectory, readCache, writeCache } from './cache.node.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'inkwash-cache-'));
  vi.stubEnv('INKWASH_CACHE', join(folder, 'deep', 'cache'));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

const entry = { pixels: ndArray(Uint8Array.of(1, 2, 3, 4), [2, 1, 1, 2], 'uint8'), notes: [{ hair: 'long' }, null] };
const noWarning = (message: string): void => expect.unreachable(message);

test('returns what was stored, and undefined for what was not', async () => {
  await writeCache('a', entry, noWarning);
  expect(await readCache('a')).toEqual(entry);
  expect(await readCache('b')).toBeUndefined();
  expect(await readdir(cacheDirectory())).toEqual(['a.safetensors']);
});

test('treats a damaged or foreign entry as absent', async () => {
  await writeCache('a', entry, noWarning);
  const file = join(cacheDirectory(), 'a.safetensors');
  const good = await readFile(file);
  const flipped = Buffer.from(good);
  flipped[flipped.length - 1]! ^= 1;
  for (const bad of [good.subarray(0, good.length - 1), good.subarray(0, 4), flipped, Buffer.from('nonsense!')]) {
    await writeFile(file, bad);
    expect(await readCache('a')).toBeUndefined();
  }
});

test('an unwritable folder that the user chose is a warning that says what to do', async () => {
  await writeFile(join(folder, 'file'), '');
  vi.stubEnv('INKWASH_CACHE', join(folder, 'file', 'cache'));
  const warnings: string[] = [];
  await writeCache('a', entry, (message) => warnings.push(message));
  expect(warnings).toHaveLength(1);
  expect(warnings[0]).toContain('set INKWASH_CACHE to a folder you may write to');
});

test('an unwritable home folder is nothing to speak of', async () => {
  await writeFile(join(folder, 'file'), '');
  vi.stubEnv('INKWASH_CACHE', '');
  vi.stubEnv('HOME', join(folder, 'file'));
  await writeCache('a', entry, noWarning);
});

test('lies in the home folder unless INKWASH_CACHE says otherwise', () => {
  vi.stubEnv('INKWASH_CACHE', '');
  vi.stubEnv('HOME', folder);
  expect(cacheDirectory()).toBe(join(folder, '.cache', 'inkwash'));
});
