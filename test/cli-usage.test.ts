import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { runCli } from './run-cli.ts';

const root = mkdtempSync(join(tmpdir(), 'inkwash-cli-usage-'));
const empty = join(root, 'empty');
mkdirSync(empty);
const model = fileURLToPath(new URL('golden/pipelines/model', import.meta.url));
const scheduler = join(model, 'scheduler', 'scheduler_config.json');
writeFileSync(join(root, 'broken.json'), '{"steps": ');
afterAll(() => rmSync(root, { recursive: true, force: true }));

test.each([
  ['smaple x', 2, "there is no command 'smaple'", "did you mean 'inkwash sample'?"],
  ['train avatars --bacth 3', 2, 'train has no flag --bacth', 'did you mean --batch?'],
  ['train avatars --steps', 2, '--steps <n> was given no value', ''],
  ['train avatars --out --json', 2, '--out <folder> was given no value before --json', 'write --out=--json'],
  ['train avatars --json=yes', 2, "--json takes no value, got 'yes'", ''],
  ['train my pictures', 2, "train takes one [data], got 'my', 'pictures'", 'in quotes'],
  ['train avatars --minutes -1', 2, "--minutes is a number above 0, got '-1'", ''],
  ['train avatars --minutes=-1', 2, "--minutes is a number above 0, got '-1'", ''],
  ['sample', 2, 'sample was given no <model>', 'inkwash sample --help'],
  ['--resume', 2, 'no command was given', 'the commands are: train'],
  ['train', 2, 'nothing to train on', 'inkwash train avatars'],
  ['train --resume', 2, 'which run should go on?', '--out'],
  ['train avatars --set learning_rate=1', 2, 'no setting --set learning_rate', 'did you mean --lr?'],
  ['train avatars --set nothing', 2, "'nothing' sets nothing", 'key=value'],
  ['train avatars --steps many', 2, "--steps is a whole number of at least 1, got 'many'", ''],
  ['train avatars --steps 3 --minutes 2', 2, 'given 2 times', 'exactly one'],
  ['train avatars --size 20', 2, 'avatars has pictures of 16×16', 'leave size out'],
  ['train avatars --batch 5000', 2, 'a batch of 5000 is larger than avatars', 'at most 4096'],
  ['train avatars --device gpu', 2, "--device cannot be 'gpu'", 'cuda'],
  [`train avatars --config ${join(root, 'broken.json')}`, 2, 'could not read', 'JSON file'],
  ['train avatars --config nope.json', 2, 'could not read nope.json: there is no such file\n', 'JSON file'],
  [`train avatars --config ${empty}`, 2, `could not read ${empty}: it is a folder\n`, 'JSON file'],
  ['sample x --seed 99999999999999999999', 2, '--seed is a whole number from 0 to 9007199254740991', ''],
  [`inspect ${scheduler}`, 1, 'is a file; data sets, models and runs are folders', `inkwash explain ${scheduler}`],
  ['inspect avatars --variant fp16', 2, '--variant does not go with avatars, which is data', 'leave it out'],
  [`inspect ${model} --size 8`, 2, `--size does not go with ${model}, which is a model`, 'leave it out'],
  [`inspect ${model} --variant fp16`, 1, 'no weights of the variant "fp16"', 'leave --variant out'],
  [`explain ${join(model, 'unet')}`, 2, 'a network saved alone', `add --scheduler ${model}`],
  ['train avatrs', 1, 'no data set and no folder called "avatrs"', 'built-in sets: avatars, mnist'],
  [`train ${empty}`, 1, 'holds no usable picture', 'put PNG'],
  [`train --resume --out ${empty}`, 1, 'holds no run', 'give the folder of a run'],
  [`sample ${empty}`, 1, 'has no model_index.json', 'diffusers model folder'],
  ['sample /nowhere', 1, 'there is no folder called /nowhere', ''],
  ['sample anything --out grid.jpg', 2, '--out grid.jpg is no kind of file', '.png'],
  [`export ${empty} --onnx --batch 0`, 2, "--batch is a whole number of at least 1, got '0'", ''],
  [`export ${empty}`, 2, 'no format was asked for', '--onnx'],
])('inkwash %s', async (args, code, message, hint) => {
  const result = await runCli(args.split(' '), { cwd: root });
  expect(result.stderr).toContain(`error`);
  expect(result.stderr).toContain(message);
  expect(result.stderr).toContain(hint);
  expect(result.stderr).not.toMatch(/\n {4}at /);
  expect(result.stdout).toBe('');
  expect(result.code).toBe(code);
});

test('shows where an error came from with --debug', async () => {
  const { stderr, code } = await runCli(['train', 'avatrs', '--debug']);
  expect(stderr).toMatch(/\n {4}at .*open-data/);
  expect(code).toBe(1);
});

test('prints its help and version', async () => {
  const help = await runCli(['--help']);
  expect(await runCli(['help'])).toMatchObject({ code: 0, stdout: help.stdout });
  expect((await runCli(['help', 'train'])).stdout).toContain('--resume');
  expect(help).toMatchObject({ code: 0, stderr: '' });
  for (const verb of ['train', 'sample', 'export', 'inspect']) expect(help.stdout).toContain(`inkwash ${verb} --help`);
  expect((await runCli(['train', '--help'])).stdout).toContain('--resume');
  expect((await runCli(['--version'])).stdout).toMatch(/^inkwash\/\d+\.\d+\.\d+/);
  expect((await runCli([])).code).toBe(2);
});
