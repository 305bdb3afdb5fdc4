#!/usr/bin/env node
/** @file The command `inkwash`. In a fresh clone it builds the sources first, with the TypeScript installed there. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const entry = join(root, 'dist', 'cli', 'main.js');

function fail(message, hint) {
  process.stderr.write(`inkwash: ${message}\n  hint: ${hint}\n`);
  process.exit(1);
}

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  fail(`Node.js 20.19 or newer is needed, this is ${process.versions.node}`, 'install it from nodejs.org');
}

if (!existsSync(entry)) {
  if (!existsSync(join(root, 'src'))) {
    fail(
      'this copy was never built: dist/ is missing',
      'npm builds a copy from git, or packs one, only where it may run scripts: add --ignore-scripts=false to that npm command',
    );
  }
  let compiler;
  try {
    compiler = join(
      dirname(createRequire(join(root, 'package.json')).resolve('typescript/package.json')),
      'bin',
      'tsc',
    );
  } catch {
    fail('the packages are not installed', 'run `npm ci` first');
  }
  process.stderr.write('building inkwash once …\n');
  const build = spawnSync(process.execPath, [compiler, '-p', join(root, 'tsconfig.build.json')], { encoding: 'utf8' });
  if (build.status !== 0 && !existsSync(entry)) {
    fail(`the build failed\n${build.stdout ?? ''}${build.stderr ?? ''}`, 'run `npm run build` to see it again');
  }
}

const { main } = await import(pathToFileURL(entry).href);
process.exitCode = await main(process.argv.slice(2));
