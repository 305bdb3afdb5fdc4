import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openImageFolder } from './image-folder.node.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'inkwash-captions-'));
});
afterEach(() => rm(root, { recursive: true }));

async function put(path: string, content: Uint8Array | string | Promise<Uint8Array>): Promise<void> {
  await mkdir(dirname(join(root, path)), { recursive: true });
  await writeFile(join(root, path), await content);
}

const redPng = (): Promise<Buffer> =>
  sharp({ create: { width: 16, height: 16, channels: 3, background: 'red' } })
    .png()
    .toBuffer();

const options = { size: 16, heldOut: 0 };

describe('captions', () => {
  const captions = async (
    extra: object = {},
  ): Promise<{ captions: (string | undefined)[]; warnings: readonly string[] }> => {
    const { train, report } = await openImageFolder(root, { ...options, ...extra });
    return { captions: Array.from({ length: train.length }, (_, i) => train.caption(i)), warnings: report!.warnings };
  };

  test('come from files of the same stem', async () => {
    await put('a.png', redPng());
    await put('a.txt', '  a red\n square ');
    await put('b.png', redPng());
    await put('b.caption', 'another');
    expect(await captions()).toEqual({ captions: ['a red square', 'another'], warnings: [] });
    const { report } = await openImageFolder(root, options);
    expect(report!.skipped).toEqual([]);
  });

  test('come from metadata.jsonl, other columns become attributes', async () => {
    await put('images/a.png', redPng());
    await put('images/sub/b.png', redPng());
    await put(
      'images/metadata.jsonl',
      '{"file_name":"a.png","text":"one","mood":"calm","n":3,"list":[1]}\n\n{"file_name":"sub/b.png","text":"two"}\n',
    );
    expect(await captions()).toEqual({ captions: ['one', 'two'], warnings: [] });
    const { train } = await openImageFolder(root, options);
    expect(train.attributes(0)).toEqual({ file: 'images/a.png', mood: 'calm', n: '3' });
  });

  test('come from metadata.csv, from the column asked for, and win over sidecars', async () => {
    await put('a.png', redPng());
    await put('a.txt', 'from the sidecar');
    await put('metadata.csv', 'file_name,caption\na.png,"red, plain"\n');
    expect((await captions({ captionColumn: 'caption' })).captions).toEqual(['red, plain']);
    const wrong = await captions();
    expect(wrong.captions).toEqual(['from the sidecar']);
    expect(wrong.warnings).toEqual(['metadata.csv has no captions in a column "text"; its columns: caption']);
  });

  test('that are broken or missing are warnings', async () => {
    await put('a.png', redPng());
    await put('b.png', redPng());
    await put(
      'metadata.jsonl',
      '{"file_name":"a.png","text":"one"}\nnot json\n[1]\n{"text":"nameless"}\n{"file_name":"c.png","text":"gone"}',
    );
    const result = await captions();
    expect(result.captions).toEqual(['one', undefined]);
    expect(result.warnings).toHaveLength(5);
    expect(result.warnings[0]).toContain('metadata.jsonl line 2 was ignored');
    expect(result.warnings[1]).toBe('metadata.jsonl line 3 was ignored: not an object');
    expect(result.warnings[2]).toContain('a row without file_name');
    expect(result.warnings[3]).toBe('metadata.jsonl names 1 pictures that are not there, e.g. c.png');
    expect(result.warnings[4]).toBe('1 pictures have no caption');
  });
});
