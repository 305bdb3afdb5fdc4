import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ConfigError, DataError } from '../tensor/index.ts';
import { atomicWrite } from './atomic-write.node.ts';
import { refuseOverwriting, writeUnderFreeName } from './output-files.node.ts';

let root = '';
const at = (name: string): string => join(root, name);
const text = (name: string): Promise<string> => readFile(at(name), 'utf8');
const write = (path: string): Promise<void> => atomicWrite(path, 'new', { overwrite: false });

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'inkwash-output-'));
  await writeFile(at('old.png'), 'old');
});
afterEach(() => rm(root, { recursive: true, force: true }));

test('replaces the file it is given, or refuses to, and leaves nothing else behind', async () => {
  await expect(write(at('old.png'))).rejects.toThrow(
    /old\.png is already there\n {2}hint: choose another place, or set overwrite to true/,
  );
  expect(await text('old.png')).toBe('old');
  await write(at('new.png'));
  await atomicWrite(at('old.png'), 'newer');
  expect([await text('new.png'), await text('old.png')]).toEqual(['new', 'newer']);
  expect((await readdir(root)).sort()).toEqual(['new.png', 'old.png']);
});

test('names the first of several files that is there, and the file that would be written twice', async () => {
  const files = [at('a.png'), at('old.png')];
  const error = await refuseOverwriting(files).catch((reason: DataError) => reason);
  expect(error).toBeInstanceOf(DataError);
  expect((error as DataError).cliHint).toContain('--overwrite');
  await refuseOverwriting(files, { overwrite: true });
  await refuseOverwriting([at('a.png'), at('b.png')]);
  await expect(refuseOverwriting([at('a.png'), join(root, 'x', '..', 'a.png')])).rejects.toThrow(ConfigError);
  await symlink(at('nowhere'), at('link.png'));
  await expect(refuseOverwriting([at('link.png')])).rejects.toThrow('link.png is already there');
});

test('takes the next free name, also when several look for one at once', async () => {
  await mkdir(at('old-2.png'));
  const written = await Promise.all([1, 2, 3].map(() => writeUnderFreeName(at('old.png'), write)));
  expect(written.sort()).toEqual([3, 4, 5].map((number) => at(`old-${number}.png`)));
  expect(await writeUnderFreeName(at('fresh.png'), write)).toBe(at('fresh.png'));
  expect(await text('old.png')).toBe('old');
  await expect(writeUnderFreeName(at('old.png/x.png'), write)).rejects.toThrow('part of the path is a file');
});
