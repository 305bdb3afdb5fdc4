import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DataError, DtypeError, floatToHalf, fromNumbers, type NdArray, ndArray, toFloat64 } from '../tensor/index.ts';
import { encodeSafetensors, parseSafetensors, type SafetensorsTensor } from './safetensors.ts';

const golden = new URL('../../test/golden/formats/', import.meta.url);
const goldenBytes = new Uint8Array(readFileSync(new URL('all-dtypes.safetensors', golden)));
const expected = JSON.parse(readFileSync(new URL('all-dtypes.json', golden), 'utf8')) as {
  metadata: Record<string, string>;
  tensors: Record<string, { shape: number[]; values: (number | string)[] }>;
};

describe('a file written by Python safetensors', () => {
  const { tensors, metadata, header } = parseSafetensors(goldenBytes);

  test('gives the same names, shapes, values and metadata', () => {
    expect([...tensors.keys()].sort()).toEqual(Object.keys(expected.tensors).sort());
    expect(metadata).toEqual(expected.metadata);
    for (const [name, { shape, values }] of Object.entries(expected.tensors)) {
      const array = tensors.get(name)!;
      expect(array.shape).toEqual(shape);
      const got = array.dtype === 'int64' ? Array.from(array.data, String) : [...toFloat64(array)];
      expect(got).toEqual(values);
    }
  });

  test('keeps the dtypes the host has, and widens the others without loss', () => {
    const dtypes = Object.fromEntries([...tensors].map(([name, { dtype }]) => [name, dtype]));
    expect(dtypes).toMatchObject({ f64: 'float64', f32: 'float32', f16: 'float16', i64: 'int64', bool: 'bool' });
    expect(dtypes).toMatchObject({ bf16: 'float32', i16: 'int32', i8: 'int32', u8: 'uint8', i32: 'int32' });
    expect(header.entries.get('bf16')?.dtype).toBe('BF16');
  });

  test('becomes float32 throughout when asked', () => {
    for (const [name, array] of parseSafetensors(goldenBytes, { toFloat32: true }).tensors) {
      expect(array.dtype).toBe('float32');
      expect([...array.data]).toEqual(expected.tensors[name]!.values.map((value) => Math.fround(Number(value))));
    }
  });

  test('gives the same values whatever the alignment of the bytes in memory', () => {
    for (let shift = 0; shift < 8; shift++) {
      const moved = new Uint8Array(goldenBytes.length + 8).subarray(shift, shift + goldenBytes.length);
      moved.set(goldenBytes);
      expect(parseSafetensors(moved).tensors).toEqual(tensors);
    }
  });
});

