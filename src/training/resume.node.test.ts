import { cpSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { DataError } from '../tensor/index.ts';
import { readEvents, type TrainingEvent } from './index.node.ts';
import { checkpointTensors, losses, tinyRuns } from './tiny-runs.fixture.ts';

const { root, pictures, newOut, tiny, train } = tinyRuns();

test.each([{ accumulate: 1 }, { accumulate: 2, conditioning: { labels: true, dropout: 0.5 }, data: 'flip' as const }])(
  'a stopped and resumed run gives the bits of a straight one: %o',
  async ({ data, ...over }) => {
    const config = tiny({ ...over, data: { spec: pictures, size: 8, flip: data === 'flip' } });
    const [straight, stopped] = [newOut(), newOut()];
    const whole = await train(config, { out: straight });
    const controller = new AbortController();
    const stop = (event: TrainingEvent) => event.type === 'step' && event.step === 3 && controller.abort();
    const half = await train(config, { out: stopped, signal: controller.signal, onEvent: stop });
    expect(half).toMatchObject({ reason: 'stopped', step: 3, grid: null });
    const rest = await train({}, { out: stopped, resume: true });
    expect(rest).toMatchObject({ reason: 'finished', step: 6, loss: whole.loss, bestLoss: whole.bestLoss });
    expect(losses(await readEvents(stopped))).toEqual(losses(await readEvents(straight)));
    expect(await checkpointTensors(rest.checkpoint!)).toEqual(await checkpointTensors(whole.checkpoint!));
  },
);

test('a resumed run of minutes follows the plan that was fixed', async () => {
  const out = newOut();
  const controller = new AbortController();
  const plans: number[] = [];
  const stop = (event: TrainingEvent): void => {
    if (event.type === 'schedule') plans.push(event.totalSteps);
    if (event.type === 'checkpoint' && plans.length > 0) controller.abort();
  };
  await train(tiny({ minutes: 0.1 }), { out, signal: controller.signal, onEvent: stop });
  const rest = await train({}, { out, resume: true });
  expect(rest).toMatchObject({ reason: 'finished', step: plans[0] });
});

test('refuses to resume with another configuration, or other pictures', async () => {
  const out = newOut();
  await train(tiny({ steps: 2 }), { out });
  await expect(train({ batchSize: 4, seed: 3 }, { out, resume: true })).rejects.toThrow(
    /'batchSize': 8 → 4\n {2}'seed': 0 → 3/,
  );
  const moved = join(root, 'moved.png');
  renameSync(join(pictures, 'dark', '3.png'), moved);
  try {
    await expect(train({ steps: 4 }, { out, resume: true })).rejects.toThrow(/not those the run was trained on/);
  } finally {
    renameSync(moved, join(pictures, 'dark', '3.png'));
  }
  const path = join(out, 'config.json');
  const config = JSON.parse(readFileSync(path, 'utf8'));
  writeFileSync(path, JSON.stringify({ ...config, learningRate: 1 }));
  await expect(train({}, { out, resume: true })).rejects.toThrow(/config.json of .* was changed since/);
});

test('goes on longer when a resumed run asks for more steps', async () => {
  const out = newOut();
  await train(tiny({ steps: 2 }), { out });
  expect(await train({ steps: 4 }, { out, resume: true })).toMatchObject({ reason: 'finished', step: 4 });
  expect(JSON.parse(readFileSync(join(out, 'config.json'), 'utf8')).steps).toBe(4);
});

describe('a run of 6 steps with checkpoints after 2, 4 and 6', () => {
  const straight = newOut();
  const step = (run: string, number: number, file = ''): string =>
    join(run, 'checkpoints', `step-00000${number}`, file);
  beforeAll(() => train(tiny({ checkpointEvery: 2, keepCheckpoints: 3 }), { out: straight }));

  /** A copy of it whose `files` have gone through `damage`. */
  function damagedCopy(files: readonly [step: number, file: string][], damage: (bytes: Buffer) => Uint8Array): string {
    const out = newOut();
    cpSync(straight, out, { recursive: true });
    for (const [number, file] of files) {
      const path = step(out, number, file);
      writeFileSync(path, damage(readFileSync(path)));
    }
    return out;
  }

  const cutShort = (bytes: Buffer): Buffer => bytes.subarray(0, -10);
  const flipBit = (bytes: Buffer): Buffer => Buffer.concat([bytes.subarray(0, -1), Buffer.of(bytes.at(-1)! ^ 1)]);
  const empty = (): Buffer => Buffer.from('{}');
  const miscount = (bytes: Buffer): Buffer => Buffer.from(bytes.toString().replace('"step": 6', '"step": 5'));

  test.each([
    { file: 'optimizer.safetensors', damage: cutShort, why: /has \d+ bytes, \d+ were written/ },
    { file: 'parameters.safetensors', damage: flipBit, why: /holds other bytes than were written/ },
    { file: 'state.json', damage: cutShort, why: /cannot be read: .*JSON/ },
    { file: 'state.json', damage: empty, why: /is not the state of a run: step is .*, got nothing/ },
    { file: 'state.json', damage: miscount, why: /is that of step 5/ },
  ])('goes on from step 4 to the bit when $file of step 6 is damaged: $why', async ({ file, damage, why }) => {
    const out = damagedCopy([[6, file]], damage);
    const result = await train({}, { out, resume: true });
    expect(result).toMatchObject({ reason: 'finished', step: 6 });
    expect(await checkpointTensors(step(out, 6))).toEqual(await checkpointTensors(step(straight, 6)));
    const events = await readEvents(out);
    expect(losses(events)).toEqual(losses(await readEvents(straight)));
    const warnings = events.flatMap((event) => (event.type === 'warning' ? event.message : []));
    expect(warnings).toEqual([expect.stringContaining(`going on from step 4, because ${step(out, 6, file)} `)]);
    expect(warnings[0]).toMatch(why);
    expect(warnings[0]).toContain(`the damaged checkpoint is now ${step(out, 6)}.damaged`);
    expect(existsSync(join(`${step(out, 6)}.damaged`, 'state.json'))).toBe(true);
  });

  test('goes back as far as it must, and the damaged ones do not count among those kept', async () => {
    const out = damagedCopy(
      [
        [6, 'ema.safetensors'],
        [4, 'state.json'],
      ],
      cutShort,
    );
    rmSync(step(out, 6, 'optimizer.safetensors'));
    const controller = new AbortController();
    const stop = (event: TrainingEvent) => event.type === 'step' && controller.abort();
    const options = { out, resume: true, signal: controller.signal, onEvent: stop };
    expect(await train({ keepCheckpoints: 1 }, options)).toMatchObject({ reason: 'stopped', step: 3 });
    expect(readdirSync(join(out, 'checkpoints')).sort()).toEqual([
      'step-000003',
      'step-000004.damaged',
      'step-000006.damaged',
    ]);
    expect(await train({}, { out, resume: true })).toMatchObject({ reason: 'finished', step: 6 });
    expect(await checkpointTensors(step(out, 6))).toEqual(await checkpointTensors(step(straight, 6)));
  });

  test('goes on when the events are lost', async () => {
    const out = damagedCopy([], cutShort);
    rmSync(join(out, 'events.jsonl'));
    expect(await train({ steps: 8 }, { out, resume: true })).toMatchObject({ reason: 'finished', step: 8 });
    expect(losses(await readEvents(out))).toHaveLength(2);
  });

  test('names every damaged file when no checkpoint is left, and changes nothing', async () => {
    const out = damagedCopy(
      [
        [2, 'ema.safetensors'],
        [4, 'parameters.safetensors'],
        [6, 'state.json'],
      ],
      cutShort,
    );
    const before = readFileSync(join(out, 'events.jsonl'), 'utf8');
    const error = await train({}, { out, resume: true }).catch((reason: Error) => reason);
    expect(error).toBeInstanceOf(DataError);
    const [headline, ...lines] = String(error).split('\n');
    expect(headline).toContain(`no checkpoint of ${out} is intact:`);
    expect(lines).toEqual([
      expect.stringContaining(step(out, 6, 'state.json')),
      expect.stringContaining(step(out, 4, 'parameters.safetensors')),
      expect.stringContaining(step(out, 2, 'ema.safetensors')),
      expect.stringMatching(
        /hint: restore one from a copy, or start another run; what the run has learned is still in .*model$/,
      ),
    ]);
    expect(readFileSync(join(out, 'events.jsonl'), 'utf8')).toBe(before);
    expect(readdirSync(join(out, 'checkpoints'))).toHaveLength(3);
  });
});
