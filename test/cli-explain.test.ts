import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readPicture } from '../src/formats/index.node.ts';
import { drawSquares, runCli, TINY } from './run-cli.ts';

const root = mkdtempSync(join(tmpdir(), 'inkwash-cli-explain-'));
const pictures = join(root, 'pictures');
const run = join(root, 'run');
const config = join(root, 'scheduler_config.json');
const stableDiffusion = {
  _class_name: 'DDIMScheduler',
  beta_schedule: 'scaled_linear',
  beta_start: 0.00085,
  beta_end: 0.012,
};

beforeAll(async () => {
  await drawSquares(pictures, 24);
  const trained = await runCli(['train', pictures, ...TINY, '--steps', '3', '--out', run]);
  expect(trained.code).toBe(0);
  writeFileSync(config, JSON.stringify(stableDiffusion));
  mkdirSync(join(root, 'empty'));
}, 60_000);
afterAll(() => rmSync(root, { recursive: true, force: true }));

test('explains a solver by name: curves, grid, orders and cost', async () => {
  const { code, stdout } = await runCli(['explain', 'dpm++2m', '--steps', '6']);
  expect(code).toBe(0);
  expect(stdout).toMatch(/scheduler +DPMSolverMultistepScheduler, deterministic/);
  expect(stdout).toMatch(/cost +6 steps, 6 network evaluations/);
  expect(stdout).toMatch(/orders +1, 2 \(×4\), 1/);
  expect(stdout).toMatch(/log SNR over t/);
  expect(stdout).toMatch(/step +t +α +σ +SNR +log SNR +order/);
  expect(stdout).toMatch(/[\u2801-\u28ff]/);
});

test('warns of a scheduler whose end is not noise, with the remedy', async () => {
  const { stdout } = await runCli(['explain', config]);
  expect(stdout).toMatch(/end +SNR 0\.00468/);
  expect(stdout).toMatch(/warning +terminal SNR is 0\.00468.*rescale_betas_zero_snr: true/);
  expect(stdout).toContain('set timestep_spacing: trailing');
});

test('--json gives curves, grid, end and warnings', async () => {
  const [report] = (await runCli(['explain', config, '--steps', '5', '--json'])).json() as Record<string, unknown>[];
  expect(report).toMatchObject({
    scheduler: 'DDIMScheduler',
    steps: 5,
    evaluations: 5,
    stochastic: false,
    solver: null,
  });
  expect(report!.grid).toHaveLength(6);
  expect((report!.terminal as { snr: number }).snr).toBeCloseTo(0.00468, 4);
  expect(report!.warnings).toHaveLength(2);
});

test('explains runs and model folders with their own solver and steps, and another when asked', async () => {
  const ofRun = await runCli(['explain', run, '--json']);
  expect(ofRun.json()[0]).toMatchObject({ solver: 'dpm++2m', steps: 2, prediction: 'v_prediction' });
  const ofModel = await runCli(['explain', join(run, 'model'), '--solver', 'heun', '--steps', '7', '--json']);
  expect(ofModel.json()[0]).toMatchObject({ scheduler: 'HeunDiscreteScheduler', steps: 7, evaluations: 13 });
});

test('writes a page and plots that need nothing else', async () => {
  const [page, plots] = [join(root, 'page.html'), join(root, 'plots.svg')];
  const { stdout } = await runCli(['explain', 'unipc', '--out', page]);
  expect(stdout.trimEnd().endsWith(page)).toBe(true);
  const html = readFileSync(page, 'utf8');
  expect(html.match(/<svg /g)).toHaveLength(3);
  expect(html).not.toMatch(/NaN|undefined|(?:src|href)="(?!data:)/);
  expect((await runCli(['explain', 'unipc', '--out', plots])).code).toBe(0);
  expect(readFileSync(plots, 'utf8')).toMatch(/^<svg /);
});

test('draws what diffusion does to pictures', async () => {
  // nothing of the user is replaced by a file that was not named
  writeFileSync(join(root, 'explain.png'), 'of the user');
  const { code, stdout } = await runCli(['explain', '--data', pictures, '--json'], { cwd: root });
  expect({ code, files: JSON.parse(stdout).files }).toEqual({ code: 0, files: ['explain-2.png'] });
  expect(readFileSync(join(root, 'explain.png'), 'utf8')).toBe('of the user');
  const { width, height } = await readPicture(join(root, 'explain-2.png'));
  expect(width).toBeGreaterThan(800);
  expect(height).toBeGreaterThan(240);
});

test('draws how a model brings pictures back into a page, and touches nothing beside it', async () => {
  const page = join(root, 'pictures.html');
  writeFileSync(join(root, 'pictures.png'), 'of the user');
  const flags = ['--data', pictures, '--model', run, '--steps', '12', '--out', page, '--json'];
  const { code, json } = await runCli(['explain', ...flags]);
  expect(code).toBe(0);
  expect(json()[0]).toMatchObject({ files: [page], steps: 12 });
  expect(readFileSync(join(root, 'pictures.png'), 'utf8')).toBe('of the user');
  expect(readFileSync(page, 'utf8').match(/<img src="data:image\/png;base64,/g)).toHaveLength(9 * 10);
});

test.each([
  ['explain', 2, 'nothing to explain', 'inkwash explain dpm++2m'],
  ['explain dmp++2m', 2, "there is no scheduler 'dmp++2m'", "did you mean 'dpm++2m'?"],
  ['explain DDIMSheduler', 2, "there is no scheduler 'DDIMSheduler'", "did you mean 'DDIMScheduler'?"],
  ['explain nowhere/config.json', 1, 'no file or folder called nowhere/config.json', 'scheduler_config.json'],
  ['explain empty', 1, 'has no model_index.json', ''],
  ['explain ddim --solver heunn', 2, "there is no solver 'heunn'", "did you mean 'heun'?"],
  ['explain ddim --steps 0', 2, '0', ''],
  ['explain ddim --steps 5000', 2, '5000 steps are more than the 1000', ''],
  ['explain ddim --out a.pdf', 2, '--out a.pdf is no kind of file', '.html or .svg'],
  ['explain --model x', 2, '--model goes with --data', ''],
  ['explain --data avatrs', 1, 'no data set and no folder', 'did you mean "avatars"?'],
])('inkwash %s', async (args, code, message, hint) => {
  const result = await runCli(args.split(' '), { cwd: root });
  expect(result.stderr).toContain(message);
  expect(result.stderr).toContain(hint);
  expect(result.stderr).not.toMatch(/\n {4}at /);
  expect(result.stdout).toBe('');
  expect(result.code).toBe(code);
});
