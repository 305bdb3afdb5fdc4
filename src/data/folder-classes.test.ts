import { describe, expect, test } from 'vitest';
import { folderLayout } from './folder-classes.ts';

describe('the layout of an image folder', () => {
  test('takes sub-folders as classes, in alphabetical order', () => {
    const { labels, classNames, parts } = folderLayout(['dog/a.png', 'cat/b.png', 'cat/tabby/c.png']);
    expect(classNames).toEqual(['cat', 'dog']);
    expect([...labels!]).toEqual([1, 0, 0]);
    expect(parts).toEqual(['any', 'any', 'any']);
  });

  test('sees no classes in a flat folder or a single sub-folder', () => {
    expect(folderLayout(['a.png', 'b.png']).labels).toBeUndefined();
    expect(folderLayout(['images/a.png', 'images/b.png']).labels).toBeUndefined();
  });

  test('drops classes with a warning when some pictures lie outside', () => {
    const { labels, warnings } = folderLayout(['cat/a.png', 'dog/b.png', 'c.png']);
    expect(labels).toBeUndefined();
    expect(warnings).toEqual(['no classes: 1 pictures lie beside the 2 sub-folders instead of inside one']);
  });

  test('takes train, validation and test folders as splits, and classes below them', () => {
    const { parts, labels, classNames, warnings } = folderLayout([
      'train/cat/a.png',
      'train/dog/b.png',
      'validation/dog/c.png',
      'test/cat/d.png',
    ]);
    expect(parts).toEqual(['train', 'train', 'heldOut', 'unused']);
    expect(classNames).toEqual(['cat', 'dog']);
    expect([...labels!]).toEqual([0, 1, 1, 0]);
    expect(warnings).toEqual(['1 pictures in the test folder are left alone; the validation folder is held out']);
  });

  test('holds the test folder out when there is no validation folder', () => {
    expect(folderLayout(['Train/a.png', 'test/b.png']).parts).toEqual(['train', 'heldOut']);
    expect(folderLayout(['test/a.png', 'other/b.png']).parts).toEqual(['any', 'any']);
  });
});
