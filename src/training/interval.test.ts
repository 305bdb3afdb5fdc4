import { expect, test } from 'vitest';
import { parseInterval, Timetable } from './interval.ts';

test('understands steps, times and never', () => {
  expect(parseInterval('x', 500)).toEqual({ steps: 500 });
  expect(parseInterval('x', '30s')).toEqual({ seconds: 30 });
  expect(parseInterval('x', '1.5m')).toEqual({ seconds: 90 });
  expect(parseInterval('x', '2 h')).toEqual({ seconds: 7200 });
  expect(parseInterval('x', 0)).toBe('never');
});

test('names the setting that is no interval', () => {
  for (const bad of [-1, 0.5, '30', 'often', '0s', '']) {
    expect(() => parseInterval('previewEvery', bad)).toThrow(/previewEvery is a number of steps or a time/);
  }
});

test('is due at multiples of its steps', () => {
  const timetable = new Timetable({ steps: 3 }, 0);
  expect([1, 2, 3, 4, 5, 6].filter((step) => timetable.isDue(step, 100))).toEqual([3, 6]);
});

test('is due when its time has passed since it was last done', () => {
  const timetable = new Timetable({ seconds: 10 }, 5);
  expect(timetable.isDue(1, 14)).toBe(false);
  expect(timetable.isDue(2, 15)).toBe(true);
  timetable.done(18);
  expect(timetable.isDue(3, 27)).toBe(false);
  expect(timetable.isDue(4, 28)).toBe(true);
  expect(new Timetable('never', 0).isDue(1, 1e9)).toBe(false);
});
