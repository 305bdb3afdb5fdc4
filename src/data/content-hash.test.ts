import { expect, test } from 'vitest';
import { contentHash, murmur3 } from './content-hash.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

test('gives the published values of MurmurHash3_x86_32', () => {
  expect(murmur3(bytes(''), 0)).toBe(0);
  expect(murmur3(bytes(''), 1)).toBe(0x514e28b7);
  expect(murmur3(bytes(''), 0xffffffff)).toBe(0x81f16f39);
  expect(murmur3(bytes('test'), 0)).toBe(0xba6bd213);
  expect(murmur3(bytes('Hello, world!'), 0)).toBe(0xc0363e43);
  expect(murmur3(bytes('The quick brown fox jumps over the lazy dog'), 0x9747b28c)).toBe(0x2fa826cd);
});

test('changes with any byte and with the division into parts', () => {
  const hashes = [['ab', 'c'], ['a', 'bc'], ['abc'], ['abd']].map(contentHash);
  expect(new Set(hashes).size).toBe(4);
  expect(hashes[0]).toMatch(/^[0-9a-f]{16}$/);
  expect(contentHash(['ab', 'c'])).toBe(hashes[0]);
});
