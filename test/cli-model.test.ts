import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ort from 'onnxruntime-node';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseSafetensors, readPicture, readPngText, writeSafetensors } from '../src/formats/index.node.ts';
import { ndArray } from '../src/tensor/index.ts';
import { drawSquares, runCli, TINY } from './run-cli.ts';

const root = mkdtempSync(join(tmpdir(), 'inkwash-cli-model-'));
const run = join(root, 'run');

beforeAll(async () => {
  const pictures = join(root, 'pictures');
  await drawSquares(join(pictures, 'first'), 10);
  await drawSquares(join(pictures, 'second'), 10);
  const trained = await runCli(['train', pictures, ...TINY, '--steps', '4', '--out', run]);
  expect(trained.code).toBe(0);
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

test('sample writes a grid with its recipe, prints its path and the next command', async () => {
  const out = join(root, 'grid.png');
  const flags = ['-n', '6', '--seed', '5', '--steps', '3', '--solver', 'ddim', '--columns', '3', '--out', out];
  const { code, stdout, stderr } = await runCli(['sample', run, ...flags]);
  expect({ code, stdout }).toEqual({ code: 0, stdout: `${out}\n` });
  expect(stderr).toContain('6 pictures in');
  expect(stderr).toContain(`next  inkwash sample ${run} --count 6 --steps 3 --solver ddim --seed 11 --columns 3`);
  const { width, height } = await readPicture(out);
  expect([width, height]).toEqual([3 * 66 + 2, 2 * 66 + 2]);
  expect(readPngText(readFileSync(out)).parameters).toMatch(/Steps: 3, Sampler: ddim, .*Seed: 5, Size: 8x8/);
});

test('a device that is not there is one sentence, and names are shown as they were written', async () => {
  const out = join(root, 'device.PNG');
  const { code, stderr } = await runCli(['sample', run, '-n', '1', '--steps', '1', '--device', 'cuda', '--out', out]);
  expect(code).toBe(0);
  expect(stderr.replace(/^warning device 'cuda' is not available here \([^()\n]*\); using the CPU\n/, '')).toMatch(
    /^1 picture in 0:\d\d \(dpm\+\+2m, 1 step, seed 0\)\nnext {2}inkwash sample \S+ --count 1 --steps 1 --seed 1 --device cuda\n$/,
  );
  expect(existsSync(out)).toBe(true);
  const refused = await runCli(['sample', run, '--eta', '0.5', '--solver', 'heun']);
  expect(refused).toMatchObject({ code: 2, stdout: '' });
  expect(refused.stderr).toContain('--eta is nothing that heun has');
});

test('sample --json tells seeds and classes; --images writes each picture by its seed', async () => {
  const folder = join(root, 'images');
  const flags = ['-n', '4', '--label', 'second,first', '--guidance', '2', '--images', folder, '--json'];
  const { code, json } = await runCli(['sample', run, ...flags]);
  expect(code).toBe(0);
  const [result] = json();
  expect(result).toMatchObject({ seeds: [0, 1, 2, 3], labels: [1, 0, 1, 0], guidance: 2 });
  expect(result).toMatchObject({ grid: join(run, 'samples', 'grid.png') });
  expect(readdirSync(folder).sort()).toEqual(['0.png', '1.png', '2.png', '3.png']);
  expect(await readPicture(join(folder, '2.png'))).toMatchObject({ width: 8, height: 8 });
  expect(readPngText(readFileSync(join(folder, '3.png'))).parameters).toMatch(/Seed: 3, .*Class: 0/);
});

test('sample replaces a grid that is named, and no other picture unless it is told to', async () => {
  const folder = join(root, 'kept');
  const cwd = join(root, 'at-work');
  mkdirSync(folder);
  mkdirSync(cwd);
  for (const path of [join(folder, '1.png'), join(cwd, 'grid.png')]) writeFileSync(path, 'of the user');
  const flags = ['-n', '2', '--steps', '1', '--images', folder];
  const refused = await runCli(['sample', join(run, 'model'), ...flags], { cwd });
  expect(refused).toMatchObject({ code: 1, stdout: '' });
  expect(refused.stderr).toMatch(/kept\/1\.png is already there\nhint {2}.*replace it with --overwrite/);
  expect(readdirSync(folder)).toEqual(['1.png']);
  const free = await runCli(['sample', join(run, 'model'), '-n', '1', '--steps', '1'], { cwd });
  expect(free.stdout).toBe('grid-2.png\n');
  expect(readFileSync(join(cwd, 'grid.png'), 'utf8')).toBe('of the user');
  const told = await runCli(['sample', join(run, 'model'), ...flags, '--overwrite', '--out', 'grid.png'], { cwd });
  expect(told).toMatchObject({ code: 0, stdout: 'grid.png\n' });
  for (const path of [join(folder, '1.png'), join(cwd, 'grid.png')]) await readPicture(path);
});

test('sample takes the model folder of a run as well, and gives the same pictures', async () => {
  const [a, b] = [join(root, 'a.png'), join(root, 'b.png')];
  await runCli(['sample', run, '-n', '2', '--out', a]);
  await runCli(['sample', join(run, 'model'), '-n', '2', '--out', b]);
  expect(readFileSync(b)).toEqual(readFileSync(a));
});

test('sample --caption draws classes by the words of their names', async () => {
  const { json } = await runCli(['sample', run, '-n', '2', '--caption', 'second', '--steps', '1', '--json']);
  expect(json()[0]).toMatchObject({ labels: [1, 1] });
  const unknown = await runCli(['sample', run, '--caption', 'secnd']);
  expect(unknown).toMatchObject({ code: 2, stdout: '' });
  expect(unknown.stderr).toMatch(/no class is 'secnd'\nhint {2}did you mean 'second'\? the classes are: first, second/);
});

test('sample --label takes a class whose name has commas', async () => {
  const model = join(root, 'commas');
  cpSync(join(run, 'model'), model, { recursive: true });
  const notes = JSON.parse(readFileSync(join(model, 'inkwash.json'), 'utf8'));
  writeFileSync(join(model, 'inkwash.json'), JSON.stringify({ ...notes, classNames: ['red, round', 'red, square'] }));
  const labelsOf = async (label: string) => {
    const flags = ['-n', '3', '--steps', '1', '--label', label, '--out', join(root, 'commas.png'), '--json'];
    return ((await runCli(['sample', model, ...flags])).json()[0] as { labels: number[] }).labels;
  };
  expect(await labelsOf('red, square')).toEqual([1, 1, 1]);
  expect(await labelsOf('1, 0')).toEqual([1, 0, 1]);
});

test('sample names the class that is not there', async () => {
  const { code, stderr } = await runCli(['sample', run, '--label', 'secnd']);
  expect(code).toBe(2);
  expect(stderr).toContain("did you mean 'second'? the classes are: first, second");
});

test('export writes a model that plain ONNX Runtime opens', async () => {
  const out = join(root, 'network.onnx');
  const { code, json } = await runCli(['export', run, '--onnx', '--batch', '2', '--out', out, '--json']);
  expect(code).toBe(0);
  expect(json()[0]).toMatchObject({ files: [out], outputs: ['out_sample'] });
  const session = await ort.InferenceSession.create(out);
  expect(session.inputNames).toEqual(['sample', 'timestep', 'class_labels']);
});

test('the command that inspect proposes opens a model with tensors too many', async () => {
  const extra = join(root, 'extra');
  cpSync(join(run, 'model'), extra, { recursive: true });
  const file = join(extra, 'unet', 'diffusion_pytorch_model.safetensors');
  const { tensors } = parseSafetensors(readFileSync(file));
  await writeSafetensors(file, new Map([...tensors, ['more', ndArray(new Float32Array(2), [2])]]));
  const { stderr } = await runCli(['inspect', extra]);
  expect(stderr).toContain(`next  inkwash sample ${extra} --ignore-extra\n`);
  const out = ['-n', '1', '--steps', '1', '--out', join(root, 'extra.png')];
  expect(await runCli(['sample', extra, '--ignore-extra', ...out])).toMatchObject({ code: 0 });
});

test('inspect proposes to train only at a size that train takes', async () => {
  const { code, stderr } = await runCli(['inspect', join(root, 'pictures'), '--size', '9']);
  expect(code).toBe(0);
  expect(stderr).toContain('use --size 8 or 10');
  expect(stderr).not.toContain('next');
});

test('inspect says that the events of a run are lost', async () => {
  const lost = join(root, 'lost');
  cpSync(run, lost, { recursive: true });
  rmSync(join(lost, 'events.jsonl'));
  const { code, stderr } = await runCli(['inspect', lost]);
  expect(code).toBe(1);
  expect(stderr).toMatch(/has lost its events\nhint {2}go on with it: inkwash train --resume --out .*lost/);
});

test('inspect says what a run, a model and data are', async () => {
  const ofRun = await runCli(['inspect', run]);
  expect(ofRun.stdout).toMatch(/run +.*\(finished\)/);
  expect(ofRun.stdout).toMatch(/steps +4 of 4/);
  const [found] = (await runCli(['inspect', run, '--json'])).json();
  expect(found).toMatchObject({ kind: 'run', state: 'finished', step: 4, model: true });
  const [model] = (await runCli(['inspect', join(run, 'model'), '--json'])).json();
  expect(model).toMatchObject({
    kind: 'model',
    scheduler: 'DDPMScheduler',
    notes: { classNames: ['first', 'second'] },
  });
  const data = await runCli(['inspect', join(root, 'pictures'), '--size', '8']);
  expect(data.stdout).toMatch(/classes +first \d+, second \d+/);
  expect(data.stderr).toContain(`next  inkwash train ${join(root, 'pictures')} --size 8`);
  expect(existsSync(run)).toBe(true);
});
