#!/usr/bin/env node
/**
 * @file Installs the package into empty projects, packed and from git, and uses it there: the command line and the library.
 *
 * `npm run test:package` needs the registry (or npm's cache) for the dependencies; it takes a few minutes. From git comes what is committed.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const root = process.cwd();
const folder = mkdtempSync(join(tmpdir(), 'inkwash-package-'));
const project = join(folder, 'packed');
const gitProject = join(folder, 'git');
const INSTALL = ['install', '--prefer-offline', '--no-audit', '--no-fund'];

function run(command, args, cwd = project) {
  process.stdout.write(`$ ${[command, ...args].join(' ')}\n`);
  // where scripts may run, ONNX Runtime's would fetch CUDA's libraries
  const env = { ...process.env, ONNXRUNTIME_NODE_INSTALL: 'skip' };
  return execFileSync(command, args, { cwd, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
}

const PROGRAM = `
import { loadPipeline, saveGrid, trainDiffusion } from 'inkwash/node';
import { GRID_POINTS } from './universal.mjs';

const run = await trainDiffusion(
  { data: { spec: 'avatars', count: 64, heldOut: 16 }, model: { block_out_channels: [8, 16] }, batchSize: 8, steps: 3 },
  { out: 'runs/library' },
);
const pipeline = await loadPipeline(run.out);
const { images } = await pipeline.generate({ count: 4, seed: 7, steps: 3 });
await saveGrid('library.png', images);
await pipeline.engine.dispose();
console.log(JSON.stringify({ shape: images.shape, checked: GRID_POINTS }));
`;
const UNIVERSAL = `
import { fromSchedulerConfig, writeSchedulerConfig } from 'inkwash';
export const GRID_POINTS = fromSchedulerConfig(writeSchedulerConfig('DDIMScheduler')).grid({ steps: 5 }).length;
`;

try {
  for (const path of [project, gitProject]) {
    mkdirSync(path);
    writeFileSync(join(path, 'package.json'), JSON.stringify({ name: 'consumer', private: true, type: 'module' }));
  }
  // a clone's .npmrc leaves scripts out, and with them the build
  const pack = ['pack', '--json', '--silent', '--ignore-scripts=false', '--foreground-scripts=false'];
  const [{ filename }] = JSON.parse(run('npm', [...pack, '--pack-destination', project], root));
  run('npm', [...INSTALL, '--ignore-scripts', join(project, filename)]);
  const tiny = ['--steps', '2', '--batch', '8', '--set', 'model.block_out_channels=[8,16]', '--set', 'data.count=64'];
  const grid = run('npx', ['inkwash', 'train', 'avatars', ...tiny, '--set', 'data.heldOut=16', '--out', 'runs/cli']);
  if (grid.trim() !== join('runs', 'cli', 'samples', 'final.png')) throw new Error(`unexpected output: ${grid}`);
  run('npx', ['inkwash', 'sample', 'runs/cli', '-n', '4', '--steps', '2', '--out', 'cli.png']);
  writeFileSync(join(project, 'universal.mjs'), UNIVERSAL);
  writeFileSync(join(project, 'program.mjs'), PROGRAM);
  const result = JSON.parse(run('node', ['program.mjs']).trim().split('\n').at(-1));
  if (result.shape.join() !== '4,3,16,16' || result.checked !== 6) throw new Error(JSON.stringify(result));
  run('npm', [...INSTALL, '--ignore-scripts=false', `git+file://${root}`], gitProject);
  if (!run('npx', ['inkwash', '--version'], gitProject).startsWith('inkwash/')) throw new Error('no version');
  console.log('the package works in other projects');
} finally {
  rmSync(folder, { recursive: true, force: true });
}
