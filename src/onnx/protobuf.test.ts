/** @file The protobuf wire format, against the examples of its specification. */
import { describe, expect, test } from 'vitest';
import { ProtobufWriter } from './protobuf.ts';

const bytesOf = (write: (writer: ProtobufWriter) => unknown): number[] => {
  const writer = new ProtobufWriter();
  write(writer);
  return [...writer.finish()];
};

describe('a protobuf writer', () => {
  test('writes integers in groups of seven bits, lowest first', () => {
    expect(bytesOf((w) => w.integer(1, 150))).toEqual([0x08, 0x96, 0x01]);
    expect(bytesOf((w) => w.integer(1, 0))).toEqual([0x08, 0x00]);
    expect(bytesOf((w) => w.integer(1, 127))).toEqual([0x08, 0x7f]);
    expect(bytesOf((w) => w.integer(2, 2 ** 40))).toEqual([0x10, 0x80, 0x80, 0x80, 0x80, 0x80, 0x20]);
  });

  test('writes negative integers in two’s complement, ten bytes', () => {
    const ones = new Array(8).fill(0xff);
    expect(bytesOf((w) => w.integer(1, -1))).toEqual([0x08, 0xff, ...ones, 0x01]);
    expect(bytesOf((w) => w.integer(1, -2n))).toEqual([0x08, 0xfe, ...ones, 0x01]);
  });

  test('writes field numbers above 15 in two bytes', () => {
    expect(bytesOf((w) => w.integer(20, 1))).toEqual([0xa0, 0x01, 0x01]);
  });

  test('writes strings as UTF-8 and floats as little-endian', () => {
    expect(bytesOf((w) => w.string(2, 'testing'))).toEqual([0x12, 0x07, ...Buffer.from('testing')]);
    expect(bytesOf((w) => w.string(2, 'ε'))).toEqual([0x12, 0x02, 0xce, 0xb5]);
    expect(bytesOf((w) => w.float(1, 1))).toEqual([0x0d, 0x00, 0x00, 0x80, 0x3f]);
  });

  test('writes the length of a nested message in front of it', () => {
    expect(bytesOf((w) => w.message(3, (inner) => inner.integer(1, 150)))).toEqual([0x1a, 0x03, 0x08, 0x96, 0x01]);
    expect(bytesOf((w) => w.message(3, () => undefined))).toEqual([0x1a, 0x00]);
  });

  test('makes room for lengths of several bytes, and messages in messages', () => {
    const text = 'x'.repeat(300);
    const inner = [0x0a, 0xac, 0x02, ...Buffer.from(text)];
    const middle = [0x0a, 0xaf, 0x02, ...inner];
    const outer = [0x0a, 0xb2, 0x02, ...middle, 0x10, 0x05];
    expect(bytesOf((w) => w.message(1, (a) => a.message(1, (b) => b.string(1, text))).integer(2, 5))).toEqual(outer);
  });

  test('grows', () => {
    const large = new Uint8Array(200_000).fill(7);
    const bytes = bytesOf((w) => w.message(1, (inner) => inner.bytes(1, large)).bytes(2, large));
    expect(bytes.length).toBe(2 * (large.length + 4) + 4);
    expect(bytes.slice(-5)).toEqual([7, 7, 7, 7, 7]);
  });
});
