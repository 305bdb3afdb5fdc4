import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { SolverComparison } from '../src/evaluation/index.ts';
import { BIN, drawSquares, runCli, TINY } from './run-cli.ts';

const root = mkdtempSync(join(tmpdir(), 'inkwash-cli-solvers-'));
const pictures = join(root, 'pictures');
const run = join(root, 'run');
const QUICK = ['--data', pictures, '-n', '6', '--reference', '12', '--threads', '1'];

beforeAll(async () => {
  await drawSquares(pictures, 60);
  const trained = await runCli(['train', pictures, ...TINY, '--steps', '4', '--out', run]);
  expect(trained.code).toBe(0);
}, 60_000);
afterAll(() => rmSync(root, { recursive: true, force: true }));

test('measures solvers on a run, recommends one and prints the command', async () => {
  const page = join(root, 'solvers.html');
  const flags = [...QUICK, '--steps', '2,4', '--solvers', 'ddim,euler-a', '--out', page];
  const { code, stdout, stderr } = await runCli(['solvers', run, ...flags]);
  expect(code).toBe(0);
  expect(stdout).toMatch(/6 samples per solver against 6 held-out pictures/);
  expect(stdout).toMatch(/reference +unipc, 12 steps: \d/);
  expect(stdout).toMatch(/training data +\d\.\d+ ± \d/);
  expect(stdout).toMatch(/2 +ddim +2 +\d\.\d{4}/);
  expect(stdout).toMatch(/4 +euler-a +4 +stochastic +\d\.\d{4}/);
  expect(stdout).toContain('ddim (searched grid)');
  expect(stdout).toMatch(/recommended +\S+/);
  expect(stderr).toMatch(new RegExp(`next {2}inkwash sample ${run} --solver \\S+ --(steps|timesteps) \\d`));
  const html = readFileSync(page, 'utf8');
  expect(html).toMatch(/<tr class="chosen">/);
  expect(html).not.toMatch(/NaN|undefined|(?:src|href)="(?!data:)/);
});

test('--json tells everything, and the recommended command runs', async () => {
  const flags = [...QUICK, '--steps', '3', '--no-search', '--json', '--seed', '5'];
  const { code, json } = await runCli(['solvers', join(run, 'model'), ...flags]);
  expect(code).toBe(0);
  const [found] = json() as (SolverComparison & { command: string })[];
  expect(found!.results.length).toBeGreaterThan(10);
  expect(found!.results.every(({ grid }) => grid === 'own')).toBe(true);
  expect(found!).toMatchObject({ count: 6, heldOut: 6, seed: 5, reference: { solver: 'unipc', steps: 12 } });
  const [program, ...args] = found!.command.split(' ');
  expect(program).toBe('inkwash');
  expect(await runCli([...args, '-n', '2', '--out', join(root, 'two.png')])).toMatchObject({ code: 0 });
});

test('a searched grid is recommended with the times it visits, which sample takes', async () => {
  const flags = [...QUICK, '--steps', '3', '--solvers', 'ddim', '--within', '1000', '--json'];
  const [found] = (await runCli(['solvers', run, ...flags])).json() as (SolverComparison & { command: string })[];
  const searched = found!.results.find(({ grid }) => grid === 'searched')!;
  expect(searched.times).toHaveLength(3);
  const times = ['--solver', searched.solver, '--timesteps', searched.times.join(',')];
  const made = await runCli(['sample', run, ...times, '-n', '2', '--out', join(root, 'searched.png'), '--json']);
  expect(made.json()[0]).toMatchObject({ steps: 3, solver: searched.solver });
  const odd = ['sample', run, '--out', join(root, 'odd.png')];
  expect((await runCli([...odd, '--timesteps', '5,x'])).stderr).toContain(
    "--timesteps is a list of numbers such as 999,700,300, got '5,x'",
  );
  expect((await runCli([...odd, '--timesteps', '5,700'])).code).toBe(2);
  const karras = await runCli([...odd, '--timesteps', '900,100', '--solver', 'dpm++2m-karras']);
  expect(karras.stderr).toContain('chooses its own grid');
});

test('Ctrl-C stops it', async () => {
  const flags = ['--data', pictures, '--reference', '1000', '--steps', '900'];
  const child = spawn(process.execPath, [BIN, 'solvers', run, ...flags]);
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => {
    const asked = stderr.includes('Ctrl-C stops');
    stderr += chunk;
    // once: a second Ctrl-C ends it wherever it is
    if (!asked && stderr.includes('Ctrl-C stops')) child.kill('SIGINT');
  });
  expect(await new Promise((resolve) => child.on('close', resolve))).toBe(130);
  expect(stderr).toContain('stopping');
});

test.each([
  ['', 2, 'no data to measure against', '--data avatars'],
  ['--data avatrs', 1, 'no data set and no folder', 'did you mean "avatars"?'],
  [
    '--data avatars',
    2,
    'avatars has pictures of [3, 16, 16], the model makes [3, 8, 8]',
    'the data that the model learned',
  ],
  [
    '--data PICTURES --steps 5,x',
    2,
    "--steps is a list of whole numbers of at least 1 such as 5,10,20,50, got '5,x'",
    '',
  ],
  ['--data PICTURES --steps 0', 2, '--steps is a list of whole numbers', ''],
  ['--data PICTURES --steps 5000', 2, 'no solver can take these steps', ''],
  ['--data PICTURES --solvers ddim,unipcc', 2, "there is no solver 'unipcc'", "did you mean 'unipc'?"],
  ['--data PICTURES --reference 1', 2, '--reference is a whole number of at least 2', ''],
  ['--data PICTURES -n 1', 2, 'count is a whole number of at least 2', ''],
  ['--data PICTURES --out table.pdf', 2, '--out table.pdf is no kind of file', '.html or .svg'],
  ['--data FEW', 1, '0 held-out pictures are too few', 'sort them into folders train and validation'],
])('inkwash solvers RUN %s', async (args, code, message, hint) => {
  const few = join(root, 'few');
  if (args.includes('FEW')) await drawSquares(few, 4);
  const flags = args.replace('PICTURES', pictures).replace('FEW', few).split(' ').filter(Boolean);
  const result = await runCli(['solvers', run, ...flags]);
  expect(result.stderr).toContain(message);
  expect(result.stderr).toContain(hint);
  expect(result.stderr).not.toContain('sampling');
  expect(result.stderr).not.toMatch(/\n {4}at /);
  expect(result.stdout).toBe('');
  expect(result.code).toBe(code);
});
