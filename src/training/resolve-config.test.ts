import { expect, test } from 'vitest';
import { configHash, resolveConfig, resumeConfig } from './resolve-config.ts';

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
    /another configuration:\n {2}batchSize: 32 → 8\n {2}optimizer.epsilon: 1e-8 → 0.000001\n {2}hint/,
  );
  expect(resumeConfig(stored, {}).changed).toEqual([]);
});

test('hashes what decides the result, whatever the order of the keys', () => {
  const shuffled = Object.fromEntries(Object.entries(stored).reverse()) as typeof stored;
  expect(configHash(shuffled)).toBe(configHash(stored));
  expect(configHash({ ...stored, seed: 1 })).not.toBe(configHash(stored));
});
