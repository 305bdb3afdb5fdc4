import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { drawSquares, runCli, TINY } from './run-cli.ts';

const root = mkdtempSync(join(tmpdir(), 'inkwash-cli-train-'));
const pictures = join(root, 'squares');

beforeAll(() => drawSquares(pictures, 32));
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** Losses by step as recorded, the last where a step was done twice. */
function lossesOf(run: string): Map<number, number> {
  const lines = readFileSync(join(run, 'events.jsonl'), 'utf8').trimEnd().split('\n');
  const events = lines.map((line) => JSON.parse(line) as { type: string; step: number; loss: number });
  return new Map(events.filter(({ type }) => type === 'step').map(({ step, loss }) => [step, loss]));
}

const weightsOf = (run: string, name: string): Buffer[] =>
  ['parameters', 'ema', 'optimizer'].map((group) =>
    readFileSync(join(run, 'checkpoints', name, `${group}.safetensors`)),
  );

test('a run killed outright and resumed gives the bits of a straight one', async () => {
  const flags = [...TINY, '--steps', '9', '--set', 'checkpointEvery=3', '--set', 'keepCheckpoints=9'];
  const [straight, killed] = [join(root, 'straight'), join(root, 'killed')];
  expect(await runCli(['train', pictures, ...flags, '--out', straight])).toMatchObject({ code: 0 });
  const first = await runCli(['train', pictures, ...flags, '--out', killed, '--json'], {
    onLine: (line, child) => {
      const { type, step } = JSON.parse(line) as { type: string; step: number };
      if (type === 'step' && step === 5) child.kill('SIGKILL');
    },
  });
  expect(first.code).toBe('SIGKILL');
  expect(readdirSync(join(killed, 'checkpoints')).filter((name) => !name.endsWith('.tmp'))).toContain('step-000003');
  expect(existsSync(join(killed, 'checkpoints', 'step-000009'))).toBe(false);

  const second = await runCli(['train', '--resume', '--out', killed]);
  expect(second.code).toBe(0);
  expect(second.stderr).toMatch(/continuing after step [36]/);
  expect([...lossesOf(killed)]).toEqual([...lossesOf(straight)]);
  expect(lossesOf(killed).size).toBe(9);
  expect(weightsOf(killed, 'step-000009')).toEqual(weightsOf(straight, 'step-000009'));
}, 120_000);

test('Ctrl-C writes a checkpoint and says how to go on', async () => {
  const out = join(root, 'interrupted');
  const stopped = await runCli(['train', pictures, ...TINY, '--steps', '100000', '--out', out, '--json'], {
    onLine: (line, child) => {
      const { type, step } = JSON.parse(line) as { type: string; step: number };
      if (type === 'step' && step === 4) child.kill('SIGINT');
    },
  });
  expect(stopped.code).toBe(130);
  const result = stopped.json().at(-1) as { type: string; reason: string; step: number; checkpoint: string };
  expect(result).toMatchObject({ type: 'result', reason: 'stopped' });
  expect(existsSync(join(result.checkpoint, 'state.json'))).toBe(true);
  expect(stopped.stderr).toContain(`next  inkwash train --resume --out ${out}`);
  const resumed = await runCli(['train', out, '--resume', '--steps', String(result.step + 2), '--json']);
  expect(resumed.json().at(-1)).toMatchObject({ reason: 'finished', step: result.step + 2 });
});

