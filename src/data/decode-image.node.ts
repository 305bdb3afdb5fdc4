/** @file One picture file of any kind to square 8-bit RGB, and what that took. */
import sharp from 'sharp';
import type { Conversion } from './dataset.ts';

/** How a picture that is not square becomes square. */
export type Crop = 'centre' | 'stretch' | 'pad';

/** A decoded picture. */
export interface DecodedImage {
  /** [size, size, 3], row-major. */
  readonly rgb: Uint8Array;
  /** Whether every pixel is neutral, however the file stores it. */
  readonly grey: boolean;
  readonly conversions: readonly Conversion[];
}

/** A picture smaller than 1/8 of the wanted size holds too little to learn from. */
const LARGEST_ENLARGEMENT = 8;

const FIT = { centre: 'cover', stretch: 'fill', pad: 'contain' } as const;
const RESHAPED = { centre: 'cropped', stretch: 'stretched', pad: 'padded' } as const;

/**
 * Decodes the file `bytes`: first frame, upright (EXIF), sRGB, 8 bit, on white, resized to `size`×`size`.
 * Throws an error whose message is the reason to skip the file.
 */
export async function decodeImage(bytes: Uint8Array, size: number, crop: Crop): Promise<DecodedImage> {
  if (bytes.length === 0) throw new Error('the file is empty');
  const pipeline = sharp(bytes, { failOn: 'error' });
  const { width, height, space, depth, pages, orientation } = await pipeline
    .metadata()
    .catch(explain('damaged, or not a picture'));
  const edge = Math.min(width, height);
  if (edge * LARGEST_ENLARGEMENT < size)
    throw new Error(`too small: ${width}×${height} for pictures of ${size}×${size}`);
  const conversions: Conversion[] = [];
  if (depth === 'ushort') conversions.push('16-bit');
  if (space === 'cmyk') conversions.push('cmyk');
  if ((pages ?? 1) > 1) conversions.push('animated');
  if ((orientation ?? 1) > 1) conversions.push('rotated');
  if (edge < size) conversions.push('enlarged');
  if (width !== height) conversions.push(RESHAPED[crop]);
  const { data, info } = await pipeline
    .autoOrient()
    .resize(size, size, { fit: FIT[crop], position: 'centre', background: '#ffffff' })
    .toColourspace('srgb')
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true })
    .catch(explain('damaged or cut short'));
  const { rgb, wasTransparent } = flattenOnWhite(data, info.channels);
  if (wasTransparent) conversions.push('alpha');
  return { rgb, grey: isNeutral(rgb), conversions };
}

/** What happened, and the decoder's own words on one line. */
function explain(what: string): (error: Error) => never {
  return (error) => {
    throw new Error(`${what} (${error.message.trim().replaceAll(/\s+/g, ' ')})`, { cause: error });
  };
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
