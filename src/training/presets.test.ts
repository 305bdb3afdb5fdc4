import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseUNet2DConfig } from '../models/index.ts';
import { checkSize, presetFor, unetPreset } from './presets.ts';
import { resolveConfig } from './resolve-config.ts';

test('gives a network for every size that can be halved', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 16 }), fc.constantFrom(1, 3), (eighths, colours) => {
      const size = eighths * 16;
      const config = parseUNet2DConfig(unetPreset({ imageShape: [colours, size, size] }));
      expect(config.in_channels).toBe(colours);
      for (const width of config.block_out_channels) expect(width % config.norm_num_groups!).toBe(0);
    }),
  );
});

test('follows the channels that are given, whatever they are', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 5 }), (channels) => {
      const config = parseUNet2DConfig(unetPreset({ imageShape: [3, 64, 64], channels }));
      expect(config.down_block_types).toHaveLength(channels.length);
      for (const width of channels) expect(width % config.norm_num_groups!).toBe(0);
    }),
  );
});

test('attends at 8×8 and below', () => {
  expect(unetPreset({ imageShape: [3, 32, 32] })).toMatchObject({
    down_block_types: ['DownBlock2D', 'DownBlock2D', 'AttnDownBlock2D'],
    up_block_types: ['AttnUpBlock2D', 'UpBlock2D', 'UpBlock2D'],
  });
});

test('says which sizes fit a network', () => {
  expect(() => checkSize([3, 30, 30], 3)).toThrow(
    /30×30 do not fit a network of 3 resolutions: width and height must be multiples of 4\n {2}hint: set data.size to 28 or 32,/,
  );
  expect(() => checkSize([3, 3, 3], 3)).toThrow(/set data.size to 4,/);
  // [C, H, W]: 50 wide, 33 high
  expect(() => checkSize([3, 33, 50], 3)).toThrow(/pictures of 50×33 .*\n {2}hint: set data.size to 48x32 or 52x36,/);
  expect(() => checkSize([3, 2, 48], 3)).toThrow(/set data.size to 48x4,/);
  expect(() => checkSize([3, 32, 48], 3)).not.toThrow();
  expect(() => checkSize([3, 32, 32], 3)).not.toThrow();
});

test('takes no more pictures at a time than there are, and conditions on classes where there are some', () => {
  const few = { spec: './pics', imageShape: [3, 16, 16] as const, count: 7, classNames: undefined };
  expect(presetFor(few).batchSize).toBe(7);
  expect(presetFor(few).conditioning?.labels).toBe(false);
  expect(presetFor({ ...few, classNames: ['a', 'b'] }).conditioning?.labels).toBe(true);
});

test('resolves a whole configuration for any built-in or folder', () => {
  for (const spec of ['avatars', 'mnist', './pics']) {
    const facts = { imageShape: [3, 32, 32] as const, count: 1000, classNames: undefined };
    const config = resolveConfig({ data: spec }, facts);
    expect(config.data.spec).toBe(spec);
    expect(parseUNet2DConfig(config.model)).toEqual(config.model);
  }
});
