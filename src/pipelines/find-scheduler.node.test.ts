import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { REQUIRED_OPTIONS, SCHEDULER_DEFAULTS, SOLVER_NAMES } from '../diffusion/gaussian/index.ts';
import { ConfigError, DataError } from '../tensor/index.ts';
import { defaultScheduler, findScheduler, isModelFolder } from './find-scheduler.node.ts';

const root = mkdtempSync(join(tmpdir(), 'inkwash-find-scheduler-'));
const model = fileURLToPath(new URL('../../test/golden/pipelines/model', import.meta.url));
afterAll(() => rmSync(root, { recursive: true, force: true }));

test('knows every solver and every scheduler class by name', async () => {
  for (const name of SOLVER_NAMES) expect((await findScheduler(name)).solver).toBe(name);
  for (const name of Object.keys(SCHEDULER_DEFAULTS)) {
    if (name in REQUIRED_OPTIONS) await expect(findScheduler(name)).rejects.toThrow(`${name} needs`);
    else expect((await findScheduler(name)).plan.config.className).toBe(name);
  }
});

test('reads a file, a scheduler folder and a model folder of diffusers alike', async () => {
  const file = join(model, 'scheduler', 'scheduler_config.json');
  const { config } = (await findScheduler(file)).plan;
  expect(config.className).toMatch(/Scheduler$/);
  for (const path of [join(model, 'scheduler'), model]) {
    expect((await findScheduler(path)).plan.config).toEqual(config);
  }
  expect(isModelFolder(model)).toBe(true);
  expect(isModelFolder(root)).toBe(false);
});

test('puts another solver in place of the own one, on the same process', async () => {
  const { own, plan, solver } = await findScheduler(model, 'unipc');
  expect(plan.config.className).toBe('UniPCMultistepScheduler');
  expect(plan.config.options.beta_schedule).toBe(own.beta_schedule);
  expect(solver).toBe('unipc');
});

test('says what training would use for data', () => {
  const { own, plan, steps } = defaultScheduler('avatars');
  expect(own).toMatchObject({ _class_name: 'DDPMScheduler', beta_schedule: 'squaredcos_cap_v2' });
  expect(plan.config.className).toBe('DPMSolverMultistepScheduler');
  expect(steps).toBe(20);
});

test('says what is wrong with a name, a path and a file', async () => {
  writeFileSync(join(root, 'broken.json'), '{');
  writeFileSync(join(root, 'classless.json'), '{}');
  await expect(findScheduler('eulr')).rejects.toThrow(/did you mean 'euler'/);
  await expect(findScheduler('eulr')).rejects.toThrow(ConfigError);
  await expect(findScheduler('./nowhere')).rejects.toThrow(DataError);
  await expect(findScheduler(root)).rejects.toThrow(/no model_index\.json/);
  await expect(findScheduler(join(root, 'broken.json'))).rejects.toThrow(/could not read/);
  await expect(findScheduler(join(root, 'classless.json'))).rejects.toThrow(/no '_class_name'/);
});
