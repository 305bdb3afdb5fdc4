import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import sharp, { type Sharp } from 'sharp';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ConfigError, DataError } from '../tensor/index.ts';
import type { Dataset } from './dataset.ts';
import { openImageFolder } from './image-folder.node.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'inkwash-folder-'));
});
afterEach(() => rm(root, { recursive: true }));

async function put(path: string, content: Uint8Array | string | Promise<Uint8Array>): Promise<void> {
  await mkdir(dirname(join(root, path)), { recursive: true });
  await writeFile(join(root, path), await content);
}

type Colour = { r: number; g: number; b: number; alpha?: number };
const plain = (background: Colour, width = 16, height = width): Sharp =>
  sharp({ create: { width, height, channels: background.alpha === undefined ? 3 : 4, background } });
const RED = { r: 255, g: 0, b: 0 };
const BLUE = { r: 0, g: 0, b: 255 };
/** 16×16 in one bit, white above and black below, by Pillow 13.0.0. */
const BMP =
  'Qk1+AAAAAAAAAD4AAAAoAAAAEAAAABAAAAABAAEAAAAAAEAAAADEDgAAxA4AAAIAAAACAAAAAAAAAP///wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAP//AAD//wAA//8AAP//AAD//wAA//8AAP//AAD//wAA';
const redPng = (size = 16): Promise<Buffer> => plain(RED, size).png().toBuffer();

/** The levels of pixel (x, y), one per channel. */
function pixel(dataset: Dataset, index: number, x = 8, y = 8): number[] {
  const [channels, height, width] = dataset.imageShape;
  const { image } = dataset.item(index);
  return Array.from({ length: channels }, (_, c) => Math.round((image[(c * height + y) * width + x]! + 1) * 127.5));
}

const options = { size: 16, heldOut: 0 };

