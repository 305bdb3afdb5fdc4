import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';

const root = mkdtempSync(join(tmpdir(), 'inkwash-clone-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** The files that git would clone, without the installed packages. */
function clone(name: string, files: readonly string[]): string {
  const folder = join(root, name);
  mkdirSync(folder);
  for (const file of files) cpSync(file, join(folder, file), { recursive: true });
  return folder;
}

test('builds itself in a fresh clone, once and quietly', () => {
  const folder = clone('fresh', ['bin', 'src', 'package.json', 'tsconfig.json', 'tsconfig.build.json']);
  symlinkSync(join(process.cwd(), 'node_modules'), join(folder, 'node_modules'));
  const run = () => spawnSync(process.execPath, [join(folder, 'bin', 'inkwash.js'), '--version'], { encoding: 'utf8' });
  const first = run();
  expect(first).toMatchObject({ status: 0, stderr: 'building inkwash once …\n' });
  expect(first.stdout).toMatch(/^inkwash\//);
  expect(existsSync(join(folder, 'dist', 'cli', 'main.js'))).toBe(true);
  expect(run()).toMatchObject({ status: 0, stderr: '' });
});

test('says what to do when the packages are not installed', () => {
  const folder = clone('bare', ['bin', 'package.json']);
  mkdirSync(join(folder, 'src'));
  const bare = spawnSync(process.execPath, [join(folder, 'bin', 'inkwash.js')], { encoding: 'utf8' });
  expect(bare.status).toBe(1);
  expect(bare.stderr).toContain('hint: run `npm ci` first');
});

test('a copy that npm made without running scripts says how to get a built one', () => {
  const folder = clone('unbuilt', ['bin', 'package.json']);
  const unbuilt = spawnSync(process.execPath, [join(folder, 'bin', 'inkwash.js')], { encoding: 'utf8' });
  expect(unbuilt.status).toBe(1);
  expect(unbuilt.stderr).toContain('this copy was never built');
  expect(unbuilt.stderr).toContain('add --ignore-scripts=false to that npm command');
});

test('is committed as a program', () => {
  expect(execFileSync('git', ['ls-files', '-s', 'bin/inkwash.js'], { encoding: 'utf8' })).toMatch(/^100755/);
});
