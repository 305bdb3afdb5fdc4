import { expect, test } from 'vitest';
import { fileKind } from './file-kind.ts';

const bytes = (text: string): Uint8Array => Buffer.from(text, 'latin1');

test.each([
  ['JPEG', '\xff\xd8\xff\xe0\0\x10JFIF'],
  ['PNG', '\x89PNG\r\n\x1a\n\0\0\0\rIHDR'],
  ['WebP', 'RIFF\x24\0\0\0WEBPVP8 '],
  ['GIF', 'GIF89a'],
  ['TIFF', 'II*\0\x08\0\0\0'],
  ['TIFF', 'MM\0*\0\0\0\x08'],
  ['BMP', 'BM\x8a\0\0\0\0\0\0\0'],
  ['SVG', '<svg xmlns="http://www.w3.org/2000/svg"/>'],
  ['SVG', '\xef\xbb\xbf<?xml version="1.0"?>\n<!-- drawn by hand -->\n<svg:svg width="1"/>'],
  ['AVIF', '\0\0\0\x20ftypavif\0\0\0\0'],
  ['AVIF', '\0\0\0\x20ftypmif1\0\0\0\0mif1avif'],
  ['HEIC', '\0\0\0\x18ftypmif1\0\0\0\0mif1heic'],
  ['HEIC', '\0\0\0\x18ftypheic\0\0\0\0mif1heic'],
  ['video', '\0\0\0\x20ftypisom'],
  ['JPEG XL', '\xff\x0a\xfa\x1f'],
  ['netpbm', 'P6\n4 4\n255\n'],
  ['web page', '<!DOCTYPE html><html><body><svg></svg></body></html>'],
  ['Git LFS pointer', 'version https://git-lfs.github.com/spec/v1\noid sha256:00\n'],
  [undefined, 'BMW is a make of cars'],
  [undefined, '# a heading with <svg> in it'],
  [undefined, 'P6'],
  [undefined, ''],
])('%s is known by its first bytes', (kind, begin) => {
  expect(fileKind(bytes(begin))).toBe(kind);
});
