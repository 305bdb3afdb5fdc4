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
    expect(warnings).toEqual(['no classes: 1 picture beside the 2 sub-folders instead of inside one']);
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
    expect(warnings).toEqual(['1 picture in the test folder left alone; the validation folder is held out']);
  });

  test('holds the test folder out when there is no validation folder', () => {
    expect(folderLayout(['Train/a.png', 'test/b.png']).parts).toEqual(['train', 'heldOut']);
    expect(folderLayout(['test/a.png', 'other/b.png']).parts).toEqual(['any', 'any']);
  });

  test('names classes of which nothing is learned, because they only occur in the validation or test folder', () => {
    const paths = ['train/cat/a.png', 'train/dog/b.png', 'val/cat/c.png', 'val/owl/d.png', 'test/emu/e.png'];
    const { classNames, warnings } = folderLayout(paths);
    expect(classNames).toEqual(['cat', 'dog', 'emu', 'owl']);
    expect(warnings.at(-1)).toBe('no picture to train on is of the classes emu, owl: nothing is learned of them');
    expect(folderLayout(paths.slice(0, 3)).warnings).toEqual([]);
  });

  test('takes names that systems spell differently for one class, in the spelling of the first', () => {
    const { classNames, labels } = folderLayout(['train/caf\u00e9/a.png', 'train/tea/b.png', 'val/cafe\u0301/c.png']);
    expect(classNames).toEqual(['caf\u00e9', 'tea']);
    expect([...labels!]).toEqual([0, 1, 0]);
    expect(folderLayout(['cafe\u0301/a.png', 'tea/b.png']).classNames).toEqual(['cafe\u0301', 'tea']);
  });

  test("reads repeats and names out of folders called as for kohya's trainers when asked to", () => {
    const paths = ['10_cat/a.png', '2_cat/b.png', '3_a_dog/c.png', '0_owl/d.png'];
    const read = folderLayout(paths, { folderRepeats: true });
    expect(read.classNames).toEqual(['0_owl', 'a_dog', 'cat']);
    expect([...read.labels!]).toEqual([2, 2, 1, 0]);
    expect(read.repeats).toEqual([10, 2, 3, 1]);
    const plain = folderLayout(paths.slice(0, 3));
    expect(plain.classNames).toEqual(['10_cat', '2_cat', '3_a_dog']);
    expect(plain.repeats).toEqual([1, 1, 1]);
    expect(plain.warnings).toEqual([
      "the folders are called as for kohya's trainers, e.g. 10_cat: the numbers count only with folder repeats",
    ]);
  });
});
