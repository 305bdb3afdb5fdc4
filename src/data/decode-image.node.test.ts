import sharp, { type Sharp } from 'sharp';
import { describe, expect, test } from 'vitest';
import { type Crop, decodeImage } from './decode-image.node.ts';

/** 64×64, written by libheif 1.21 (x265) through pillow-heif. */
const HEIC =
  'AAAAHGZ0eXBoZWljAAAAAG1pZjFoZWljbWlhZgAAAVZtZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAAAAAAAAAAAAAAACJpbG9jAAAAAERAAAEAAQAAAAABegABAAAAAAAAACIAAAAjaWluZgAAAAAAAQAAABVpbmZlAgAAAAABAABodmMxAAAAAA5waXRtAAAAAAABAAAA1mlwcnAAAAC3aXBjbwAAAHhodmNDAQNwAAAAkAAAAAAAHvAA/P34+AAADwNgAAEAGEABDAH//wNwAAADAJAAAAMAAAMAHroCQGEAAQArQgEBA3AAAAMAkAAAAwAAAwAeoCCBBZbqSSmubgIaDAgAAAMAyAAAAwAIQGIAAQAHRAHBcrAiQAAAABNjb2xybmNseAABAA0ABoAAAAAUaXNwZQAAAAAAAABAAAAAQAAAABBwaXhpAAAAAAMICAgAAAAXaXBtYQAAAAAAAAABAAEEgQIDBAAAACptZGF0AAAAHigBrwQY/Hk46//6WU/fUBdsF4r/3Z/DTGf4rMWbgA==';

const size = { width: 16, height: 16 };
const decode = (bytes: Uint8Array, wanted = size, crop: Crop = 'centre') => decodeImage(bytes, wanted, crop);
/** Noise, which no format makes small. */
const noise = (edge = 64): Sharp =>
  sharp(
    Uint8Array.from({ length: edge * edge * 3 }, (_, i) => (i * 7919) % 251),
    { raw: { width: edge, height: edge, channels: 3 } },
  );

/** A little-endian TIFF of one grey strip of 16×16, which says that its samples are of `format` and `bits`. */
function greyTiff(
  bits: number,
  format: number,
  sample: (bytes: DataView, at: number) => void,
  { colours = 1, subfile = 0 } = {},
): Uint8Array {
  const entries = [
    [254, 4, 1, subfile],
    [256, 3, 1, 16],
    [257, 3, 1, 16],
    [258, 3, 1, bits],
    [259, 3, 1, 1],
    [262, 3, 1, colours],
    [273, 4, 1, 8],
    [277, 3, 1, 1],
    [278, 3, 1, 16],
    [279, 4, 1, 32 * bits],
    [339, 3, 1, format],
  ];
  const bytes = new Uint8Array(8 + 32 * bits + 2 + 12 * entries.length + 4);
  const view = new DataView(bytes.buffer);
  bytes.set(Buffer.from('II*\0'));
  view.setUint32(4, 8 + 32 * bits, true);
  for (let i = 0; i < 256; i++) sample(view, 8 + (i * bits) / 8);
  let at = 8 + 32 * bits;
  view.setUint16(at, entries.length, true);
  at += 2;
  for (const [tag, type, count, value] of entries) {
    view.setUint16(at, tag!, true);
    view.setUint16(at + 2, type!, true);
    view.setUint32(at + 4, count!, true);
    view.setUint32(at + 8, value!, true);
    at += 12;
  }
  return bytes;
}

