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
    expect(result.warnings).toEqual([
      'metadata.jsonl: lines 2, 3 have no JSON object of one row, ignored',
      'metadata.jsonl has 1 row without a file_name',
      'metadata.jsonl names 1 file that the folder lacks: c.png',
      '1 picture without a caption: b.png',
    ]);
  });

  const utf16 = (text: string, order: 'le' | 'be', mark: boolean): Uint8Array => {
    const bytes = Buffer.from((mark ? '\ufeff' : '') + text, 'utf16le');
    return order === 'le' ? bytes : bytes.swap16();
  };

  test.each([
    ['UTF-8 with a byte order mark', (text: string) => Buffer.from(`\ufeff${text}`)],
    ['UTF-16, little-endian', (text: string) => utf16(text, 'le', true)],
    ['UTF-16, big-endian', (text: string) => utf16(text, 'be', true)],
    ['UTF-16, little-endian, without a mark', (text: string) => utf16(text, 'le', false)],
    ['UTF-16, big-endian, without a mark', (text: string) => utf16(text, 'be', false)],
  ])('are read from files of %s', async (_, encode) => {
    for (const name of ['a.png', 'b.png', 'c.png']) await put(name, redPng());
    await put('metadata.jsonl', encode('{"file_name":"a.png","text":"été"}\n'));
    await put('metadata.csv', encode('file_name,text\r\nb.png,"red, über"\r\n'));
    await put('c.txt', encode('naïve'));
    expect(await captions()).toEqual({ captions: ['été', 'red, über', 'naïve'], warnings: [] });
  });

  test('are read as Windows-1252, and named, where they are neither UTF-8 nor UTF-16', async () => {
    await put('a.png', redPng());
    await put('a.txt', Uint8Array.of(0xe9, 0x74, 0xe9));
    expect(await captions()).toEqual({
      captions: ['été'],
      warnings: ['neither UTF-8 nor UTF-16, so read as Windows-1252: a.txt'],
    });
  });

  test('find their pictures however the system spells the name', async () => {
    await put('cafe\u0301.png', redPng());
    await put('th\u00e9.png', redPng());
    await put('metadata.jsonl', '{"file_name":"caf\u00e9.png","text":"coffee"}\n');
    await put('the\u0301.txt', 'tea');
    expect(await captions()).toEqual({ captions: ['coffee', 'tea'], warnings: [] });
  });

  test('of one picture: rows that differ are named and the last counts, equal ones are one', async () => {
    for (const name of ['a.png', 'b.png']) await put(name, redPng());
    await put('metadata.csv', 'file_name,text\na.png,first\nb.png,same\nb.png,same\na.png,last\n');
    expect(await captions()).toEqual({
      captions: ['last', 'same'],
      warnings: ['1 picture with rows that differ, the last counts: a.png'],
    });
  });

  test('end at a quote that is not closed, which is named with its line', async () => {
    for (const name of ['a.png', 'b.png', 'c.png']) await put(name, redPng());
    const named = 'metadata.csv: the quote opened in line 3 is not closed before the next comma or line';
    for (const rest of ['c.png,green\n', 'c.png,"green"\n']) {
      await put('metadata.csv', `file_name,text\na.png,"red"\nb.png,"blue\n${rest}`);
      const result = await captions();
      expect(result.captions).toEqual(['red', undefined, undefined]);
      expect(result.warnings).toEqual([
        `${named}, so that row and all after it were ignored`,
        '2 pictures without a caption: b.png, c.png',
      ]);
    }
  });

  test('with commas that no quotes protect are not cut short', async () => {
    for (const name of ['a.png', 'b.png']) await put(name, redPng());
    await put('metadata.csv', 'file_name,text\na.png,red, round\nb.png,"red, round"\n');
    const result = await captions();
    expect(result.captions).toEqual([undefined, 'red, round']);
    expect(result.warnings[0]).toBe(
      'metadata.csv: line 2 has more fields than there are columns, ignored; a text with "," in it needs quotes',
    );
  });

  test.each([';', '\t', '|'])('come from tables separated by %j', async (delimiter) => {
    await put('a.png', redPng());
    await put('METADATA.CSV', ['file_name,text', 'a.png,"red, round"'].join('\n').replace(/,(?! )/g, delimiter));
    expect(await captions()).toEqual({ captions: ['red, round'], warnings: [] });
  });

  test('come from one JSON array as well', async () => {
    for (const name of ['a.png', 'b.png']) await put(name, redPng());
    await put('metadata.jsonl', '[{"file_name":"a.png","text":"one"},\n {"file_name":"b.png","text":"two"}]');
    expect(await captions()).toEqual({ captions: ['one', 'two'], warnings: [] });
  });

  test('of a file that does not name pictures are one warning', async () => {
    await put('a.png', redPng());
    await put('metadata.csv', `image,text\n${'a.png,red\n'.repeat(50)}`);
    expect((await captions()).warnings).toEqual([
      'metadata.csv has no column "file_name", so nothing of it was used; its columns: image, text',
    ]);
  });
});
