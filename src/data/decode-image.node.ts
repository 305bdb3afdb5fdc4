/** @file One picture file of any kind to 8-bit RGB of one size, and what that took. */
import sharp, { type Metadata, type Sharp } from 'sharp';
import { decodeBmp, readBmpHeader } from '../formats/bmp.ts';
import { type FileKind, fileKind } from '../formats/file-kind.ts';
import { tiffTags } from '../formats/tiff-tags.ts';
import { withArticle } from '../tensor/plural.ts';
import type { Conversion } from './dataset.ts';
import type { PixelSize } from './image-size.ts';

/** How a picture of another shape is fitted. */
export type Crop = 'centre' | 'stretch' | 'pad';

/** A decoded picture. */
export interface DecodedImage {
  /** [height, width, 3], row-major. */
  readonly rgb: Uint8Array;
  /** Whether every pixel is neutral, however the file stores it. */
  readonly grey: boolean;
  readonly conversions: readonly Conversion[];
}

/** A picture smaller than 1/8 of the wanted size holds too little to learn from. */
const LARGEST_ENLARGEMENT = 8;
/** Pixels of a picture at most: 16,384×16,384. More is a mistake, or an attack, and would not fit into memory. */
const MAX_PIXELS = 2 ** 28;

const FIT = { centre: 'cover', stretch: 'fill', pad: 'contain' } as const;
const RESHAPED = { centre: 'cropped', stretch: 'stretched', pad: 'padded' } as const;

const UNREAD_PICTURES: readonly FileKind[] = [
  ...(['camera raw', 'JPEG XL', 'JPEG 2000', 'icon', 'Photoshop', 'OpenEXR', 'Radiance HDR', 'QOI', 'DDS'] as const),
  'netpbm',
];

/** What a failure means where it may be no damage. */
const BROKEN: Readonly<Record<string, string>> = {
  gzip: 'not a picture but a compressed file',
  TIFF: 'a TIFF that is damaged, cut short, or of a rare kind: save it as PNG',
};

/** Why a file of this kind is not read; undefined for those that are. */
export function refusal(kind: FileKind | undefined): string | undefined {
  if (kind === undefined) return 'not a picture of a kind that is read';
  if (kind === 'HEIC')
    return `HEIC, which is not read: save it as JPEG (iPhone: Settings, Camera, Formats, Most Compatible)`;
  if (kind === 'Git LFS pointer') return 'a Git LFS pointer in place of the file: run git lfs pull';
  if (UNREAD_PICTURES.includes(kind)) return `${kind}, which is not read: save it as PNG or JPEG`;
  if (['video', 'PDF', 'ZIP', 'web page'].includes(kind)) return `not a picture but ${withArticle(kind)}`;
  return undefined;
}

/**
 * Decodes the file `bytes`: first frame, upright (EXIF), sRGB, 8 bit, on white, resized to `size`.
 * Throws an error whose message is the reason to skip the file.
 */
export async function decodeImage(bytes: Uint8Array, size: PixelSize, crop: Crop): Promise<DecodedImage> {
  if (bytes.length === 0) throw new Error('the file is empty');
  const kind = fileKind(bytes);
  const refused = refusal(kind);
  if (refused !== undefined) throw new Error(refused);
  if (kind === 'TIFF') checkTiff(bytes);
  const broken = BROKEN[kind ?? ''] ?? `${withArticle(String(kind))} that is damaged or cut short`;
  const { pipeline, metadata } = await orThrow(broken, () => (kind === 'BMP' ? openBmp(bytes) : open(bytes)));
  checkDepth(metadata, kind);
  const { width, height } = metadata.autoOrient;
  const small = Math.max(size.width / width, size.height / height);
  if (small > LARGEST_ENLARGEMENT) {
    throw new Error(`too small: ${width}×${height} for pictures of ${size.width}×${size.height}`);
  }
  const conversions: Conversion[] = [];
  if (metadata.depth === 'ushort') conversions.push('16-bit');
  if (metadata.space === 'cmyk') conversions.push('cmyk');
  if ((metadata.pages ?? 1) > 1) conversions.push('animated');
  if ((metadata.orientation ?? 1) > 1) conversions.push('rotated');
  if (small > 1) conversions.push('enlarged');
  if (width * size.height !== height * size.width) conversions.push(RESHAPED[crop]);
  const { data, info } = await orThrow(broken, () =>
    pipeline
      .autoOrient()
      .resize(size.width, size.height, { fit: FIT[crop], position: 'centre', background: '#ffffff' })
      .toColourspace('srgb')
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true }),
  );
  if (info.channels > 4) throw new Error(`${info.channels} channels, which no picture on a screen has`);
  const { rgb, wasTransparent } = flattenOnWhite(data, info.channels);
  if (wasTransparent) conversions.push('alpha');
  return { rgb, grey: isNeutral(rgb), conversions };
}