describe('a folder of good pictures', () => {
  test('is read in the order of its paths, whatever the format', async () => {
    await put('b.jpg', plain(BLUE).jpeg({ quality: 100, chromaSubsampling: '4:4:4' }).toBuffer());
    await put('a.png', redPng());
    await put('c.webp', plain(RED).webp({ lossless: true }).toBuffer());
    await put('d.gif', plain(BLUE).gif().toBuffer());
    await put('e.tiff', plain(RED).tiff().toBuffer());
    await put(
      'f.svg',
      '<svg xmlns="http://www.w3.org/2000/svg" width="16" height="16"><rect width="16" height="16" fill="blue"/></svg>',
    );
    const { train, report } = await openImageFolder(root, options);
    expect(train.length).toBe(6);
    expect(report).toEqual({ used: 6, skipped: [], converted: {}, warnings: [] });
    expect(train.imageShape).toEqual([3, 16, 16]);
    const expected = ['a.png', 'b.jpg', 'c.webp', 'd.gif', 'e.tiff', 'f.svg'];
    expect(expected.map((_, i) => train.attributes(i)!.file)).toEqual(expected);
    expect(pixel(train, 0)).toEqual([255, 0, 0]);
    expect(pixel(train, 1)[2]).toBeGreaterThan(250);
    expect(pixel(train, 5)).toEqual([0, 0, 255]);
  });

  test('is found by its content, whatever it is called', async () => {
    const jpeg = await plain(BLUE).jpeg().toBuffer();
    for (const name of ['a.jfif', 'b.JPE', 'c.JPG', 'd.png', 'e', 'f.jpg.download']) await put(name, jpeg);
    await put('g.webp', '<svg xmlns="http://www.w3.org/2000/svg" width="16" height="16"><rect/></svg>');
    await put('h.BMP', Buffer.from(BMP, 'base64'));
    const { train, report } = await openImageFolder(root, options);
    expect(report!.skipped).toEqual([]);
    expect(train.length).toBe(8);
    expect([pixel(train, 7, 2, 2), pixel(train, 7, 13, 13)]).toEqual([
      [255, 255, 255],
      [0, 0, 0],
    ]);
  });

  test('becomes rectangles when asked to, width first', async () => {
    await put('wide.png', plain(RED, 48, 32).png().toBuffer());
    await put('high.png', plain(RED, 32, 48).png().toBuffer());
    const { train, report } = await openImageFolder(root, { size: '24x16', heldOut: 0 });
    expect(train.imageShape).toEqual([3, 16, 24]);
    expect(report!.converted).toEqual({ cropped: 1 });
    expect(pixel(train, 1, 23, 15)).toEqual([255, 0, 0]);
  });

  test("is seen as often as kohya's folder names say when asked to, but held out once", async () => {
    for (let i = 0; i < 4; i++) {
      await put(
        `3_cat/${i}.png`,
        plain({ r: 10 * i, g: 0, b: 0 })
          .png()
          .toBuffer(),
      );
      await put(
        `1_dog/${i}.png`,
        plain({ r: 0, g: 10 * i, b: 9 })
          .png()
          .toBuffer(),
      );
    }
    const split = { size: 16, heldOut: 0.25, seed: 1 };
    const plainly = await openImageFolder(root, split);
    expect([plainly.train.length, plainly.heldOut.length]).toEqual([6, 2]);
    const { train, heldOut, report } = await openImageFolder(root, { ...split, folderRepeats: true });
    expect(train.classNames).toEqual(['cat', 'dog']);
    const filesOf = (data: Dataset) => Array.from({ length: data.length }, (_, i) => data.attributes(i)!.file!);
    expect(filesOf(heldOut)).toEqual(filesOf(plainly.heldOut));
    expect(filesOf(train)).toEqual(
      filesOf(plainly.train).flatMap((file) => (file.startsWith('3') ? [file, file, file] : file)),
    );
    expect(report!.warnings).toEqual([]);
    await put('20240601_trip/a.png', plain({ r: 0, g: 0, b: 200 }).png().toBuffer());
    await expect(openImageFolder(root, { size: 16, heldOut: 0, folderRepeats: true })).rejects.toThrow(
      /folders ask for 20240617 pictures an epoch/,
    );
  });

  test('names pictures that are trained on and held out, by their pixels', async () => {
    await put('train/a.png', redPng());
    await put('train/b.png', plain(BLUE).png().toBuffer());
    await put('val/c.webp', plain(RED).webp({ lossless: true }).toBuffer());
    await put('val/d.png', plain({ r: 0, g: 255, b: 0 }).png().toBuffer());
    expect((await openImageFolder(root, { size: 16 })).report!.warnings).toEqual([
      '1 held-out picture also trained on, so the held-out loss flatters: val/c.webp is train/a.png',
    ]);
  });

  test('has a class per sub-folder', async () => {
    await put('cat/1.png', redPng());
    await put('dog/2.png', redPng());
    const { train } = await openImageFolder(root, options);
    expect(train.classNames).toEqual(['cat', 'dog']);
    expect([...train.labels!]).toEqual([0, 1]);
  });

  test('holds out a seeded share, or the validation folder', async () => {
    for (let i = 0; i < 10; i++) await put(`${i}.png`, redPng());
    const shared = await openImageFolder(root, { size: 16, heldOut: 0.2, seed: 3 });
    expect([shared.train.length, shared.heldOut.length]).toEqual([8, 2]);
    await rm(root, { recursive: true });
    await put('train/a/1.png', redPng());
    await put('train/b/2.png', redPng());
    await put('val/a/3.png', redPng());
    const split = await openImageFolder(root, { size: 16 });
    expect([split.train.length, split.heldOut.length]).toEqual([2, 1]);
    expect(split.heldOut.classNames).toEqual(['a', 'b']);
  });

  test('doubles with its mirror image when asked to flip', async () => {
    const halves = Uint8Array.from({ length: 16 * 16 }, (_, i) => (i % 16 < 8 ? 0 : 255));
    await put(
      'a.png',
      sharp(halves, { raw: { width: 16, height: 16, channels: 1 } })
        .png()
        .toBuffer(),
    );
    const { train } = await openImageFolder(root, { ...options, flip: true });
    expect(train.length).toBe(2);
    expect([pixel(train, 0, 2, 2), pixel(train, 1, 2, 2)]).toEqual([[0], [255]]);
  });

  test('reports progress up to the total', async () => {
    for (const name of ['a.png', 'b.png']) await put(name, redPng());
    const seen: number[][] = [];
    await openImageFolder(root, { ...options, onProgress: (done, total) => seen.push([done, total]) });
    expect(seen).toEqual([
      [1, 2],
      [2, 2],
    ]);
  });
});