describe('writing', () => {
  const some: Record<string, SafetensorsTensor> = {
    'b.weight': fromNumbers([
      [1, 2],
      [3, 4],
    ]),
    'a.bytes': ndArray(Uint8Array.of(1, 2, 3), [3], 'uint8'),
    'c.ids': ndArray(BigInt64Array.of(5n), [1], 'int64'),
  };

  test('lays out the widest dtype first, then by name, whatever the order given', () => {
    const bytes = encodeSafetensors(some, { metadata: { z: '1', a: '2' } });
    const reversed = new Map(Object.entries(some).reverse());
    expect(encodeSafetensors(reversed, { metadata: { a: '2', z: '1' } })).toEqual(bytes);
    const { header } = parseSafetensors(bytes);
    expect([...header.entries.keys()]).toEqual(['c.ids', 'b.weight', 'a.bytes']);
    expect(header.dataStart % 8).toBe(0);
  });

  test('views the bytes without copying when they are read back', () => {
    const bytes = encodeSafetensors(some);
    for (const { data } of parseSafetensors(bytes).tensors.values()) expect(data.buffer).toBe(bytes.buffer);
  });

  test('reproduces every dtype bit for bit', () => {
    const { tensors, metadata, header } = parseSafetensors(goldenBytes);
    const again = new Map<string, SafetensorsTensor>();
    for (const [name, array] of tensors) again.set(name, { ...array, storeAs: header.entries.get(name)!.dtype });
    const bytes = encodeSafetensors(again, { metadata });
    const back = parseSafetensors(bytes);
    expect(back.tensors).toEqual(tensors);
    expect(back.metadata).toEqual(metadata);
    for (const [name, { dtype }] of header.entries) expect(back.header.entries.get(name)?.dtype).toBe(dtype);
  });

  test('stores floats narrower when asked, rounding to nearest', () => {
    const file = { x: fromNumbers([0.1, 1 / 3, 70000]), ids: ndArray(Int32Array.of(7), [1], 'int32') };
    const half = parseSafetensors(encodeSafetensors(file, { floatsAs: 'F16' }));
    expect([...half.tensors.get('x')!.data]).toEqual([0.1, 1 / 3, 70000].map(floatToHalf));
    expect(half.header.entries.get('ids')?.dtype).toBe('I32');
    const brain = parseSafetensors(encodeSafetensors(file, { floatsAs: 'BF16' }));
    expect([...brain.tensors.get('x')!.data]).toEqual([0.10009765625, 0.333984375, 70144]);
  });

  test('refuses integers that do not fit', () => {
    const store = (values: number[], storeAs: 'I8' | 'I16' | 'U8'): Uint8Array =>
      encodeSafetensors({ x: { ...fromNumbers(values), storeAs } });
    expect(() => store([1, 128], 'I8')).toThrow(new DataError('tensor "x" holds 128, outside I8\'s range -128 … 127'));
    expect(() => store([-1], 'U8')).toThrow(DataError);
    expect(() => store([0.5], 'I16')).toThrow(DtypeError);
  });

  test('refuses a tensor called __metadata__ and data that does not fill its shape', () => {
    expect(() => encodeSafetensors({ __metadata__: fromNumbers([1]) })).toThrow(DataError);
    const short: NdArray = { dtype: 'float32', shape: [3], data: new Float32Array(2) };
    expect(() => encodeSafetensors({ short })).toThrow('tensor "short" of shape [3] holds 2 elements');
  });

  test('round-trips any names, shapes and metadata', () => {
    const tensor = fc
      .array(fc.nat(3), { maxLength: 3 })
      .map((shape) => ndArray(new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(shape.length), shape));
    const names = fc.string({ unit: 'grapheme' }).filter((name) => name !== '__metadata__');
    const metadata = fc.dictionary(fc.string(), fc.string({ unit: 'grapheme' }));
    fc.assert(
      fc.property(fc.array(fc.tuple(names, tensor)), metadata, (entries, notes) => {
        const tensors = new Map(entries);
        const back = parseSafetensors(encodeSafetensors(tensors, { metadata: notes }));
        expect(Object.fromEntries(back.tensors)).toEqual(Object.fromEntries(tensors));
        expect(Object.entries(back.metadata).sort()).toEqual(Object.entries(notes).sort());
      }),
      { numRuns: 60 },
    );
  });
});

