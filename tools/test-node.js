#!/usr/bin/env node
/**
 * @file Runs the tests on the Node versions with long-term support: `npm run test:node [-- [--node 22,24] [vitest's arguments]]`.
 *
 * Their binaries are npm packages, one for each platform, kept in .cache/node. None of their scripts runs.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';

const LTS = ['22', '24', '26'];

/** The binary of the newest `major` that npm has; fetched when it is not there yet. */
function nodeOf(major) {
  const platform = process.platform === 'win32' ? 'win' : process.platform;
  const name = `node-${platform}-${process.arch}`;
  const folder = join('.cache', 'node', major);
  const binary = join(folder, 'node_modules', name, 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
  if (!existsSync(binary)) {
    mkdirSync(folder, { recursive: true });
    const install = ['install', '--prefix', folder, '--ignore-scripts', '--no-audit', '--no-fund', `${name}@${major}`];
    execFileSync('npm', install, { stdio: 'inherit', shell: process.platform === 'win32' });
  }
  return binary;
}

const args = process.argv.slice(2);
const majors = args[0] === '--node' ? args.splice(0, 2)[1].split(',') : LTS;
const failed = majors.filter((major) => {
  const node = nodeOf(major);
  console.log(`\nNode ${execFileSync(node, ['--version'], { encoding: 'utf8' }).trim()}`);
  return (
    spawnSync(node, [join('node_modules', 'vitest', 'vitest.mjs'), 'run', ...args], { stdio: 'inherit' }).status !== 0
  );
});
console.log(failed.length === 0 ? `\npassed on Node ${majors.join(', ')}` : `\nfailed on Node ${failed.join(', ')}`);
process.exitCode = failed.length === 0 ? 0 : 1;
