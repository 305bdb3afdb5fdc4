import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DataError } from '../tensor/index.ts';
import type { Picture } from './images.ts';
import { encodePng, readPicture, writePng } from './png.node.ts';
import { crc32, insertPngText, readPngText } from './png-text.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'inkwash-png-'));
});
afterAll(() => rm(folder, { recursive: true }));

const picture = (channels: 1 | 3 | 4): Picture => ({
  width: 3,
  height: 2,
  channels,
  data: Uint8Array.from({ length: 6 * channels }, (_, i) => (i * 41) % 256),
});

describe('PNG files', () => {
  test('keep grey, RGB and RGBA pixels exactly', async () => {
    for (const channels of [1, 3, 4] as const) {
      expect(await readPicture(await encodePng(picture(channels)))).toEqual(picture(channels));
    }
  });

  test('carry text that other readers find', async () => {
    const parameters = 'a red hat\nNegative prompt: glasses\nSteps: 20, Seed: 7';
    const path = join(folder, 'text.png');
    await writePng(path, picture(3), { text: { parameters, Comment: 'Ärger', prompt: '墨' } });
    expect(await readPicture(path)).toEqual(picture(3));
    const { comments } = await sharp(path).metadata();
    expect(comments).toContainEqual({ keyword: 'parameters', text: parameters });
  });
});

describe('PNG text', () => {
  test('comes back, in Latin-1, in UTF-8 and empty', async () => {
    const png = await encodePng(picture(3));
    const text = { Title: 'plain', Comment: 'Ärger', prompt: '墨 🎨', Empty: '' };
    const written = insertPngText(png, text);
    expect(readPngText(written)).toEqual(text);
    expect(readPngText(png)).toEqual({});
    expect(await readPicture(written)).toEqual(picture(3));
  });

  test('refuses keywords PNG forbids, and bytes that are no PNG', async () => {
    const png = await encodePng(picture(1));
    for (const keyword of ['', ' x', 'x'.repeat(80), 'ä']) {
      expect(() => insertPngText(png, { [keyword]: 'a' })).toThrow(DataError);
    }
    expect(() => readPngText(Uint8Array.of(1, 2, 3))).toThrow('no PNG file');
    expect(() => readPngText(png.subarray(0, png.length - 6))).toThrow('truncated');
  });

  test('ends its chunks with the CRC of the specification', () => {
    // the check value of CRC-32/ISO-HDLC
    expect(crc32(new TextEncoder().encode('123456789'))).toBe(0xcbf43926);
  });
});

describe('reading pictures', () => {
  test('turns them upright and gives 8 bits', async () => {
    const column = sharp(Uint8Array.of(1, 2, 3, 4, 5, 6), { raw: { width: 2, height: 1, channels: 3 } });
    const tagged = await column.withMetadata({ orientation: 6 }).png().toBuffer();
    expect(await readPicture(tagged)).toEqual({
      width: 1,
      height: 2,
      channels: 3,
      data: Uint8Array.of(1, 2, 3, 4, 5, 6),
    });
    const deep = sharp(Uint16Array.of(0xffff, 0x8080, 0), { raw: { width: 1, height: 1, channels: 3 } });
    const bytes = await deep.toColourspace('rgb16').png().toBuffer();
    expect([...(await readPicture(bytes)).data]).toEqual([255, 128, 0]);
  });

  test('names the file that is missing or no picture', async () => {
    await expect(readPicture(join(folder, 'none.png'))).rejects.toThrow(/could not read .*none.png/);
    await writeFile(join(folder, 'text.txt'), 'hello');
    await expect(readPicture(join(folder, 'text.txt'))).rejects.toThrow(DataError);
  });
});