describe('a picture', () => {
  test.each(['png', 'jpeg', 'webp', 'gif', 'tiff', 'avif'] as const)(
    'that is a damaged or shortened %s is named so, in our words',
    async (format) => {
      const whole = await noise()[format]().toBuffer();
      for (const length of [16, whole.length >> 1]) {
        const reason = await decode(whole.subarray(0, length)).catch((error: Error) => error.message);
        expect(reason).toMatch(/^an? [A-Za-z]+ that is damaged(,| or) cut short/);
        expect(reason).not.toMatch(/vips|buffer|seek|\n/i);
      }
    },
  );

  test('that is HEIC is refused with a remedy', async () => {
    await expect(decode(Buffer.from(HEIC, 'base64'))).rejects.toThrow(
      'HEIC, which is not read: save it as JPEG (iPhone: Settings, Camera, Formats, Most Compatible)',
    );
  });

  test.each([
    ['floating-point numbers', 32, 3, (view: DataView, at: number) => view.setFloat32(at, 0.5, true)],
    ['numbers of type int', 32, 2, (view: DataView, at: number) => view.setInt32(at, 1000, true)],
    ['numbers of type uint', 32, 1, (view: DataView, at: number) => view.setUint32(at, 1000, true)],
    ['numbers of type short', 16, 2, (view: DataView, at: number) => view.setInt16(at, -5, true)],
  ] as const)('of %s in %i bits is refused instead of becoming black', async (what, bits, format, sample) => {
    await expect(decode(greyTiff(bits, format, sample))).rejects.toThrow(
      `a TIFF of ${what}, whose black and white are not known: save it with 8 or 16 bits a channel`,
    );
  });

  test('of 16-bit grey in a TIFF keeps its levels', async () => {
    const { rgb, conversions } = await decode(greyTiff(16, 1, (view, at) => view.setUint16(at, 0x4040, true)));
    expect([...new Set(rgb)]).toEqual([0x40]);
    expect(conversions).toEqual(['16-bit']);
  });

  test('of colours that would be taken for others, or with a thumbnail in its place, is refused', async () => {
    const tiff = (tags: { colours?: number; subfile?: number }) =>
      greyTiff(8, 1, (view, at) => view.setUint8(at, 0x40), tags);
    expect([...new Set((await decode(tiff({}))).rgb)]).toEqual([0x40]);
    await expect(decode(tiff({ colours: 6 }))).rejects.toThrow('a TIFF of colours that are not read');
    await expect(decode(tiff({ colours: 8 }))).rejects.toThrow('a TIFF of colours that are not read');
    await expect(decode(tiff({ subfile: 1 }))).rejects.toThrow('camera raw, which is not read: save it as PNG or JPEG');
    await expect(decode(await noise().tiff({ compression: 'jpeg' }).toBuffer())).resolves.toBeDefined();
  });

  test('of too many pixels is told apart from a damaged one', async () => {
    const svg = (edge: number): Uint8Array =>
      Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" width="${edge}" height="${edge}"/>`);
    await expect(decode(svg(30_000))).rejects.toThrow('too large: 30000×30000, at most 256 megapixels are read');
    await expect(decode(svg(16))).resolves.toMatchObject({ conversions: ['alpha'] });
  });

  test('of a palette with a transparent colour lies on white', async () => {
    const pixels = Uint8Array.from(
      { length: 16 * 16 * 4 },
      (_, i) => [255, 0, 0, Math.floor(i / 4) % 16 < 8 ? 0 : 255][i % 4]!,
    );
    const raw = sharp(pixels, { raw: { width: 16, height: 16, channels: 4 } });
    for (const file of [raw.clone().png({ palette: true }), raw.clone().gif()]) {
      const { rgb, conversions } = await decode(await file.toBuffer());
      expect([...rgb.subarray(0, 3), ...rgb.subarray(45, 48)]).toEqual([255, 255, 255, 255, 0, 0]);
      expect(conversions).toEqual(['alpha']);
    }
  });

  test('is fitted to a rectangle, width first, upright before anything else', async () => {
    // 16 wide and 32 high as stored; its tag lays it down
    const file = await sharp({ create: { width: 16, height: 32, channels: 3, background: '#f00' } })
      .composite([{ input: { create: { width: 16, height: 16, channels: 3, background: '#00f' } }, left: 0, top: 0 }])
      .withMetadata({ orientation: 6 })
      .png()
      .toBuffer();
    const { rgb, conversions } = await decode(file, { width: 32, height: 16 });
    expect(conversions).toEqual(['rotated']);
    expect(rgb).toHaveLength(32 * 16 * 3);
    expect([...rgb.subarray(0, 3), ...rgb.subarray(31 * 3, 32 * 3)]).toEqual([255, 0, 0, 0, 0, 255]);
    expect((await decode(file, { width: 16, height: 16 })).conversions).toEqual(['rotated', 'cropped']);
    expect((await decode(file, { width: 64, height: 16 }, 'pad')).conversions).toEqual([
      'rotated',
      'enlarged',
      'padded',
    ]);
    await expect(decode(file, { width: 16, height: 200 })).rejects.toThrow('too small: 32×16 for pictures of 16×200');
  });
});
