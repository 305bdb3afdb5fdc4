import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DataError, fromNumbers, zeros } from '../tensor/index.ts';
import { atomicWrite, makeFolder, writeError } from './atomic-write.node.ts';
import { openSafetensors, openSafetensorsIndex, writeSafetensors } from './safetensors.node.ts';
import { encodeSafetensors } from './safetensors.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'inkwash-st-'));
});
afterEach(() => rm(folder, { recursive: true }));

const weights = { 'conv.weight': fromNumbers([[1, 2]]), 'conv.bias': fromNumbers([3]) };

describe('a file read tensor by tensor', () => {
  test('gives each tensor when asked, converted when asked', async () => {
    const path = join(folder, 'w.safetensors');
    await writeSafetensors(path, weights, { floatsAs: 'F16', metadata: { format: 'pt' } });
    const reader = await openSafetensors(path);
    expect(reader.metadata).toEqual({ format: 'pt' });
    expect([...reader.entries.keys()].sort()).toEqual(['conv.bias', 'conv.weight']);
    expect((await reader.read('conv.weight')).dtype).toBe('float16');
    expect(await reader.read('conv.weight', { toFloat32: true })).toEqual(weights['conv.weight']);
    await expect(reader.read('conv.wieght')).rejects.toThrow('did you mean "conv.weight"?');
    await reader.close();
  });

  test('gives tensors later, and again, also when it is closed or another file has its name by then', async () => {
    const path = join(folder, 'w.safetensors');
    await writeSafetensors(path, weights, { floatsAs: 'F16' });
    const reader = await openSafetensors(path);
    const later = reader.later('conv.weight', { toFloat32: true });
    expect(() => reader.later('conv.wieght')).toThrow('did you mean "conv.weight"?');
    await reader.close();
    expect(later()).toEqual(weights['conv.weight']);
    await writeSafetensors(path, { 'conv.weight': fromNumbers([[7, 8]]), 'conv.bias': fromNumbers([9]) });
    expect([later(), later()]).toEqual([weights['conv.weight'], weights['conv.weight']]);
  });

  test('needs no more memory than the tensor asked for', async () => {
    // a sparse file of 4 GiB + 4 bytes: too large for one buffer on many systems
    const path = join(folder, 'large.safetensors');
    const json = JSON.stringify({
      large: { dtype: 'F32', shape: [2 ** 30], data_offsets: [0, 2 ** 32] },
      last: { dtype: 'F32', shape: [1], data_offsets: [2 ** 32, 2 ** 32 + 4] },
    });
    const { open } = await import('node:fs/promises');
    const file = await open(path, 'w');
    const prefix = Buffer.alloc(8 + json.length);
    prefix.writeBigUInt64LE(BigInt(json.length));
    prefix.write(json, 8);
    await file.write(prefix);
    await file.write(new Uint8Array(Float32Array.of(42).buffer), 0, 4, prefix.length + 2 ** 32);
    await file.close();
    const reader = await openSafetensors(path);
    expect([...(await reader.read('last')).data]).toEqual([42]);
    await reader.close();
  });

  test('is refused when missing, truncated, empty or a folder', async () => {
    await expect(openSafetensors(join(folder, 'none'))).rejects.toThrow(/there is no file .*none/);
    const bytes = encodeSafetensors(weights);
    for (const length of [0, 5, 60, bytes.length - 1]) {
      await writeFile(join(folder, 'cut'), bytes.subarray(0, length));
      await expect(openSafetensors(join(folder, 'cut'))).rejects.toThrow(DataError);
    }
    await expect(openSafetensors(folder)).rejects.toThrow(/is no file/);
  });
});

