import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openTrainingData } from './open-training-data.node.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'inkwash-training-data-'));
  const square = sharp({ create: { width: 8, height: 8, channels: 3, background: '#f00' } });
  await square.toFile(join(root, 'a.png'));
});
afterEach(() => rm(root, { recursive: true }));

test('says that a run does not use captions, where there are some', async () => {
  const warnings: string[] = [];
  const open = () => openTrainingData({ spec: root, size: 8 }, { onWarning: (message) => warnings.push(message) });
  await open();
  expect(warnings).toEqual([]);
  await writeFile(join(root, 'a.txt'), 'red');
  await open();
  expect(warnings).toEqual(['the captions are not used: the network learns from the pictures and their classes']);
});

test('passes on what a configuration says of captions, sizes and repeats', async () => {
  await writeFile(join(root, 'metadata.csv'), 'file_name,words\na.png,red\n');
  const settings = { spec: root, size: '16x8', captionColumn: 'words', folderRepeats: true } as const;
  const { train } = await openTrainingData(settings);
  expect(train.imageShape).toEqual([3, 8, 16]);
  expect(train.caption(0)).toBe('red');
});