describe('odd pictures are converted and counted', () => {
  const only = async (
    name: string,
    content: Promise<Uint8Array>,
    extra: Parameters<typeof openImageFolder>[1] = {},
  ): Promise<{ dataset: Dataset; converted: object }> => {
    await put(name, content);
    const { train, report } = await openImageFolder(root, { ...options, ...extra });
    expect(report!.skipped).toEqual([]);
    return { dataset: train, converted: report!.converted };
  };

  test('grey alone stays one channel; among colours it becomes RGB', async () => {
    const grey = plain({ r: 90, g: 90, b: 90 }).toColourspace('b-w').png().toBuffer();
    const alone = await only('grey.png', grey);
    expect(alone.dataset.imageShape).toEqual([1, 16, 16]);
    expect(pixel(alone.dataset, 0)).toEqual([90]);
    expect(alone.converted).toEqual({});
    await put('red.png', redPng());
    const { train, report } = await openImageFolder(root, options);
    expect(pixel(train, 0)).toEqual([90, 90, 90]);
    expect(report!.converted).toEqual({ grey: 1 });
  });

  test('colour becomes grey when grey is asked for', async () => {
    const { dataset, converted } = await only('red.png', redPng(), { channels: 'grey' });
    expect(pixel(dataset, 0)).toEqual([Math.round(0.2126 * 255)]);
    expect(converted).toEqual({ colour: 1 });
  });

  test('grey becomes RGB when RGB is asked for', async () => {
    const grey = plain({ r: 90, g: 90, b: 90 }).toColourspace('b-w').png().toBuffer();
    const { dataset, converted } = await only('grey.png', grey, { channels: 'rgb' });
    expect(pixel(dataset, 0)).toEqual([90, 90, 90]);
    expect(converted).toEqual({ grey: 1 });
  });

  test('transparency shows white', async () => {
    const half = plain({ ...RED, alpha: 0.5 })
      .png()
      .toBuffer();
    const { dataset, converted } = await only('half.png', half);
    const [r, g, b] = pixel(dataset, 0) as [number, number, number];
    expect(r).toBe(255);
    expect(Math.abs(g - 127)).toBeLessThanOrEqual(1);
    expect(b).toBe(g);
    expect(converted).toEqual({ alpha: 1 });
  });

  test('an alpha channel that is opaque everywhere is no conversion', async () => {
    const { dataset, converted } = await only(
      'opaque.png',
      plain({ ...RED, alpha: 1 })
        .png()
        .toBuffer(),
    );
    expect(pixel(dataset, 0)).toEqual([255, 0, 0]);
    expect(converted).toEqual({});
  });

  test('grey with transparency too', async () => {
    const pixels = Uint8Array.from({ length: 16 * 16 * 2 }, (_, i) => (i % 2 === 0 ? 40 : 0));
    const clear = sharp(pixels, { raw: { width: 16, height: 16, channels: 2 } })
      .toColourspace('b-w')
      .png()
      .toBuffer();
    const { dataset, converted } = await only('clear.png', clear);
    expect(pixel(dataset, 0)).toEqual([255]);
    expect(converted).toEqual({ alpha: 1 });
  });

  test('16 bits become 8', async () => {
    const words = Uint16Array.from({ length: 16 * 16 * 3 }, (_, i) => [0xffff, 0x8080, 0x0101][i % 3]!);
    const deep = sharp(words, { raw: { width: 16, height: 16, channels: 3 } })
      .toColourspace('rgb16')
      .png()
      .toBuffer();
    expect((await sharp(await deep).metadata()).depth).toBe('ushort');
    const { dataset, converted } = await only('deep.png', deep);
    expect(pixel(dataset, 0)).toEqual([255, 128, 1]);
    expect(converted).toEqual({ '16-bit': 1 });
  });

  test('16-bit grey becomes 8-bit grey', async () => {
    const words = new Uint16Array(16 * 16).fill(0x4040);
    const deep = sharp(words, { raw: { width: 16, height: 16, channels: 1 } })
      .toColourspace('grey16')
      .png()
      .toBuffer();
    expect((await sharp(await deep).metadata()).space).toBe('grey16');
    const { dataset, converted } = await only('deep.png', deep);
    expect(pixel(dataset, 0)).toEqual([0x40]);
    expect(converted).toEqual({ '16-bit': 1 });
  });

  test('CMYK becomes RGB', async () => {
    const cmyk = plain(RED).toColourspace('cmyk').jpeg({ quality: 100 }).toBuffer();
    expect((await sharp(await cmyk).metadata()).space).toBe('cmyk');
    const { dataset, converted } = await only('print.jpg', cmyk);
    const [r, g, b] = pixel(dataset, 0) as [number, number, number];
    expect(r).toBeGreaterThan(200);
    expect(Math.max(g, b)).toBeLessThan(80);
    expect(converted).toEqual({ cmyk: 1 });
  });

  test('an animation gives its first frame', async () => {
    const frames = [await redPng(), await plain(BLUE).png().toBuffer()];
    const gif = sharp(frames, { join: { animated: true } })
      .gif()
      .toBuffer();
    expect((await sharp(await gif).metadata()).pages).toBe(2);
    const { dataset, converted } = await only('moving.gif', gif);
    expect(pixel(dataset, 0)).toEqual([255, 0, 0]);
    expect(converted).toEqual({ animated: 1 });
  });

  test('EXIF orientation is honoured', async () => {
    // left half red, right half blue, tagged "rotate 90° clockwise to view": red ends on top
    const halves = Uint8Array.from({ length: 16 * 16 * 3 }, (_, i) => {
      const isLeft = Math.floor(i / 3) % 16 < 8;
      return (isLeft ? [255, 0, 0] : [0, 0, 255])[i % 3]!;
    });
    const tagged = sharp(halves, { raw: { width: 16, height: 16, channels: 3 } })
      .withMetadata({ orientation: 6 })
      .png()
      .toBuffer();
    const { dataset, converted } = await only('phone.png', tagged);
    expect([pixel(dataset, 0, 8, 2), pixel(dataset, 0, 8, 13)]).toEqual([
      [255, 0, 0],
      [0, 0, 255],
    ]);
    expect(converted).toEqual({ rotated: 1 });
  });

  test('a wide picture is cropped at the centre, stretched or padded', async () => {
    // 48×16: white, red, white
    const wide = Uint8Array.from({ length: 48 * 16 * 3 }, (_, i) => {
      const x = Math.floor(i / 3) % 48;
      return x >= 16 && x < 32 ? [255, 0, 0][i % 3]! : 255;
    });
    const png = sharp(wide, { raw: { width: 48, height: 16, channels: 3 } })
      .png()
      .toBuffer();
    const cropped = await only('wide.png', png);
    expect(pixel(cropped.dataset, 0, 0, 8)).toEqual([255, 0, 0]);
    expect(cropped.converted).toEqual({ cropped: 1 });
    const stretched = await only('wide.png', png, { crop: 'stretch' });
    expect(pixel(stretched.dataset, 0, 0, 8)).toEqual([255, 255, 255]);
    expect(stretched.converted).toEqual({ stretched: 1 });
    const padded = await only('wide.png', png, { crop: 'pad' });
    expect(pixel(padded.dataset, 0, 8, 0)).toEqual([255, 255, 255]);
    const [r, g] = pixel(padded.dataset, 0, 8, 8) as [number, number];
    expect(r).toBe(255);
    expect(g).toBeLessThan(10);
    expect(padded.converted).toEqual({ padded: 1 });
  });

  test('a smaller picture is enlarged', async () => {
    const { dataset, converted } = await only('small.png', redPng(8));
    expect(pixel(dataset, 0)).toEqual([255, 0, 0]);
    expect(converted).toEqual({ enlarged: 1 });
  });
});

