/** @file Bytes of a text file as text, whatever program wrote it. */

/** How a text was stored. */
export type TextEncoding = 'utf-8' | 'utf-16le' | 'utf-16be' | 'windows-1252';

/**
 * Reads UTF-8 and UTF-16, with a byte order mark or without, and drops the mark. Bytes that are no UTF-8 are read as
 * Windows-1252, which old editors write and which knows every byte.
 */
export function decodeText(bytes: Uint8Array): { readonly text: string; readonly encoding: TextEncoding } {
  const encoding = utf16(bytes) ?? (isUtf8(bytes) ? 'utf-8' : 'windows-1252');
  return { text: new TextDecoder(encoding).decode(bytes), encoding };
}

/** By the mark, or by the zeros beside the first character, which is of ASCII in every table of data. */
function utf16([first, second]: Uint8Array): TextEncoding | undefined {
  if ((first === 0xff && second === 0xfe) || (first! > 0 && second === 0)) return 'utf-16le';
  if ((first === 0xfe && second === 0xff) || (first === 0 && second! > 0)) return 'utf-16be';
  return undefined;
}

function isUtf8(bytes: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}