interface OpenedImage {
  readonly pipeline: Sharp;
  readonly metadata: Metadata;
}

/** A limit that a picture exceeds, told apart from damage. */
class LimitError extends Error {}

/** What `action` gives; `reason` in place of the decoder's own words when it fails. */
async function orThrow<T>(reason: string, action: () => T | Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (cause) {
    throw cause instanceof LimitError ? cause : new Error(reason, { cause });
  }
}

function checkPixels({ width, height }: PixelSize): void {
  if (width * height <= MAX_PIXELS) return;
  throw new LimitError(`too large: ${width}×${height}, at most ${MAX_PIXELS / 2 ** 20} megapixels are read`);
}

async function open(bytes: Uint8Array): Promise<OpenedImage> {
  const metadata = await sharp(bytes, { limitInputPixels: false }).metadata();
  checkPixels(metadata);
  return { pipeline: sharp(bytes, { failOn: 'error', limitInputPixels: MAX_PIXELS }), metadata };
}

async function openBmp(bytes: Uint8Array): Promise<OpenedImage> {
  checkPixels(readBmpHeader(bytes));
  const { data, width, height, channels } = decodeBmp(bytes);
  const pipeline = sharp(data, { raw: { width, height, channels }, limitInputPixels: MAX_PIXELS });
  return { pipeline, metadata: await pipeline.metadata() };
}

/** Tags of TIFF 6.0. */
const [SUBFILE_TYPE, COMPRESSION, PHOTOMETRIC] = [254, 259, 262];
/** White is zero, black is zero, RGB, palette, CMYK. */
const DECODED_COLOURS = [0, 1, 2, 3, 5];
const YCBCR = 6;
const JPEG_COMPRESSIONS = [6, 7];

/** Refuses what would be decoded without an error, but to something else than the picture. */
function checkTiff(bytes: Uint8Array): void {
  const tags = tiffTags(bytes);
  // the first picture of a DNG, a NEF or an ARW is a thumbnail
  if ((tags.get(SUBFILE_TYPE) ?? 0) & 1) throw new Error(refusal('camera raw'));
  const colours = tags.get(PHOTOMETRIC);
  if (colours === undefined || DECODED_COLOURS.includes(colours)) return;
  if (colours === YCBCR && JPEG_COMPRESSIONS.includes(tags.get(COMPRESSION) ?? 1)) return;
  throw new Error('a TIFF of colours that are not read, neither grey, palette, RGB nor CMYK: save it as PNG');
}

/** Numbers other than 8 and 16 bits without a sign have no white that everyone agrees on. */
function checkDepth({ depth }: Metadata, kind: FileKind | undefined): void {
  if (depth === 'uchar' || depth === 'ushort') return;
  const numbers = ['float', 'double'].includes(depth) ? 'floating-point numbers' : `numbers of type ${depth}`;
  throw new Error(
    `${withArticle(kind ?? 'picture')} of ${numbers}, whose black and white are not known: save it with 8 or 16 bits a channel`,
  );
}

/** 1 to 4 channels (grey, grey + alpha, RGB, RGBA) to RGB; an alpha channel that is opaque everywhere does not count. */
function flattenOnWhite(data: Uint8Array, channels: number): { rgb: Uint8Array; wasTransparent: boolean } {
  const count = data.length / channels;
  const rgb = new Uint8Array(count * 3);
  let wasTransparent = false;
  for (let pixel = 0; pixel < count; pixel++) {
    const from = pixel * channels;
    const alpha = channels % 2 === 0 ? data[from + channels - 1]! / 255 : 1;
    if (alpha < 1) wasTransparent = true;
    for (let c = 0; c < 3; c++) {
      const level = data[from + (channels < 3 ? 0 : c)]!;
      rgb[pixel * 3 + c] = Math.round(level * alpha + 255 * (1 - alpha));
    }
  }
  return { rgb, wasTransparent };
}

function isNeutral(rgb: Uint8Array): boolean {
  for (let i = 0; i < rgb.length; i += 3) {
    if (rgb[i] !== rgb[i + 1] || rgb[i] !== rgb[i + 2]) return false;
  }
  return true;
}
