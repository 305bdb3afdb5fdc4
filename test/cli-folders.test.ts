import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { runCli } from './run-cli.ts';

const root = mkdtempSync(join(tmpdir(), 'inkwash-cli-folders-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const golden = join('test', 'golden', 'pipelines', 'kinds', 'ddpm');

/** A copy of a golden pipeline with other JSON in one of its files. */
function changed(name: string, file: string, change: (json: Record<string, unknown>) => string): string {
  const folder = join(root, name);
  cpSync(golden, folder, { recursive: true });
  writeFileSync(join(folder, file), change(JSON.parse(readFileSync(join(folder, file), 'utf8'))));
  return folder;
}

test('a latent pipeline is inspected, and refused by sample', async () => {
  const latent = changed('latent', 'model_index.json', (json) =>
    JSON.stringify({ ...json, _class_name: 'LDMPipeline', vqvae: ['diffusers', 'VQModel'] }),
  );
  const inspected = await runCli(['inspect', latent]);
  expect(inspected.code).toBe(0);
  expect(inspected.stdout).toMatch(
    /\(LDMPipeline\)\nsampled +no: it samples latents, which its vqvae turns into pictures/,
  );
  const sampled = await runCli(['sample', latent, '--out', join(root, 'latent.png')]);
  expect(sampled).toMatchObject({ code: 1, stdout: '' });
  expect(sampled.stderr).toContain('inkwash inspect');
});

test('a network saved alone is sampled with --scheduler, and the hint says so', async () => {
  const unet = join(golden, 'unet');
  const flags = ['-n', '1', '--steps', '1', '--threads', '1', '--out', join(root, 'alone.png')];
  const without = await runCli(['sample', unet, ...flags]);
  expect(without.code).toBe(2);
  expect(without.stderr).toContain(`add --scheduler ${golden}`);
  expect(without.stderr).not.toContain('set scheduler');
  const { code, stderr } = await runCli(['sample', unet, ...flags, '--scheduler', golden]);
  expect({ code, stderr }).toMatchObject({ code: 0, stderr: expect.stringContaining(`--scheduler ${golden}`) });
});

test("Python's JSON is read, and unknown keys are one warning", async () => {
  const folder = changed('python', 'scheduler/scheduler_config.json', (json) =>
    JSON.stringify({ ...json, decay: 1 }).replace('}', ', "power": -Infinity}'),
  );
  const flags = ['-n', '1', '--steps', '1', '--threads', '1', '--out', join(root, 'python.png')];
  const { code, stderr } = await runCli(['sample', folder, ...flags]);
  expect(code).toBe(0);
  expect(stderr.match(/warning/g)).toHaveLength(1);
  expect(stderr.replaceAll(/\s+/g, ' ')).toContain('DDPMScheduler has no settings decay, power: they are ignored');
});
