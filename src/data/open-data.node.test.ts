import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { expect, test } from 'vitest';
import { ConfigError, DataError } from '../tensor/index.ts';
import { openData } from './open-data.node.ts';

test('opens a built-in set by name', async () => {
  const { train, heldOut } = await openData('avatars', { count: 30, heldOut: 4, cache: false });
  expect([train.name, train.length, heldOut.length]).toEqual(['avatars', 30, 4]);
  const mirrored = await openData('avatars', { count: 30, heldOut: 4, cache: false, flip: true });
  expect([mirrored.train.length, mirrored.heldOut.length]).toEqual([60, 4]);
  expect((await openData('mnist')).train.imageShape).toEqual([1, 32, 32]);
});

test('opens a folder by path', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'inkwash-open-'));
  try {
    const square = sharp({ create: { width: 8, height: 8, channels: 3, background: '#f00' } });
    await square.png().toFile(join(folder, 'a.png'));
    const { train, report } = await openData(folder, { size: 8 });
    expect(train.imageShape).toEqual([3, 8, 8]);
    expect(report?.used).toBe(1);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('an unknown name lists the choices and the nearest', async () => {
  await expect(openData('avatar')).rejects.toThrow(
    new DataError(
      'there is no data set and no folder called "avatar"',
      'did you mean "avatars"? built-in sets: avatars, mnist; or give the path of a folder of pictures',
    ),
  );
  await expect(openData('./no/such/folder')).rejects.toThrow('built-in sets: avatars, mnist');
  await expect(openData('toString')).rejects.toThrow(DataError);
});

test('another size than a built-in set has is refused', async () => {
  await expect(openData('mnist', { size: 64 })).rejects.toThrow(ConfigError);
  await expect(openData('mnist', { size: 64 })).rejects.toThrow('mnist has pictures of 32×32, size 64 was asked for');
});