describe('a sharded set', () => {
  const index = (map: unknown): Promise<void> =>
    writeFile(join(folder, 'm.safetensors.index.json'), JSON.stringify({ metadata: {}, weight_map: map }));
  const path = (): string => join(folder, 'm.safetensors.index.json');

  test('is read as one', async () => {
    await writeSafetensors(join(folder, 'one.safetensors'), { a: fromNumbers([1]) });
    await writeSafetensors(join(folder, 'two.safetensors'), { b: fromNumbers([2]) });
    await index({ a: 'one.safetensors', b: 'two.safetensors' });
    const reader = await openSafetensorsIndex(path());
    expect([...reader.entries.keys()]).toEqual(['a', 'b']);
    expect([...(await reader.read('b')).data]).toEqual([2]);
    expect([...reader.later('a')().data]).toEqual([1]);
    await expect(reader.read('c')).rejects.toThrow('holds no tensor "c"');
    await reader.close();
  });

  test('is refused when a shard or a tensor is missing, or the index is broken', async () => {
    await writeSafetensors(join(folder, 'one.safetensors'), { a: fromNumbers([1]) });
    await index({ a: 'one.safetensors', b: 'gone.safetensors' });
    await expect(openSafetensorsIndex(path())).rejects.toThrow(/there is no file .*gone.safetensors/);
    await index({ b: 'one.safetensors' });
    await expect(openSafetensorsIndex(path())).rejects.toThrow('holds no tensor "b"');
    await index({ a: '../one.safetensors' });
    await expect(openSafetensorsIndex(path())).rejects.toThrow('shards lie beside their index');
    await index([1]);
    await expect(openSafetensorsIndex(path())).rejects.toThrow('has no weight_map');
    await writeFile(path(), 'not json');
    await expect(openSafetensorsIndex(path())).rejects.toThrow(/could not read .* line 1, column 1/);
  });
});

describe('writing whole or not at all', () => {
  test('makes the folder, replaces the old file and leaves nothing else', async () => {
    const path = join(folder, 'a', 'b', 'w.safetensors');
    await writeSafetensors(path, { old: zeros([3]) });
    await writeSafetensors(path, weights);
    expect(await readdir(join(folder, 'a', 'b'))).toEqual(['w.safetensors']);
    expect(new Uint8Array(await readFile(path))).toEqual(encodeSafetensors(weights));
  });

  test('keeps the old file and removes the temporary one when the disk fills up', async () => {
    const path = join(folder, 'w');
    await writeFile(path, 'old');
    function* chunks(): Generator<Uint8Array> {
      yield Uint8Array.of(1);
      throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
    }
    await expect(atomicWrite(path, chunks())).rejects.toThrow(
      new DataError(`could not write ${path}: the disk is full (ENOSPC)`, 'free some space, or write to another disk'),
    );
    expect(await readdir(folder)).toEqual(['w']);
    expect(await readFile(path, 'utf8')).toBe('old');
  });

  test('says so when part of the path is a file', async () => {
    await writeFile(join(folder, 'file'), '');
    const path = join(folder, 'file', 'w');
    await expect(atomicWrite(path, 'x')).rejects.toThrow(/could not write .*w: part of the path is a file/);
  });

  test('says so when the path is that of a folder, or of a place that does not take files', async () => {
    await expect(atomicWrite(join(folder, 'a/'), 'x')).rejects.toThrow(/that is a folder\n {2}hint: add the name of a/);
    const nowhere = Object.assign(new Error('no such file'), { code: 'ENOENT' });
    expect(String(writeError('w', nowhere))).toMatch(/could not write w: there is no such place/);
  });

  // Node's recursive mkdir never returns there
  test.skipIf(process.platform !== 'linux')('comes back from a file system that makes no folders', async () => {
    await expect(atomicWrite('/proc/nowhere/w', 'x')).rejects.toThrow(/could not write \/proc\/nowhere\/w: /);
  });

  test('makes folders side by side, and folders that exist', async () => {
    const deep = join(folder, 'a', 'b', 'c');
    await Promise.all([makeFolder(deep), makeFolder(deep), makeFolder(join(folder, 'a', 'd'))]);
    await makeFolder(deep);
    expect((await readdir(join(folder, 'a'))).sort()).toEqual(['b', 'd']);
  });

  test('says so when a folder is in the way', async () => {
    await mkdir(join(folder, 'w'));
    await expect(atomicWrite(join(folder, 'w'), 'x')).rejects.toThrow(/a folder of that name is in the way/);
    expect(await readdir(folder)).toEqual(['w']);
  });

  test('says so when permission is denied or the disk is read-only', async () => {
    for (const [code, problem] of [
      ['EACCES', 'permission denied'],
      ['EROFS', 'the disk is read-only'],
    ] as const) {
      function* chunks(): Generator<Uint8Array> {
        yield Uint8Array.of(1);
        throw Object.assign(new Error('refused'), { code });
      }
      await expect(atomicWrite(join(folder, 'w'), chunks())).rejects.toThrow(`${problem} (${code})`);
    }
    expect(await readdir(folder)).toEqual([]);
  });

  test('passes an error of the caller through unchanged', async () => {
    function* chunks(): Generator<Uint8Array> {
      yield Uint8Array.of(1);
      throw new RangeError('bug');
    }
    await expect(atomicWrite(join(folder, 'w'), chunks())).rejects.toThrow(new RangeError('bug'));
    expect(await readdir(folder)).toEqual([]);
  });
});
