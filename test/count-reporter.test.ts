/** @file The reporter that ends a run with one line of counts. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const repository = fileURLToPath(new URL('..', import.meta.url));

/** The last line of a run over these test files. */
function lastLine(files: Readonly<Record<string, string>>): string | undefined {
  mkdirSync(join(repository, '.cache'), { recursive: true });
  const folder = mkdtempSync(join(repository, '.cache', 'reporter-'));
  try {
    writeFileSync(join(folder, 'vitest.config.ts'), 'export default {};\n');
    for (const [name, source] of Object.entries(files)) {
      writeFileSync(join(folder, name), `import { beforeAll, describe, expect, test } from 'vitest';\n${source}\n`);
    }
    const { stdout } = spawnSync(
      process.execPath,
      [
        join(repository, 'node_modules/vitest/vitest.mjs'),
        'run',
        `--root=${folder}`,
        '--reporter=default',
        `--reporter=${join(repository, 'tools/vitest-count-reporter.ts')}`,
      ],
      { cwd: folder, encoding: 'utf8' },
    );
    return stdout.trimEnd().split('\n').at(-1);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test('counts what passed, failed and was skipped, and ends the run', () => {
  const source = `
    test('a', () => {});
    describe('b', () => { test('c', () => { expect(1).toBe(2); }); test.skip('d', () => {}); test.todo('e'); });`;
  expect(lastLine({ 'a.test.ts': source, 'b.test.ts': "test('f', () => {});" })).toBe('2 passed, 1 failed, 2 skipped');
});

test('leaves out what was skipped when nothing was, and counts files that do not load', () => {
  expect(lastLine({ 'a.test.ts': "test('a', () => {});", 'b.test.ts': "import './nowhere.ts';" })).toBe(
    '1 passed, 1 failed',
  );
});
