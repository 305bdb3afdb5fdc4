import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest';
import { claimRunFolder, defaultRunFolder, refuseInsideData } from './run-path.node.ts';

const root = realpathSync(mkdtempSync(join(tmpdir(), 'inkwash-paths-')));
const before = process.cwd();
let project = '';
let projects = 0;

beforeEach(() => {
  project = join(root, `project-${projects++}`);
  for (const name of ['pics/cats', 'my pics [old]']) mkdirSync(join(project, name), { recursive: true });
  symlinkSync(join(project, 'pics'), join(project, 'link'));
  process.chdir(project);
});
afterEach(() => process.chdir(before));
afterAll(() => rmSync(root, { recursive: true, force: true }));

test.each([
  ['avatars', 'runs/avatars'],
  ['./pics', 'runs/pics'],
  ['pics/', 'runs/pics'],
  ['pics/../pics//', 'runs/pics'],
  ['link', 'runs/link'],
  ['my pics [old]', 'runs/my pics [old]'],
  ['pics/cats', 'runs/cats'],
])('a run on %s goes to %s', (spec, folder) => {
  expect(defaultRunFolder(spec)).toBe(folder);
});

test.each([
  ['pics', '.'],
  ['pics', '../pics'],
  ['pics', '../link/'],
  ['pics/cats', '..'],
  ['link', '.'],
])('in the folder %s, a run on %s goes beside the data', (cwd, spec) => {
  process.chdir(cwd);
  expect(defaultRunFolder(spec)).toBe(join(project, 'runs', spec.startsWith('../link') ? 'link' : 'pics'));
});

test('a run on a folder called runs goes beside it', () => {
  mkdirSync('runs');
  expect(defaultRunFolder('runs')).toBe(join(project, 'runs-runs', 'runs'));
});

test('refuses a run inside its data, by whatever way it is named', () => {
  for (const out of ['pics/run', 'pics', 'pics/cats/a/b', 'link/run', join(project, 'pics', 'x')]) {
    expect(() => refuseInsideData(out, 'pics'), out).toThrow(/would lie inside the data pics/);
  }
  for (const out of ['run', 'pics-run', 'pics/../run']) refuseInsideData(out, 'pics');
  refuseInsideData('avatars', 'avatars');
});

test('runs that start at once get folders of their own, and what is there already stays', async () => {
  mkdirSync('runs');
  writeFileSync(join('runs', 'pics'), 'a file of the user');
  const claimed = await Promise.all(Array.from({ length: 4 }, () => claimRunFolder('pics')));
  expect(claimed.sort()).toEqual([2, 3, 4, 5].map((number) => join('runs', `pics-${number}`)));
});

test('says so when no folder can be made', async () => {
  writeFileSync('runs', 'a file');
  await expect(claimRunFolder('pics')).rejects.toThrow(/part of the path is a file/);
});
