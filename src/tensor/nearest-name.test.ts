import { expect, test } from 'vitest';
import { editDistance, nearestName } from './nearest-name.ts';

test('counts inserts, deletes, replacements and swapped neighbours', () => {
  expect(editDistance('kitten', 'sitting')).toBe(3);
  expect(editDistance('', 'abc')).toBe(3);
  expect(editDistance('abcd', 'abdc')).toBe(1);
  expect(editDistance('same', 'same')).toBe(0);
});

test('finds what was meant, whatever the case and the separators', () => {
  const choices = ['avatars', 'mnist', 'learningRate', 'batchSize'];
  expect(nearestName('avatar', choices)).toBe('avatars');
  expect(nearestName('MNSIT', choices)).toBe('mnist');
  expect(nearestName('learning_rate', choices)).toBe('learningRate');
  expect(nearestName('batch-szie', choices)).toBe('batchSize');
});

test('finds nothing when nothing is near', () => {
  expect(nearestName('cifar10', ['avatars', 'mnist'])).toBeUndefined();
  expect(nearestName('x', [])).toBeUndefined();
});
