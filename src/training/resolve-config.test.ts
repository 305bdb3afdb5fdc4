import { expect, test } from 'vitest';
import { parseTrainingConfig } from './config.ts';
import { configHash, isHashOf, resolveConfig, resumeConfig } from './resolve-config.ts';

const facts = { imageShape: [3, 16, 16] as const, count: 100, classNames: undefined };
const stored = resolveConfig({ data: 'avatars', steps: 100 }, facts);

test('lays wishes over the preset, and a length over any other length', () => {
  const config = resolveConfig({ data: { spec: 'avatars' }, epochs: 3, learningRate: 0.5, ema: { power: 1 } }, facts);
  expect(config).toMatchObject({ steps: null, minutes: null, epochs: 3, learningRate: 0.5 });
  expect(config.ema.power).toBe(1);
  expect(config.ema.decay).toBe(resolveConfig({ data: 'avatars' }, facts).ema.decay);
});

test('derives the blocks of a network of which only the channels are given', () => {
  const config = resolveConfig({ data: 'avatars', model: { block_out_channels: [8, 16, 16] } }, facts);
  expect(config.model.down_block_types).toHaveLength(3);
});

test('refuses what the network does not know, with the nearest', () => {
  expect(() => resolveConfig({ data: 'avatars', model: { block_channels: [8] } }, facts)).toThrow(
    /no setting 'block_channels'\n {2}hint: did you mean 'block_out_channels'/,
  );
  expect(() => resolveConfig({ steps: 3 }, facts)).toThrow(/nothing to train on/);
});

test('lets a resumed run change its length and how often it reports', () => {
  const { config, changed } = resumeConfig(stored, { minutes: 5, previewEvery: 10, threads: 1 });
  expect(config).toMatchObject({ steps: null, minutes: 5, previewEvery: 10, threads: 1 });
  expect(changed.map(({ key }) => key)).toEqual(['steps', 'minutes', 'previewEvery', 'threads']);
  expect(configHash(config)).toBe(configHash(stored));
});

test('refuses any other change, and says exactly which', () => {
  expect(() => resumeConfig(stored, { batchSize: 8, optimizer: { epsilon: 1e-6 }, steps: 200 })).toThrow(
    /another configuration:\n {2}'batchSize': 32 → 8\n {2}'optimizer.epsilon': 1e-8 → 0.000001\n {2}hint/,
  );
  expect(resumeConfig(stored, {}).changed).toEqual([]);
});

test('hashes what decides the result, whatever the order of the keys', () => {
  const shuffled = Object.fromEntries(Object.entries(stored).reverse()) as typeof stored;
  expect(configHash(shuffled)).toBe(configHash(stored));
  expect(configHash({ ...stored, seed: 1 })).not.toBe(configHash(stored));
});

test('knows the hashes that runs of the first version were saved with, so that they can be resumed', () => {
  const folder = { data: { spec: './pictures', size: 16, heldOut: 0.2 }, model: { block_out_channels: [8, 16] } };
  const first = parseTrainingConfig({ ...folder, steps: 9, seed: 3 });
  expect(isHashOf(first, '922c89e64080e68d')).toBe(true);
  expect(isHashOf({ ...first, seed: 4 }, '922c89e64080e68d')).toBe(false);
  const avatars = { data: { spec: 'avatars', labelBy: ['hat'] }, optimizer: { betas: [0.9, 0.99] } };
  expect(isHashOf(parseTrainingConfig({ ...avatars, minutes: 3 }), 'b0aaaa3d837d21b1')).toBe(true);
  for (const later of [{ captionColumn: 'caption' }, { folderRepeats: true }]) {
    expect(configHash({ ...first, data: { ...first.data, ...later } })).not.toBe(configHash(first));
  }
});

test('writes a size in one way, so that another spelling is no change', () => {
  const config = resolveConfig(
    { data: { spec: './pictures', size: '24×16' as '24x16' }, steps: 9 },
    {
      ...facts,
      imageShape: [3, 16, 24],
    },
  );
  expect(config.data.size).toBe('24x16');
  expect(config.model.sample_size).toEqual([16, 24]);
  expect(resumeConfig(config, { data: { size: '24X16' as '24x16' } }).changed).toEqual([]);
  expect(resolveConfig({ data: { spec: './pictures', size: '16x16' }, steps: 9 }, facts).data.size).toBe(16);
  expect(() => resolveConfig({ data: { spec: './pictures', size: 'big' as '1x1' } }, facts)).toThrow(
    /width x height, got "big"/,
  );
});
