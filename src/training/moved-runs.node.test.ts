import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, expect, test } from 'vitest';
import { readEvents, type TrainingEvent, type TrainingResult } from './index.node.ts';
import { LOCK_FILE } from './run-lock.node.ts';
import { checkpointTensors, losses, tinyRuns } from './tiny-runs.fixture.ts';

const { root, pictures, tiny, train } = tinyRuns();
const before = process.cwd();
const [straight, first] = [join(root, 'straight'), join(root, 'first')];
let whole: TrainingResult;

/** Stops a run after the step it is at. */
function stopAfter(last: number) {
  const controller = new AbortController();
  const onEvent = (event: TrainingEvent) => event.type === 'step' && event.step >= last && controller.abort();
  return { signal: controller.signal, onEvent };
}

beforeAll(async () => {
  whole = await train(tiny(), { out: straight });
  cpSync(pictures, join(first, 'pics'), { recursive: true });
  process.chdir(first);
  const { out } = await train(tiny({ data: { spec: 'pics', size: 8 } }), stopAfter(3));
  expect(out).toBe(join('runs', 'pics'));
  process.chdir(before);
}, 60_000);
afterEach(() => process.chdir(before));

let projects = 0;
/** A folder with pictures in `pics` and the stopped run on them in `runs/pics`, moved here together. */
function project(): { readonly folder: string; readonly out: string } {
  const folder = join(root, `project-${projects++}`);
  cpSync(join(first, 'runs'), join(folder, 'runs'), { recursive: true });
  cpSync(pictures, join(folder, 'pics'), { recursive: true });
  rmSync(join(first, 'pics'), { recursive: true, force: true });
  return { folder, out: join(folder, 'runs', 'pics') };
}

const remarks = (events: readonly TrainingEvent[]): string[] =>
  events.flatMap((event) => (event.type === 'warning' ? event.message : []));

test('a run that was moved goes on from any directory, to the bit', async () => {
  const moved = join(root, 'my runs [1]');
  cpSync(join(first, 'runs', 'pics'), moved, { recursive: true });
  process.chdir(root);
  const rest = await train({}, { out: 'my runs [1]', resume: true });
  expect(rest).toMatchObject({ reason: 'finished', step: 6, loss: whole.loss });
  expect(losses(await readEvents(moved))).toEqual(losses(await readEvents(straight)));
  expect(await checkpointTensors(rest.checkpoint!)).toEqual(await checkpointTensors(whole.checkpoint!));
  expect(remarks(await readEvents(moved))).toEqual([]);
});

test('a run that was moved together with its pictures finds them, and says so', async () => {
  const { folder, out } = project();
  await train({}, { out, resume: true, ...stopAfter(4) });
  const now = join(folder, 'pics');
  expect(remarks(await readEvents(out))).toEqual([
    `the pictures are in ${now} now, they were in ${join(first, 'pics')}`,
  ]);
  expect(JSON.parse(readFileSync(join(out, 'config.json'), 'utf8')).data.spec).toBe(now);
});

test('takes the same pictures under another name and in another place', async () => {
  const { folder, out } = project();
  renameSync(join(folder, 'pics'), join(root, 'elsewhere'));
  symlinkSync(join(root, 'elsewhere'), join(root, 'link'));
  process.chdir(root);
  expect(await train({ data: { spec: './link/' } }, { out, resume: true, ...stopAfter(4) })).toMatchObject({ step: 4 });
  expect(remarks(await readEvents(out))[0]).toContain(`the pictures are in ${join(root, 'link')} now`);
});

test('says where the pictures were when they are gone, and changes nothing', async () => {
  const { folder, out } = project();
  renameSync(join(folder, 'pics'), join(root, 'gone'));
  const config = readFileSync(join(out, 'config.json'), 'utf8');
  await expect(train({}, { out, resume: true })).rejects.toThrow(
    `the pictures of the run ${out} are no longer in ${join(first, 'pics')} or ${join(folder, 'pics')}\n  hint: say where they are`,
  );
  expect(readFileSync(join(out, 'config.json'), 'utf8')).toBe(config);
  expect(existsSync(join(out, LOCK_FILE))).toBe(false);
});

test('refuses other pictures, and says how they differ', async () => {
  const { folder, out } = project();
  const dark = join(folder, 'pics', 'dark');
  cpSync(join(dark, '4.png'), join(dark, '3.png'));
  await expect(train({}, { out, resume: true })).rejects.toThrow(/the fingerprint was \w+, it is \w+/);
  rmSync(join(dark, '3.png'));
  await expect(train({}, { out, resume: true })).rejects.toThrow(
    /not those the run was trained on: they were 29 pictures of 8×8, grey, these are 28 pictures of 8×8, grey/,
  );
});

test('two resumes of one run cannot both write', async () => {
  const { out } = project();
  const resume = () => train({}, { out, resume: true, ...stopAfter(4) });
  const both = await Promise.allSettled([resume(), resume()]);
  expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  const [refused] = both.flatMap((result) => (result.status === 'rejected' ? String(result.reason) : []));
  expect(refused).toContain(`the run ${out} is in use`);
  expect(losses(await readEvents(out))).toHaveLength(4);
  expect(existsSync(join(out, LOCK_FILE))).toBe(false);
});

test('two runs that start at once get a folder each, and none lies inside the data', async () => {
  const folder = join(root, 'alone');
  cpSync(pictures, folder, { recursive: true });
  mkdirSync(join(folder, 'runs'));
  process.chdir(folder);
  const start = (spec: string) => train(tiny({ data: { spec, size: 8 }, steps: 1 }), {});
  const outs = (await Promise.all([start('.'), start('../alone/')])).map(({ out }) => out);
  expect(outs.sort()).toEqual(['alone', 'alone-2'].map((name) => join(root, 'runs', name)));
  await expect(train(tiny({ data: { spec: '.', size: 8 } }), { out: 'run' })).rejects.toThrow(
    'the run run would lie inside the data .',
  );
  expect(existsSync('run')).toBe(false);
});
