/** @file README.md keeps its word: the program runs, the commands are all there, the links lead somewhere. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { BIN } from './run-cli.ts';

const repository = fileURLToPath(new URL('..', import.meta.url));
const read = (name: string): string => readFileSync(join(repository, name), 'utf8');
const readme = read('README.md');

test('the program runs as it stands, with a smaller task', () => {
  const program = /^```ts\n(.*?)^```/ms.exec(readme)![1]!;
  const task = "{ data: 'avatars', minutes: 3 }";
  expect(program).toContain(task);
  expect(program.split('\n').filter((line) => line.trim() !== '').length).toBeLessThanOrEqual(10);
  const small = `{ data: { spec: 'avatars', count: 64, heldOut: 16 }, batchSize: 8, model: { block_out_channels: [8, 16] }, steps: 2 }`;
  mkdirSync(join(repository, '.cache'), { recursive: true });
  // inside the repository, where the package knows itself by its name
  const folder = mkdtempSync(join(repository, '.cache', 'readme-'));
  try {
    writeFileSync(join(folder, 'program.mjs'), program.replace(task, small));
    const { stdout, stderr, status } = spawnSync(process.execPath, ['program.mjs'], { cwd: folder, encoding: 'utf8' });
    expect(status, stderr).toBe(0);
    expect(stdout).toBe('seeds 7 to 22 are in faces.png\n');
    expect(existsSync(join(folder, 'faces.png'))).toBe(true);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('the table of commands lists the commands there are', () => {
  const { stdout } = spawnSync(process.execPath, [BIN, '--help'], { encoding: 'utf8' });
  const section = /\[flags\]\n\n((?: {2}.*\n)+)/.exec(stdout)![1]!;
  const commands = section
    .trimEnd()
    .split('\n')
    .map((line) => line.trim().split(' ')[0]);
  expect(commands).toContain('train');
  const listed = [...readme.matchAll(/^\| `inkwash (\w+)/gm)].map(([, name]) => name);
  expect(listed.sort()).toEqual(commands.sort());
});

test.each(['README.md', 'CONTRIBUTING.md'])('links of %s lead to files', (name) => {
  const links = [...read(name).matchAll(/(?<!!)\[[^\]]+\]\(([^)#]+)\)/g)].map(([, target]) => target!);
  const inside = links.filter((target) => !target.startsWith('http'));
  expect(inside.length).toBeGreaterThan(2);
  expect(inside.filter((target) => !existsSync(join(repository, target)))).toEqual([]);
});
