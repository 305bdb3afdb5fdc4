/** @file Files kept open for reading: what happens to their names does not matter, what happens to them does. */
import { mkdtempSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { KeptFile } from './kept-file.node.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'inkwash-kept-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function kept(name: string): { path: string; file: KeptFile } {
  const path = join(folder, name);
  writeFileSync(path, 'abcdef');
  return { path, file: new KeptFile(path, statSync(path)) };
}

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

describe('a kept file', () => {
  test('is read in parts, each a buffer of its own', () => {
    const { file } = kept('parts');
    expect([text(file.read(0, 2)), text(file.read(3, 3)), text(file.read(6, 0))]).toEqual(['ab', 'def', '']);
    expect(file.read(0, 2).buffer.byteLength).toBe(2);
  });

  test('stays what it was when another takes its name, and when it is deleted', () => {
    const { path, file } = kept('replaced');
    writeFileSync(join(folder, 'newer'), 'uvwxyz');
    renameSync(join(folder, 'newer'), path);
    expect(text(file.read(0, 6))).toBe('abcdef');
    rmSync(path);
    expect(text(file.read(0, 6))).toBe('abcdef');
  });

  test('refuses to give parts of what was written into it since', () => {
    const { path, file } = kept('rewritten');
    writeFileSync(path, 'ABCDEF');
    utimesSync(path, 1, 1);
    expect(() => file.read(0, 6)).toThrow(/rewritten was changed after it was opened[\s\S]*load the model again/);
  });

  test('refuses to end early', () => {
    const { path, file } = kept('truncated');
    writeFileSync(path, 'abc');
    expect(() => file.read(0, 6)).toThrow(/was changed/);
  });
});
