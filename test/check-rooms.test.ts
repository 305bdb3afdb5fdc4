/** @file The check of the house rules finds what breaks them, and nothing else. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from 'vitest';

const tool = fileURLToPath(new URL('../tools/check-rooms.js', import.meta.url));
const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

/** Runs the check over a house of these files; a header is put in front of each that has none. */
function check(files: Readonly<Record<string, string>>, header = '/** @file A fixture. */\n') {
  const folder = mkdtempSync(join(tmpdir(), 'inkwash-rooms-'));
  folders.push(folder);
  for (const [name, source] of Object.entries(files)) {
    const path = join(folder, 'src', name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, header + source);
  }
  const { status, stdout, stderr } = spawnSync(process.execPath, [tool, 'src'], { cwd: folder, encoding: 'utf8' });
  return { status, output: stdout + stderr };
}

describe('a house in order', () => {
  test('passes, with entries that gather everything and Node code in its places', () => {
    const { status, output } = check({
      'index.ts': "export * from './tensor/index.ts';\nexport * from './nn/layer.ts';\n",
      'node.ts': "export * from './index.ts';\nexport * from './data/files.node.ts';\n",
      'tensor/index.ts': "export * from './shape.ts';\n",
      'tensor/shape.ts': "export type { Layer } from '../tensor/index.ts';\nexport const size = 1;\n",
      'nn/layer.ts': "import { size } from '../tensor/index.ts';\nexport const layer = size;\n",
      'data/files.node.ts': "import { readFileSync } from 'node:fs';\nexport { readFileSync };\n",
      'data/types.ts':
        "import type { readFileSync } from './files.node.ts';\nexport type Read = typeof readFileSync;\n",
      'cli/main.ts': "import '../data/files.node.ts';\nimport sharp from 'sharp';\nprocess.exit(sharp ? 0 : 1);\n",
      'data/files.node.test.ts': "import './files.node.ts';\nimport 'vitest';\n",
    });
    expect(output).toBe('8 files keep the house rules\n');
    expect(status).toBe(0);
  });

  test('may speak of Node in comments, strings, templates and regular expressions', () => {
    const { output } = check({
      'tensor/words.ts': [
        "// import { x } from '../cli/main.ts';",
        '/* process.exit() */',
        'export const a = \'import x from "node:fs"; process.env\';',
        `export const b = \`Buffer \${'}'} import('node:fs') \${a + \`process.argv\`}\`;`,
        'export const c = /\'import "node:fs"[/\']/.test(a) ? 4 / 2 : 1;',
        'export const process = { alpha: 1 };',
        'export const d = process.alpha;',
        'export const e = new ArrayBuffer(4);',
      ].join('\n'),
    });
    expect(output).toBe('1 files keep the house rules\n');
  });
});

describe('an offence against the order of the rooms', () => {
  test('is named by file and line, with what to do', () => {
    const { status, output } = check({
      'graph/op.ts': "\nimport {\n  session,\n} from '../runtime/engine.ts';\nexport { session };\n",
      'runtime/engine.ts': 'export const session = 1;\n',
    });
    expect(output).toBe(
      'src/graph/op.ts:3  room graph imports from runtime, which stands below it\n' +
        '    move what it needs up into graph or a room above it\n1 offence against the house rules\n',
    );
    expect(status).toBe(1);
  });

  test.each([
    ["import type { a } from '../nn/a.ts';", 'a type import'],
    ["export { a } from '../nn/a.ts';", 'a re-export'],
    ["export * as all from '../nn/a.ts';", 'a namespace re-export'],
    ["import '../nn/a.ts';", 'a side effect'],
    ["export const later = () => import('../nn/a.ts');", 'a dynamic import'],
  ])('counts for %s (%s)', (statement) => {
    const { output } = check({ 'tensor/b.ts': `${statement}\n`, 'nn/a.ts': 'export const a = 1;\n' });
    expect(output).toContain('src/tensor/b.ts:2  room tensor imports from nn');
  });

  test('counts for tests, which then belong in test/', () => {
    const { output } = check({ 'tensor/b.test.ts': "import '../nn/a.ts';\n", 'nn/a.ts': 'export {};\n' });
    expect(output).toContain('move this test to test/');
  });

  test('counts for what is built and imports what is for tests alone', () => {
    const { output } = check({
      'nn/net.fixture.ts': "import 'vitest';\n",
      'nn/a.test.ts': "import './net.fixture.ts';\n",
      'nn/a.ts': "import './net.fixture.ts';\n",
    });
    expect(output).toContain('src/nn/a.ts:2  imports nn/net.fixture.ts, which is for tests alone');
    expect(output).toContain('1 offence against');
  });

  test('includes entries, files outside, strangers and files that do not exist', () => {
    const { output } = check({
      'index.ts': '',
      'tensor/a.ts': "import '../index.ts';\nimport './nowhere.ts';\nimport '../../outside.ts';\n",
      '../outside.ts': '',
      'attic/b.ts': '',
    });
    expect(output).toContain('src/tensor/a.ts:2  imports the entry index.ts');
    expect(output).toContain("src/tensor/a.ts:3  imports './nowhere.ts', which does not exist");
    expect(output).toContain("src/tensor/a.ts:4  imports '../../outside.ts' from outside src/");
    expect(output).toContain('src/attic/b.ts:1  stands in no room');
  });
});

