import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { expect, test } from 'vitest';
import { nodeEngine } from '../runtime/index.node.ts';
import { readEvents, type TrainingConfigInput, type TrainingEvent } from './index.node.ts';
import { losses, tensorsOf, tinyRuns } from './tiny-runs.fixture.ts';

const { root, pictures, newOut, tiny, train } = tinyRuns();

test('learns: the held-out loss falls to a known value', async () => {
  const out = newOut();
  const result = await train(tiny({ steps: 60, validateEvery: 20 }), { out });
  const validations = (await readEvents(out)).flatMap((event) => (event.type === 'validation' ? event : []));
  expect(validations.map(({ step }) => step)).toEqual([20, 40, 60]);
  expect(result.bestLoss).toBeLessThan(0.45);
  expect(result.bestLoss).toBe(Math.min(...validations.map(({ loss }) => loss)));
});

test('writes the run folder of the design', async () => {
  const out = newOut();
  const result = await train(tiny({ previewEvery: 3, checkpointEvery: 2, keepCheckpoints: 2 }), { out });
  expect(readdirSync(out).sort()).toEqual(['checkpoints', 'config.json', 'events.jsonl', 'model', 'samples']);
  expect(readdirSync(join(out, 'checkpoints'))).toEqual(['step-000004', 'step-000006']);
  expect(readdirSync(join(out, 'samples')).sort()).toEqual(['final.png', 'step-000003.png']);
  expect(readdirSync(join(out, 'model')).sort()).toEqual(['inkwash.json', 'model_index.json', 'scheduler', 'unet']);
  expect(result).toMatchObject({ reason: 'finished', step: 6, grid: join(out, 'samples', 'final.png') });
  expect(result.memory.variables).toBeGreaterThan(result.parameters * 4 * 4);
  const { width } = await sharp(result.grid!).metadata();
  expect(width).toBe(8 * (8 * 8 + 2) + 2);
  const types = (await readEvents(out)).map(({ type }) => type);
  expect(types.slice(0, 2)).toEqual(['start', 'schedule']);
  expect(types.at(-1)).toBe('end');
  expect(types.filter((type) => type === 'step')).toHaveLength(6);
});

test('saves the averaged weights as the model', async () => {
  const out = newOut();
  const { checkpoint, model } = await train(tiny(), { out });
  const ema = await tensorsOf(join(checkpoint!, 'ema.safetensors'));
  const parameters = await tensorsOf(join(checkpoint!, 'parameters.safetensors'));
  expect(await tensorsOf(join(model!, 'unet', 'diffusion_pytorch_model.safetensors'))).toEqual(ema);
  expect(ema).not.toEqual(parameters);
});

test('an engine in a worker gives the same bits', async () => {
  const worker = await nodeEngine({ threads: 1, worker: true });
  const [here, there] = [newOut(), newOut()];
  await train(tiny(), { out: here });
  await train(tiny(), { out: there, engine: worker });
  await worker.dispose();
  expect(losses(await readEvents(there))).toEqual(losses(await readEvents(here)));
});

test('a run of minutes plans its length by the clock', async () => {
  const out = newOut();
  const { seconds, reason, step } = await train(tiny({ minutes: 0.2 }), { out });
  const plans = (await readEvents(out)).flatMap((event) => (event.type === 'schedule' ? event : []));
  expect(plans[0]!.totalSteps).toBeGreaterThan(plans[0]!.start);
  expect(plans.at(-1)!.totalSteps).toBe(step);
  expect(reason).toBe('finished');
  // half of the time has passed before the first plan
  expect(seconds).toBeGreaterThan(2);
  const checkpoint = (await readEvents(out)).find(
    (event) => event.type === 'checkpoint' && event.step === plans[0]!.start,
  );
  expect(checkpoint).toBeDefined();
  const rates = (await readEvents(out)).flatMap((event) => (event.type === 'step' ? event.learningRate : []));
  expect(rates.at(-1)).toBeLessThan(0.2 * Math.max(...rates));
});

test('samples the classes in turns with guidance', async () => {
  const out = newOut();
  const shapes: (readonly number[])[] = [];
  const sampling = { steps: 2, guidance: 2 };
  await train(tiny({ previewEvery: 3, sampling }), { out, onPreview: ({ shape }) => shapes.push(shape) });
  expect(shapes).toEqual([[8, 1, 8, 8]]);
  const notes = JSON.parse(readFileSync(join(out, 'model', 'inkwash.json'), 'utf8'));
  expect(notes).toMatchObject({ classNames: ['dark', 'light'], nullLabel: 2, sampling, trainedSteps: 6 });
});