describe('what cannot be used is skipped with its reason', () => {
  const reasons = async (extra: object = {}): Promise<Record<string, string>> => {
    const { report } = await openImageFolder(root, { ...options, ...extra });
    return Object.fromEntries(report!.skipped.map(({ file, reason }) => [file, reason]));
  };

  test('broken, truncated, empty, tiny and foreign files', async () => {
    await put('good.png', redPng());
    const noise = Uint8Array.from({ length: 64 * 64 * 3 }, (_, i) => (i * 7919) % 251);
    const png = await sharp(noise, { raw: { width: 64, height: 64, channels: 3 } })
      .png()
      .toBuffer();
    const jpeg = await sharp(noise, { raw: { width: 64, height: 64, channels: 3 } })
      .jpeg()
      .toBuffer();
    await put('cut.png', png.subarray(0, png.length / 2));
    await put('cut.jpg', jpeg.subarray(0, jpeg.length / 2));
    await put('text.png', 'I am no picture');
    await put('empty.jpg', '');
    await put('dot.png', redPng(1));
    await put('notes/readme.md', '# hello');
    await put('stray.txt', 'belongs to no picture');
    await put('photo.bmp', 'BM');
    await put('.DS_Store', 'hidden');
    const skipped = await reasons();
    const expected = [
      'cut.jpg',
      'cut.png',
      'dot.png',
      'empty.jpg',
      'notes/readme.md',
      'photo.bmp',
      'stray.txt',
      'text.png',
    ];
    expect(Object.keys(skipped)).toEqual(expected);
    expect(skipped['dot.png']).toBe('too small: 1×1 for pictures of 16×16');
    expect(skipped['text.png']).toBe('not a picture of a kind that is read');
    expect(skipped['cut.png']).toBe('a PNG that is damaged or cut short');
    expect(skipped['cut.jpg']).toBe('a JPEG that is damaged or cut short');
    expect(skipped['empty.jpg']).toBe('the file is empty');
    expect(skipped['stray.txt']).toBe('a text that belongs to no picture');
    for (const reason of Object.values(skipped)) expect(reason).not.toContain('\n');
  });

  test('broken links, while loops of links end', async () => {
    await put('a/good.png', redPng());
    await symlink(join(root, 'nowhere'), join(root, 'broken.png'));
    await symlink(root, join(root, 'a', 'loop'));
    await symlink(join(root, 'a'), join(root, 'again'));
    const { report, train } = await openImageFolder(root, options);
    expect(train.length).toBe(1);
    expect(report!.skipped).toEqual([{ file: 'broken.png', reason: 'a broken link' }]);
  });

  test('a folder without one usable picture is an error that says why', async () => {
    await expect(openImageFolder(root, options)).rejects.toThrow(/holds no usable picture: it is empty/);
    await put('text.png', 'I am no picture');
    await put('a.doc', 'x');
    await expect(openImageFolder(root, options)).rejects.toThrow(/no usable picture: a.doc: not a picture/);
    await expect(openImageFolder(root, options)).rejects.toThrow(DataError);
  });

  test('a missing folder, or a file in its place, is an error', async () => {
    await expect(openImageFolder(join(root, 'nowhere'))).rejects.toThrow(/there is no folder called .*nowhere/);
    await put('file.png', redPng());
    await expect(openImageFolder(join(root, 'file.png'))).rejects.toThrow(/is a file, not a folder/);
  });

  test('impossible options are errors', async () => {
    await put('a.png', redPng());
    await expect(openImageFolder(root, { size: 0 })).rejects.toThrow(ConfigError);
    await expect(openImageFolder(root, { crop: 'top' as 'pad' })).rejects.toThrow(
      new ConfigError('crop is centre, stretch, pad, got "top"'),
    );
    await expect(openImageFolder(root, { size: 40000 })).rejects.toThrow('use a smaller size');
  });
});