test.each([
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const)(
  '%s writes a checkpoint, and && does not go on',
  async (signal, exitCode) => {
    const out = join(root, signal);
    const { code, stderr } = await runCli(['train', pictures, ...TINY, '--steps', '100000', '--out', out, '--json'], {
      onLine: (line, child) => {
        const { type, step } = JSON.parse(line) as { type: string; step: number };
        if (type === 'step' && step === 2) child.kill(signal);
      },
    });
    expect(code).toBe(exitCode);
    expect(readdirSync(join(out, 'checkpoints'))).toHaveLength(1);
    expect(stderr).toContain(`next  inkwash train --resume --out ${out}`);
  },
  60_000,
);

test('a closed pipe ends the output, never the run', async () => {
  const out = join(root, 'piped');
  const { code, stdout } = await runCli(['train', pictures, ...TINY, '--steps', '3', '--out', out, '--json'], {
    onLine: (_, child) => {
      child.stdout?.destroy();
      child.stderr?.destroy();
    },
  });
  expect(code).toBe(0);
  expect(stdout).not.toContain('"result"');
  expect(existsSync(join(out, 'samples', 'final.png'))).toBe(true);
}, 60_000);

test('prints the path of the pictures on stdout, progress and the next command on stderr', async () => {
  const out = join(root, 'plain');
  const { code, stdout, stderr } = await runCli(['train', pictures, ...TINY, '--steps', '3', '--out', out]);
  expect(code).toBe(0);
  expect(stdout).toBe(`${join(out, 'samples', 'final.png')}\n`);
  expect(stderr).toMatch(/29 pictures of 8×8 to learn from, 3 held out/);
  expect(stderr).toMatch(/100 %, step 3\/3, .* left, loss \d\.\d{4}/);
  expect(stderr).toContain(`next  inkwash sample ${out}`);
  expect(stderr).not.toContain('\u001b');
});

test('--json tells the memory plan, the events and the result', async () => {
  const out = join(root, 'json');
  const { code, json, stderr } = await runCli(['train', pictures, ...TINY, '--steps', '2', '--out', out, '--json']);
  expect(code).toBe(0);
  const events = json() as { type: string }[];
  expect(events.map(({ type }) => type)).toEqual([
    'start',
    'schedule',
    'step',
    'step',
    'validation',
    'checkpoint',
    'end',
    'result',
  ]);
  const memory = { variables: expect.any(Number), constants: expect.any(Number), activations: expect.any(Number) };
  expect(events[0]).toMatchObject({ memory, parameters: expect.any(Number) });
  expect(events.at(-1)).toMatchObject({ memory, peakRss: expect.any(Number), step: 2, out, grid: expect.any(String) });
  expect(stderr).toContain('next');
});

test('takes settings from a file, flags over it, --set over both', async () => {
  const file = join(root, 'settings.json');
  writeFileSync(
    file,
    JSON.stringify({ data: pictures, batchSize: 4, learningRate: 0.5, ema: { decay: 0.9, power: 0.5 } }),
  );
  const out = join(root, 'configured');
  const flags = [...TINY, '--steps', '1', '--lr', '0.25', '--set', 'ema.decay=0.8', '--config', file, '--out', out];
  expect(await runCli(['train', ...flags])).toMatchObject({ code: 0 });
  const config = JSON.parse(readFileSync(join(out, 'config.json'), 'utf8'));
  expect(config).toMatchObject({ batchSize: 8, learningRate: 0.25, ema: { decay: 0.8, power: 0.5 }, steps: 1 });
  expect(config.data.spec).toBe(pictures);
});

test('skips what is no picture in a folder, says so, and trains on the rest', async () => {
  const odd = join(root, 'odd');
  await drawSquares(odd, 12);
  writeFileSync(join(odd, 'broken.png'), 'not a picture');
  writeFileSync(join(odd, 'notes.xml'), '<notes/>');
  const { code, stderr } = await runCli(['train', odd, ...TINY, '--steps', '1', '--out', join(root, 'odd-run')]);
  expect(code).toBe(0);
  expect(stderr).toContain('12 pictures\n');
  expect(stderr).toContain('warning skipped 2 files, broken.png, notes.xml: not a picture of a kind that is read\n');
});

test('chooses a new folder when none is named', async () => {
  const flags = [...TINY, '--steps', '1'];
  for (const folder of ['squares', 'squares-2']) {
    const { stdout } = await runCli(['train', pictures, ...flags], { cwd: root });
    expect(stdout).toBe(`${join('runs', folder, 'samples', 'final.png')}\n`);
  }
});