describe('Node in the universal part', () => {
  test.each([
    ["import { readFileSync } from 'node:fs';", "imports the Node module 'node:fs'"],
    ["import { join } from 'path/posix';", "imports the Node module 'path/posix'"],
    ["const sharp = await import('sharp');", "imports the package 'sharp'"],
    ["import * as ort from 'onnxruntime-node';", "imports the package 'onnxruntime-node'"],
    ["export { x } from './x.node.ts';", 'imports data/x.node.ts, which runs in Node alone'],
    ["import { type x } from './x.node.ts';", 'imports data/x.node.ts, which runs in Node alone'],
    ['const home = process.env.HOME;', 'uses process.env of Node'],
    ["const bytes = Buffer.from('a');", 'uses Buffer of Node'],
    ['const here = __dirname;', 'uses __dirname of Node'],
    ["const fs = require('node:fs');", 'uses require( of Node'],
  ])('is found in %s', (statement, message) => {
    const { status, output } = check({ 'data/a.ts': `${statement}\n`, 'data/x.node.ts': 'export const x = 1;\n' });
    expect(output).toContain(`src/data/a.ts:2  ${message}`);
    expect(status).toBe(1);
  });

  test('is allowed as a type', () => {
    const { output } = check({
      'data/a.ts':
        "import type { Stats } from 'node:fs';\nexport type Fs = typeof import('node:fs');\nexport type { Stats };\n",
    });
    expect(output).toBe('1 files keep the house rules\n');
  });
});

test('onnxruntime-node is imported by its door alone, which turns its telemetry off; its types by all', () => {
  const statement = "export const ort = await import('onnxruntime-node');\n";
  const past = check({ 'runtime/engine.node.ts': statement, 'runtime/onnxruntime.node.ts': statement });
  expect(past.output).toContain("src/runtime/engine.node.ts:2  imports 'onnxruntime-node' past its door");
  expect(past.output).not.toContain('onnxruntime.node.ts:2');
  expect(past.status).toBe(1);
  expect(check({ 'runtime/engine.node.ts': "import type { Tensor } from 'onnxruntime-node';\n" }).status).toBe(0);
});

test('a file that does not say what it is is named', () => {
  const { output } = check({ 'tensor/a.ts': 'export const a = 1;\n' }, '');
  expect(output).toContain('src/tensor/a.ts:1  does not say what it is');
});

test('a circle of value imports is named; types may run in circles', () => {
  const files = { 'tensor/a.ts': "import './b.ts';\n", 'tensor/b.ts': "import './c.ts';\n" };
  const value = check({ ...files, 'tensor/c.ts': "import './a.ts';\n" });
  expect(value.output).toContain(
    'value imports run in a circle: tensor/a.ts → tensor/b.ts → tensor/c.ts → tensor/a.ts',
  );
  const types = check({ ...files, 'tensor/c.ts': "import type {} from './a.ts';\n" });
  expect(types.status).toBe(0);
});
