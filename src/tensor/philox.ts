/** @file Philox4x32-10, a counter-based generator: any draw of any step can be made on its own (Salmon et al. 2011). */

const M0 = 0xd2511f53;
const M1 = 0xcd9e8d57;
const W0 = 0x9e3779b9;
const W1 = 0xbb67ae85;

/** High 32 bits of the product of two uint32, without BigInt. */
function mulHigh(a: number, b: number): number {
  const a0 = a & 0xffff;
  const a1 = a >>> 16;
  const b0 = b & 0xffff;
  const b1 = b >>> 16;
  const low = a0 * b0;
  const mid = a1 * b0 + (low >>> 16);
  const mid2 = a0 * b1 + (mid & 0xffff);
  return (a1 * b1 + (mid >>> 16) + (mid2 >>> 16)) >>> 0;
}

/** One block: four uint32 from a 128-bit counter and a 64-bit key, written to `out[at … at+3]`. */
export function philox4x32(
  counter: readonly [number, number, number, number],
  key: readonly [number, number],
  out: Uint32Array,
  at = 0,
): void {
  let c0 = counter[0];
  let c1 = counter[1];
  let c2 = counter[2];
  let c3 = counter[3];
  let k0 = key[0];
  let k1 = key[1];
  for (let round = 0; round < 10; round++) {
    const high0 = mulHigh(M0, c0);
    const low0 = Math.imul(M0, c0) >>> 0;
    const high1 = mulHigh(M1, c2);
    const low1 = Math.imul(M1, c2) >>> 0;
    c0 = (high1 ^ c1 ^ k0) >>> 0;
    c1 = low1;
    c2 = (high0 ^ c3 ^ k1) >>> 0;
    c3 = low0;
    k0 = (k0 + W0) >>> 0;
    k1 = (k1 + W1) >>> 0;
  }
  out[at] = c0;
  out[at + 1] = c1;
  out[at + 2] = c2;
  out[at + 3] = c3;
}

/** Where a draw stands: which `stream` of `seed`, at which `step`. Draws with different coordinates are independent. */
export interface DrawKey {
  /** Any integer up to 2^53. */
  readonly seed: number;
  /** Training or sampling step. */
  readonly step?: number;
  /** Which draw within the step. */
  readonly draw?: number;
}

function fillBlocks(
  length: number,
  { seed, step = 0, draw = 0 }: DrawKey,
  use: (words: Uint32Array, at: number) => void,
) {
  const words = new Uint32Array(4);
  const key = [seed >>> 0, Math.floor(seed / 2 ** 32) >>> 0] as const;
  for (let at = 0, block = 0; at < length; at += 4, block++) {
    philox4x32([block >>> 0, draw >>> 0, step >>> 0, Math.floor(step / 2 ** 32) >>> 0], key, words);
    use(words, at);
  }
}

/** Fills `out` with uniform numbers in [0, 1), 24 bits each. */
export function fillUniform(out: Float32Array, key: DrawKey): Float32Array {
  fillBlocks(out.length, key, (words, at) => {
    for (let i = 0; i < 4 && at + i < out.length; i++) out[at + i] = (words[i]! >>> 8) * 2 ** -24;
  });
  return out;
}

/** Fills `out` with standard normal numbers (Box-Muller on pairs of uint32). */
export function fillNormal(out: Float32Array, key: DrawKey): Float32Array {
  fillBlocks(out.length, key, (words, at) => {
    for (let i = 0; i < 4 && at + i < out.length; i += 2) {
      const radius = Math.sqrt(-2 * Math.log((words[i]! + 1) * 2 ** -32));
      const angle = 2 * Math.PI * words[i + 1]! * 2 ** -32;
      out[at + i] = radius * Math.cos(angle);
      if (at + i + 1 < out.length) out[at + i + 1] = radius * Math.sin(angle);
    }
  });
  return out;
}

/** A seeded permutation of 0 … n-1 (Fisher-Yates on Philox words). */
export function permutation(n: number, key: DrawKey): Uint32Array {
  const uniform = fillUniform(new Float32Array(n), key);
  const low = fillUniform(new Float32Array(n), { ...key, draw: (key.draw ?? 0) + 0x40000000 });
  const order = Uint32Array.from({ length: n }, (_, i) => i);
  for (let i = n - 1; i > 0; i--) {
    // 48 bits, so that the bias of `mod n` vanishes
    const j = Math.floor((uniform[i]! + low[i]! * 2 ** -24) * (i + 1));
    const swap = order[i]!;
    order[i] = order[j]!;
    order[j] = swap;
  }
  return order;
}
