import { expect, test } from 'vitest';
import { classesOfCaption, classOfLabel, describeClasses } from './class-words.ts';

const heads = ['red hair, no hat', 'red hair, cap', 'blue hair, no hat', 'blue hair, cap'];

test('finds a class by its name, commas included, or by its number', () => {
  expect(classOfLabel('blue hair, no hat', heads, 5)).toBe(2);
  expect(classOfLabel('3', heads, 5)).toBe(3);
  expect(classOfLabel(7, [], 10)).toBe(7);
  expect(() => classOfLabel('blue hair, no hut', heads, 5)).toThrow(/did you mean 'blue hair, no hat'/);
  expect(() => classOfLabel(4, heads, 5)).toThrow(/no class '4'/);
  expect(() => classOfLabel(10, [], 10)).toThrow(/the classes are: 0 to 9/);
});

test('finds the classes that a caption describes, in any order and case', () => {
  expect(classesOfCaption('red hair', heads)).toEqual([0, 1]);
  expect(classesOfCaption('Cap, Blue hair', heads)).toEqual([3]);
  expect(classesOfCaption('dog', ['cat', 'dog'])).toEqual([1]);
});

test('says which words of a caption it does not know, and which do not go together', () => {
  expect(() => classesOfCaption('red hair, cup', heads)).toThrow(/no class is 'cup'\n {2}hint: did you mean 'cap'\?/);
  expect(() => classesOfCaption('red hair, blue hair', heads)).toThrow(/no class is all of 'red hair, blue hair'/);
  expect(() => classesOfCaption(' , ', heads)).toThrow(/the caption is empty/);
  expect(() => classesOfCaption('red hair', [])).toThrow(/have no names/);
});

test('lists what classes are made of, and not without end', () => {
  expect(describeClasses(['cat', 'dog'])).toBe('the classes are: cat, dog');
  expect(describeClasses(heads)).toBe('the 4 classes are combinations of: red hair, no hat, cap, blue hair');
  expect(describeClasses(Array.from({ length: 30 }, (_, i) => `n${i}`))).toMatch(/n23, … and 6 more$/);
});

test('knows a class however its accents are stored', () => {
  const names = ['cafe\u0301', 'tea'];
  expect(classOfLabel('caf\u00e9', names, 2)).toBe(0);
  expect(classesOfCaption('caf\u00e9', names)).toEqual([0]);
});
