/** @file Text chunks of PNG files (PNG specification, 11.3.3): tEXt for Latin-1, iTXt for the rest. */
import { DataError } from '../tensor/index.ts';

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? 0xedb88320 ^ (crc >>> 1) : crc >>> 1;
  return crc;
});

/** CRC-32 (ISO 3309), as PNG chunks end with. */
export function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = CRC_TABLE[(crc ^ byte) & 255]! ^ (crc >>> 8);
  return ~crc >>> 0;
}

interface Chunk {
  readonly type: string;
  readonly data: Uint8Array;
  /** Position after the chunk. */
  readonly end: number;
}

/** Every chunk up to the closing IEND. */
function* chunks(png: Uint8Array): Generator<Chunk> {
  if (!SIGNATURE.every((byte, i) => png[i] === byte)) throw new DataError('these bytes are no PNG file');
  const view = new DataView(png.buffer, png.byteOffset, png.byteLength);
  for (let at = 8, type = ''; type !== 'IEND'; ) {
    const end = at + 12 + (at + 12 <= png.byteLength ? view.getUint32(at) : 0);
    if (end > png.byteLength) throw new DataError('the PNG file is truncated', 'copy or write it again');
    type = latin1(png.subarray(at + 4, at + 8));
    yield { type, data: png.subarray(at + 8, end - 4), end };
    at = end;
  }
}

const latin1 = (bytes: Uint8Array): string => Array.from(bytes, (byte) => String.fromCharCode(byte)).join('');

function makeChunk(type: string, data: Uint8Array): Uint8Array {
  const out = new Uint8Array(12 + data.byteLength);
  const view = new DataView(out.buffer);
  view.setUint32(0, data.byteLength);
  for (let i = 0; i < 4; i++) out[4 + i] = type.charCodeAt(i);
  out.set(data, 8);
  view.setUint32(8 + data.byteLength, crc32(out.subarray(4, 8 + data.byteLength)));
  return out;
}

function textChunk(keyword: string, text: string): Uint8Array {
  if (!/^[\x21-\x7e](?:[\x20-\x7e]{0,77}[\x21-\x7e])?$/.test(keyword)) {
    throw new DataError(`"${keyword}" is no PNG keyword`, 'use 1 to 79 printable ASCII characters');
  }
  const key = Uint8Array.from(keyword, (c) => c.charCodeAt(0));
  // Latin-1 without control characters but the newline goes into the chunk every reader knows
  if (/^[\n\x20-\x7e\xa1-\xff]*$/.test(text)) {
    return makeChunk('tEXt', Uint8Array.from([...key, 0, ...Array.from(text, (c) => c.charCodeAt(0))]));
  }
  // keyword, 0, no compression (0, 0), no language (0), no translated keyword (0), UTF-8
  const utf8 = new TextEncoder().encode(text);
  const data = new Uint8Array(key.length + 5 + utf8.length);
  data.set(key);
  data.set(utf8, key.length + 5);
  return makeChunk('iTXt', data);
}

/** The PNG file with a text chunk per entry, placed after its header. Throws `DataError` for a keyword PNG forbids. */
export function insertPngText(png: Uint8Array, text: Readonly<Record<string, string>>): Uint8Array {
  const header = chunks(png).next().value as Chunk;
  const added = Object.entries(text).map(([keyword, value]) => textChunk(keyword, value));
  const out = new Uint8Array(png.byteLength + added.reduce((sum, chunk) => sum + chunk.byteLength, 0));
  out.set(png.subarray(0, header.end));
  let at = header.end;
  for (const chunk of added) {
    out.set(chunk, at);
    at += chunk.byteLength;
  }
  out.set(png.subarray(header.end), at);
  return out;
}

/** The uncompressed text chunks of a PNG file by keyword. Throws `DataError` when it is no PNG file or truncated. */
export function readPngText(png: Uint8Array): Record<string, string> {
  const text: Record<string, string> = {};
  for (const { type, data } of chunks(png)) {
    const zero = data.indexOf(0);
    if (zero < 0) continue;
    const keyword = latin1(data.subarray(0, zero));
    if (type === 'tEXt') text[keyword] = latin1(data.subarray(zero + 1));
    if (type === 'iTXt' && data[zero + 1] === 0) {
      const language = data.indexOf(0, zero + 3);
      const translated = data.indexOf(0, language + 1);
      text[keyword] = new TextDecoder().decode(data.subarray(translated + 1));
    }
  }
  return text;
}
