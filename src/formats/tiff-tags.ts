/** @file The tags of a TIFF's first picture (TIFF 6.0, section 2). */

/** Bytes of an entry of a directory. */
const ENTRY = 12;

/** The whole numbers that the tags of the first picture hold, those of one number alone; empty where they cannot be read. */
export function tiffTags(bytes: Uint8Array): ReadonlyMap<number, number> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const tags = new Map<number, number>();
  const little = bytes[0] === 0x49;
  if (bytes.length < 8 || view.getUint16(2, little) !== 42) return tags;
  const directory = view.getUint32(4, little);
  if (directory + 2 > bytes.length) return tags;
  const count = view.getUint16(directory, little);
  for (let at = directory + 2, i = 0; i < count && at + ENTRY <= bytes.length; i++, at += ENTRY) {
    const type = view.getUint16(at + 2, little);
    if (view.getUint32(at + 4, little) !== 1 || (type !== 3 && type !== 4)) continue;
    const value = type === 3 ? view.getUint16(at + 8, little) : view.getUint32(at + 8, little);
    tags.set(view.getUint16(at, little), value);
  }
  return tags;
}
