import { expect, test } from 'vitest';
import { configDifferences, mergeConfigs, parseOverrides } from './config-keys.ts';

test('reads settings as JSON where they are JSON, else as text', () => {
  expect(parseOverrides(['a.b=0.5', 'a.c=[1,2]', 'd=cosine', 'e=null', 'f=a=b', 'g='])).toEqual({
    a: { b: 0.5, c: [1, 2] },
    d: 'cosine',
    e: null,
    f: 'a=b',
    g: '',
  });
});

test('refuses settings that set nothing', () => {
  for (const setting of ['a', '=1', 'a..b=1', '__proto__.x=1']) {
    expect(() => parseOverrides([setting])).toThrow(/sets nothing/);
  }
});

test('merges objects and replaces everything else', () => {
  expect(mergeConfigs({ a: { b: 1, c: 2 }, d: [1, 2] }, { a: { c: 3 }, d: [4], e: null })).toEqual({
    a: { b: 1, c: 3 },
    d: [4],
    e: null,
  });
  expect(mergeConfigs({ a: 1 }, { a: undefined })).toEqual({ a: 1 });
});

test('lists differences by dotted key', () => {
  expect(configDifferences({ a: { b: 1, c: [1] }, d: 1 }, { a: { b: 2, c: [1] }, e: 1 })).toEqual([
    { key: 'a.b', before: 1, after: 2 },
    { key: 'd', before: 1, after: undefined },
    { key: 'e', before: undefined, after: 1 },
  ]);
});