test('stops when the loss is not a number, and names the last good checkpoint', async () => {
  const out = newOut();
  const explode = tiny({ steps: 200, learningRate: 1e30, gradientClip: null, checkpointEvery: 1, warmupSteps: 0 });
  const error = await train(explode, { out }).catch((reason: Error) => reason);
  expect(String(error)).toMatch(/became (NaN|Infinity) in step \d+; nothing of it was saved/);
  const [, checkpoint] = /The last good checkpoint is (.*step-00000\d)/.exec(String(error))!;
  expect(existsSync(join(checkpoint!, 'state.json'))).toBe(true);
  expect(String(error)).toMatch(/lower learningRate \(it was 1e\+30\), set gradientClip to 1/);
  const end = (await readEvents(out)).at(-1);
  expect(end).toMatchObject({ type: 'end', reason: 'failed' });
  const finite = losses(await readEvents(out)).every(Number.isFinite);
  expect(finite).toBe(true);
});

test('refuses a folder that holds a run, and leaves it as it is', async () => {
  const out = newOut();
  await train(tiny({ steps: 1 }), { out });
  const before = readFileSync(join(out, 'events.jsonl'), 'utf8');
  await expect(train(tiny(), { out })).rejects.toThrow(
    /already holds a run\n {2}hint: continue it with resume, or choose another folder as out/,
  );
  expect(readFileSync(join(out, 'events.jsonl'), 'utf8')).toBe(before);
});

test('refuses a folder that holds something else it would write over', async () => {
  const out = newOut();
  mkdirSync(out);
  writeFileSync(join(out, 'config.json'), 'of another program');
  await expect(train(tiny(), { out })).rejects.toThrow(
    /already has a config.json, which a run would write over\n {2}hint: choose a new folder/,
  );
  expect(readFileSync(join(out, 'config.json'), 'utf8')).toBe('of another program');
});

test('says what is wrong before anything is written', async () => {
  const out = newOut();
  const broken: [TrainingConfigInput, RegExp][] = [
    [tiny({ batchSize: 40 }), /a batch of 40 is larger than pictures, which has 29 pictures/],
    [tiny({ data: { spec: pictures, size: 9 } }), /9×9 do not fit a network of 2 resolutions/],
    [tiny({ data: { spec: 'avatrs' } }), /did you mean "avatars"/],
    [tiny({ data: { spec: join(root, 'nowhere') } }), /no folder called/],
    [{ ...tiny(), batch: 3 } as TrainingConfigInput, /no setting 'batch'\n {2}hint: did you mean 'batchSize'/],
    [
      tiny({ model: { in_channels: 3, block_out_channels: [8] } }),
      /3 input and 1 output channels, the pictures have 1/,
    ],
    [tiny({ sampling: { solver: 'ddin' } }), /no solver 'ddin'\n {2}hint: did you mean 'ddim'/],
    [tiny({ previewEvery: 'often' }), /previewEvery is a number of steps or a time/],
    [
      tiny({ data: { spec: join(pictures, 'dark'), size: 8 }, conditioning: { labels: true } }),
      /no classes to condition on/,
    ],
  ];
  for (const [config, message] of broken) {
    await expect(train(config, { out }), String(message)).rejects.toThrow(message);
  }
  expect(existsSync(out)).toBe(false);
});

test('refuses a place it cannot write to', async () => {
  const file = join(root, 'file');
  writeFileSync(file, '');
  await expect(train(tiny(), { out: join(file, 'run') })).rejects.toThrow(/part of the path is a file/);
  expect(readFileSync(file, 'utf8')).toBe('');
});

test('survives checkpoints that cannot be written, says so, and tries again', async () => {
  const out = newOut();
  const folder = join(out, 'checkpoints');
  const interfere = (event: TrainingEvent): void => {
    if (event.type !== 'step') return;
    if (event.step === 1) {
      rmSync(folder, { recursive: true });
      writeFileSync(folder, 'in the way');
    }
    if (event.step === 4) rmSync(folder);
  };
  const result = await train(tiny({ checkpointEvery: 2 }), { out, onEvent: interfere });
  expect(result.reason).toBe('finished');
  const events = await readEvents(out);
  const warnings = events.flatMap((event) => (event.type === 'warning' ? event : []));
  expect(warnings.map(({ step }) => step)).toEqual([2]);
  expect(warnings[0]!.message).toMatch(/the checkpoint was not saved: could not write .*step-000002/);
  expect(events.flatMap((event) => (event.type === 'checkpoint' ? event.step : []))).toEqual([4, 6]);
});

test.skipIf(!existsSync('/dev/full'))('survives a full disk under its events', async () => {
  const out = newOut();
  const file = join(out, 'events.jsonl');
  const seen: TrainingEvent[] = [];
  const fill = (event: TrainingEvent): void => {
    seen.push(event);
    if (event.type === 'step' && event.step === 2) {
      renameSync(file, join(out, 'kept'));
      symlinkSync('/dev/full', file);
    }
    if (event.type === 'step' && event.step === 4) {
      rmSync(file);
      renameSync(join(out, 'kept'), file);
    }
  };
  expect(await train(tiny(), { out, onEvent: fill })).toMatchObject({ reason: 'finished', step: 6 });
  const warnings = seen.flatMap((event) => (event.type === 'warning' ? event.message : []));
  expect(warnings).toEqual([expect.stringMatching(/events.jsonl could not be written: .*ENOSPC/)]);
  expect(losses(await readEvents(out))).toHaveLength(6);
});
