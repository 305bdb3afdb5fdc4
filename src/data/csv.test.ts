import { expect, test } from 'vitest';
import { parseCsv } from './csv.ts';

test('reads quotes, doubled quotes, and line breaks inside quotes', () => {
  expect(parseCsv('file_name,text\r\na.png,"a ""red"", round\nhat"\nb.png,plain\n')).toEqual([
    ['file_name', 'text'],
    ['a.png', 'a "red", round\nhat'],
    ['b.png', 'plain'],
  ]);
});

test('drops a byte order mark and empty lines, keeps empty fields', () => {
  expect(parseCsv('\ufeffa,b\n\n,\n1,')).toEqual([
    ['a', 'b'],
    ['', ''],
    ['1', ''],
  ]);
  expect(parseCsv('')).toEqual([]);
});

test('ends a quote left open at the end of the text', () => {
  expect(parseCsv('a,"b\nc')).toEqual([['a', 'b\nc']]);
});
