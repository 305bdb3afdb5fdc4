/** @file A content hash for fingerprints: MurmurHash3 (x86, 32 bit; Appleby 2011) with two seeds, 64 bits in hex. */

const C1 = 0xcc9e2d51;
const C2 = 0x1b873593;

function scramble(k: number): number {
  const product = Math.imul(k, C1);
  return Math.imul((product << 15) | (product >>> 17), C2);
}

/** MurmurHash3_x86_32 of `bytes`, an unsigned 32-bit number. Not for security. */
export function murmur3(bytes: Uint8Array, seed = 0): number {
  let hash = seed | 0;
  const whole = bytes.length & ~3;
  for (let i = 0; i < whole; i += 4) {
    hash ^= scramble(bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24));
    hash = (Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64) | 0;
  }
  let tail = 0;
  for (let i = bytes.length - 1; i >= whole; i--) tail = (tail << 8) | bytes[i]!;
  if (bytes.length > whole) hash ^= scramble(tail);
  hash ^= bytes.length;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** 16 hex digits that change when any part, or the division into parts, does. */
export function contentHash(parts: readonly (Uint8Array | string)[]): string {
  let a = 0x9747b28c;
  let b = 0x3c6ef372;
  for (const part of parts) {
    const bytes = typeof part === 'string' ? new TextEncoder().encode(part) : part;
    a = murmur3(bytes, a);
    b = murmur3(bytes, b);
  }
  return a.toString(16).padStart(8, '0') + b.toString(16).padStart(8, '0');
}
