/** @file What a file is, by how its bytes begin, whatever it is called. */

/** Begin of each kind as text of Latin 1, `?` for any byte. Kinds that are not read are there to be named. */
const SIGNATURES = [
  ['JPEG', '\xff\xd8\xff'],
  ['PNG', '\x89PNG\r\n\x1a\n'],
  ['WebP', 'RIFF????WEBP'],
  ['GIF', 'GIF87a'],
  ['GIF', 'GIF89a'],
  ['camera raw', 'II*\0\x10\0\0\0CR'],
  ['TIFF', 'II*\0'],
  ['TIFF', 'MM\0*'],
  ['TIFF', 'II+\0'],
  ['TIFF', 'MM\0+'],
  ['BMP', 'BM????\0\0\0\0'],
  ['AVIF', '????ftypavi'],
  ['HEIC', '????ftyphei'],
  ['HEIC', '????ftyphev'],
  ['HEIC', '????ftypmif'],
  ['HEIC', '????ftypmsf'],
  ['camera raw', '????ftypcrx'],
  ['JPEG XL', '\xff\x0a'],
  ['JPEG XL', '\0\0\0\x0cJXL '],
  ['JPEG 2000', '\0\0\0\x0cjP  '],
  ['JPEG 2000', '\xff\x4f\xff\x51'],
  ['icon', '\0\0\x01\0?\0'],
  ['Photoshop', '8BPS'],
  ['OpenEXR', '\x76\x2f\x31\x01'],
  ['Radiance HDR', '#?RADIANCE'],
  ['QOI', 'qoif'],
  ['DDS', 'DDS '],
  ['video', '????ftyp'],
  ['video', '\x1a\x45\xdf\xa3'],
  ['video', 'RIFF????AVI '],
  ['PDF', '%PDF-'],
  ['ZIP', 'PK\x03\x04'],
  ['gzip', '\x1f\x8b\x08'],
  ['Git LFS pointer', 'version https://git-lfs.github.com/spec/'],
] as const satisfies readonly (readonly [kind: string, begin: string])[];

/** A kind of file that is recognised. */
export type FileKind = (typeof SIGNATURES)[number][0] | 'SVG' | 'netpbm' | 'web page';

/** How much of a file `fileKind` looks at. */
export const HEAD_BYTES = 4096;

/** The kind of a file that begins with `head`: its first `HEAD_BYTES`, or all of it. Undefined for any other kind. */
export function fileKind(head: Uint8Array): FileKind | undefined {
  const text = String.fromCharCode(...head.subarray(0, HEAD_BYTES));
  const begins = (begin: string): boolean =>
    text.length >= begin.length && [...begin].every((char, i) => char === '?' || char === text[i]);
  const kind = SIGNATURES.find(([, begin]) => begins(begin))?.[0];
  // files of the same container say in a list of brands what is in it
  if (kind === 'HEIC') return text.slice(8, Math.max(32, head[3]!)).includes('avif') ? 'AVIF' : 'HEIC';
  if (kind) return kind;
  if (/^P[1-7]\s/.test(text)) return 'netpbm';
  const markup = text.replace(/^\xef\xbb\xbf/, '').trimStart();
  if (/^<(!doctype html|html)/i.test(markup)) return 'web page';
  return markup.startsWith('<') && /<(\w+:)?svg[\s>]/.test(markup) ? 'SVG' : undefined;
}