describe('a malformed file is refused, naming the file, the tensor and the remedy', () => {
  /** A file of `header` followed by `dataBytes` zeros. */
  const file = (header: unknown, dataBytes = 0): Uint8Array => {
    const json = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header));
    const bytes = new Uint8Array(8 + json.length + dataBytes);
    new DataView(bytes.buffer).setBigUint64(0, BigInt(json.length), true);
    bytes.set(json, 8);
    return bytes;
  };
  const refusal = (bytes: Uint8Array): string => {
    try {
      parseSafetensors(bytes, { file: 'w.safetensors' });
    } catch (error) {
      expect(error).toBeInstanceOf(DataError);
      expect((error as DataError).hint).toBeTruthy();
      return (error as DataError).message;
    }
    return 'accepted';
  };
  const entry = (dtype: unknown, shape: unknown, offsets: unknown): object => ({ dtype, shape, data_offsets: offsets });

  test('cut at any byte', () => {
    for (let length = 0; length < goldenBytes.length; length++) {
      const message = refusal(goldenBytes.slice(0, length));
      expect(message).toContain('w.safetensors');
      expect(message).not.toBe('accepted');
    }
    expect(refusal(goldenBytes.slice(0, -1))).toContain('is truncated: tensor "');
  });

  test('with bytes left over', () => {
    expect(refusal(file({ a: entry('U8', [2], [0, 2]) }, 5))).toContain(
      'w.safetensors has 3 bytes after its last tensor',
    );
  });

  test('with an impossible header length', () => {
    const bytes = file({}, 0);
    new DataView(bytes.buffer).setBigUint64(0, 2n ** 60n, true);
    expect(refusal(bytes)).toContain('bytes, at most 100000000 are allowed');
    new DataView(bytes.buffer).setBigUint64(0, 0n, true);
    expect(refusal(bytes)).toContain('announces a header of 0 bytes');
    new DataView(bytes.buffer).setBigUint64(0, 5000n, true);
    expect(refusal(bytes)).toContain('truncated inside its header');
  });

  test('with a header that is not JSON, or not UTF-8', () => {
    expect(refusal(file('{"a":'))).toContain('the header of w.safetensors is not JSON');
    expect(refusal(file('[1,2]'))).toContain('it does not start with "{"');
    const bytes = file('{"aa":1}');
    bytes[10] = 0xff;
    expect(refusal(bytes)).toContain('is not JSON');
  });

  test('with an unknown dtype', () => {
    const message = refusal(file({ 'conv.weight': entry('F8_E4M3', [2], [0, 2]) }, 2));
    expect(message).toContain('tensor "conv.weight" of w.safetensors has the unknown dtype "F8_E4M3"');
    expect(message).toContain('convert it to one of F64, F32');
  });

  test('with a strange shape, offsets or entry', () => {
    expect(refusal(file({ a: entry('U8', [-1], [0, 1]) }, 1))).toContain('has the shape [-1]');
    expect(refusal(file({ a: entry('U8', 'x', [0, 1]) }, 1))).toContain('has the shape "x"');
    expect(refusal(file({ a: entry('U8', [1], [0]) }, 1))).toContain('has data_offsets [0]');
    expect(refusal(file({ a: entry('U8', [1], [0.5, 1.5]) }, 1))).toContain('has data_offsets');
    expect(refusal(file({ a: null }, 1))).toContain('unknown dtype');
    expect(refusal(file({ a: entry('U8', [2 ** 40, 2 ** 40], [0, 1]) }, 1))).toContain('its data_offsets span 1');
  });

  test('with bytes that do not match shape and dtype', () => {
    expect(refusal(file({ a: entry('F32', [2, 3], [0, 20]) }, 20))).toContain(
      'tensor "a" of w.safetensors is F32 [2, 3] = 24 bytes, its data_offsets span 20',
    );
    expect(refusal(file({ a: entry('U8', [1], [3, 2]) }, 3))).toContain('its data_offsets span -1');
  });

  test('with an overlap or a hole', () => {
    const overlap = { a: entry('U8', [4], [0, 4]), b: entry('U8', [4], [2, 6]) };
    expect(refusal(file(overlap, 6))).toContain('tensor "b" of w.safetensors overlaps another');
    const hole = { a: entry('U8', [2], [0, 2]), b: entry('U8', [2], [4, 6]) };
    expect(refusal(file(hole, 6))).toContain('has a hole of 2 bytes before tensor "b"');
  });

  test('with metadata that is not text', () => {
    expect(refusal(file({ __metadata__: { a: 1 } }))).toContain(
      '__metadata__ of w.safetensors must map names to strings',
    );
    expect(refusal(file({ __metadata__: null }))).toContain('__metadata__');
  });
});
