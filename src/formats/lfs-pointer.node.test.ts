import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readConfigFile } from './diffusers-config.node.ts';
import { refuseLfsPointer } from './lfs-pointer.ts';
import { parseNpy } from './npy.ts';
import { readPicture } from './png.node.ts';
import { openSafetensors, openSafetensorsIndex } from './safetensors.node.ts';
import { parseSafetensors } from './safetensors.ts';

const POINTER = `version https://git-lfs.github.com/spec/v1\noid sha256:${'a'.repeat(64)}\nsize 123456\n`;

describe('a Git LFS pointer', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'inkwash-lfs-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it.each([
    ['model.safetensors', openSafetensors],
    ['model.safetensors.index.json', openSafetensorsIndex],
    ['config.json', readConfigFile],
    ['picture.png', readPicture],
  ])('is named with the remedy in place of %s', async (name, open: (path: string) => Promise<unknown>) => {
    const path = join(folder, name);
    await writeFile(path, POINTER);
    const told = `${path} is a Git LFS pointer, not the file itself (123456 bytes)\n  hint: run \`git lfs pull\``;
    await expect(open(path)).rejects.toThrow(told);
    await writeFile(path, POINTER.replaceAll('\n', '\r\n'));
    await expect(open(path)).rejects.toThrow(told);
  });

  it('is named in bytes that are parsed as a file', () => {
    const bytes = new TextEncoder().encode(POINTER);
    expect(() => parseSafetensors(bytes)).toThrow('Git LFS pointer');
    expect(() => parseNpy(bytes)).toThrow('Git LFS pointer');
    expect(() => refuseLfsPointer('version 2 of a text', 'notes.txt')).not.toThrow();
  });
});
