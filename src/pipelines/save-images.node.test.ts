import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { readPicture } from '../formats/index.node.ts';
import { ndArray } from '../tensor/index.ts';
import { saveGrid, saveImages } from './save-images.node.ts';

const root = mkdtempSync(join(tmpdir(), 'inkwash-save-images-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const images = ndArray(new Float32Array(3 * 16), [3, 1, 4, 4]);
const pathOf = (index: number): string => join(root, 'pictures', `${index}.png`);

test('writes each picture, and replaces none unless that is asked for', async () => {
  expect(await saveImages(images, pathOf)).toEqual([0, 1, 2].map(pathOf));
  rmSync(pathOf(0));
  writeFileSync(pathOf(2), 'of the user');
  await expect(saveImages(images, pathOf)).rejects.toThrow('1.png is already there');
  rmSync(pathOf(1));
  await expect(saveImages(images, pathOf)).rejects.toThrow('2.png is already there');
  expect(readdirSync(join(root, 'pictures'))).toEqual(['2.png']);
  expect(readFileSync(pathOf(2), 'utf8')).toBe('of the user');
  await saveImages(images, pathOf, { overwrite: true });
  expect(await readPicture(pathOf(2))).toMatchObject({ width: 4, height: 4 });
});

test('refuses to write two pictures into one file', async () => {
  await expect(saveImages(images, () => join(root, 'one.png'))).rejects.toThrow('one.png would be written twice');
});

test('a grid replaces the file it is named after, unless told not to', async () => {
  const path = join(root, 'grid.png');
  writeFileSync(path, 'of the user');
  await expect(saveGrid(path, images, { overwrite: false })).rejects.toThrow('grid.png is already there');
  expect(readFileSync(path, 'utf8')).toBe('of the user');
  await saveGrid(path, images);
  expect((await readPicture(path)).width).toBeGreaterThan(4);
});
