import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pixelArt } from '@dicebear/collection';
import { createAvatar } from '@dicebear/core';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { ConfigError } from '../tensor/index.ts';
import { openAvatars } from './avatars.node.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'inkwash-avatars-'));
  vi.stubEnv('INKWASH_CACHE', folder);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

const levels = (image: Float32Array): number[] => Array.from(image, (value) => Math.round((value + 1) * 127.5));

describe('avatars', () => {
  test('are pixel for pixel what dicebear and sharp draw one by one', async () => {
    const { train, heldOut } = await openAvatars({ count: 150, heldOut: 10, cache: false });
    for (let seed = 0; seed < 160; seed++) {
      const svg = createAvatar(pixelArt, { seed: String(seed), size: 16 }).toString();
      const rgb = await sharp(Buffer.from(svg)).flatten({ background: '#fff' }).removeAlpha().raw().toBuffer();
      const { image } = seed < 10 ? heldOut.item(seed) : train.item(seed - 10);
      const chw = Array.from({ length: 768 }, (_, i) => rgb[(i % 256) * 3 + Math.floor(i / 256)]);
      expect(levels(image)).toEqual(chw);
    }
  });

  test('have white corners, and clothes of the colour their attributes say', async () => {
    const { train } = await openAvatars({ count: 100, heldOut: 0, cache: false });
    let plain = 0;
    for (let i = 0; i < train.length; i++) {
      const { image, attributes } = train.item(i);
      for (let c = 0; c < 3; c++) expect(image[c * 256]).toBe(1);
      if (attributes?.clothing !== 't-shirt') continue;
      // the middle of the lowest row of a t-shirt is plain cloth, unless hair hangs over it
      const hex = [0, 1, 2].map((c) => levels(image)[c * 256 + 15 * 16 + 8]!.toString(16).padStart(2, '0')).join('');
      expect(`#${hex}`).toBe(attributes['dicebear.clothingColor']);
      plain++;
    }
    expect(plain).toBeGreaterThan(10);
  });

  test('keep labels, class names, captions and attributes together', async () => {
    const { train } = await openAvatars({ count: 40, heldOut: 5, labelBy: ['hairColor', 'glasses'] });
    for (let i = 0; i < train.length; i++) {
      const { label, caption, attributes } = train.item(i);
      expect(train.classNames![label!]).toContain(`${attributes!.hairColor} hair, `);
      expect(caption).toContain(attributes!.clothing);
    }
  });

  test('hold out the first seeds, whatever the count', async () => {
    const few = await openAvatars({ count: 20, heldOut: 8, cache: false });
    const more = await openAvatars({ count: 60, heldOut: 8, cache: false });
    expect(few.heldOut.fingerprint).toBe(more.heldOut.fingerprint);
    expect(more.train.subset(Array.from({ length: 20 }, (_, i) => i)).fingerprint).toBe(few.train.fingerprint);
  });

  test('report progress up to the total', async () => {
    const seen: number[][] = [];
    await openAvatars({ count: 50, heldOut: 0, cache: false, onProgress: (done, total) => seen.push([done, total]) });
    expect(seen.at(-1)).toEqual([50, 50]);
  });

  test('refuse impossible options before drawing anything', async () => {
    await expect(openAvatars({ count: 0 })).rejects.toThrow(ConfigError);
    await expect(openAvatars({ heldOut: 0.5 })).rejects.toThrow(ConfigError);
    await expect(openAvatars({ labelBy: 'shoes' as 'hat' })).rejects.toThrow('avatars have no attribute "shoes"');
  });
});

describe('the cache of avatars', () => {
  const options = { count: 33, heldOut: 1 };
  const drawing = async (): Promise<{ drawn: boolean; fingerprint: string }> => {
    let drawn = false;
    const onProgress = (): void => {
      drawn = true;
    };
    const { train } = await openAvatars({ ...options, onProgress });
    return { drawn, fingerprint: train.fingerprint };
  };

  test('is used the second time, and rebuilt when it is damaged', async () => {
    const first = await drawing();
    expect(first.drawn).toBe(true);
    expect(await drawing()).toEqual({ drawn: false, fingerprint: first.fingerprint });
    const file = (await readdir(folder)).find((name) => name.endsWith('-34.safetensors'))!;
    await writeFile(join(folder, file), 'broken');
    expect(await drawing()).toEqual(first);
    expect(await drawing()).toEqual({ drawn: false, fingerprint: first.fingerprint });
  });

  test('that cannot be written is only a warning', async () => {
    await writeFile(join(folder, 'in-the-way'), '');
    vi.stubEnv('INKWASH_CACHE', join(folder, 'in-the-way'));
    const warnings: string[] = [];
    const { train } = await openAvatars({ ...options, onWarning: (message) => warnings.push(message) });
    vi.stubEnv('INKWASH_CACHE', folder);
    expect(train.length).toBe(33);
    expect(warnings).toHaveLength(1);
  });
});
