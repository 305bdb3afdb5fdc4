/** @file What the sub-folders of an image folder mean: splits, then classes, and how often their pictures are seen. */
import { plural } from '../tensor/plural.ts';
import { listed } from './listed.ts';

/** Which part of the data a picture belongs to; `any` when the folder does not say. */
export type Part = 'train' | 'heldOut' | 'unused' | 'any';

/** How the paths of a folder were understood. */
export interface FolderLayout {
  readonly parts: readonly Part[];
  /** Class of each picture, when there are at least two classes. */
  readonly labels: Int32Array | undefined;
  readonly classNames: readonly string[] | undefined;
  /** How often each picture is seen in an epoch. */
  readonly repeats: readonly number[];
  readonly warnings: readonly string[];
}

/** Options of `folderLayout`. */
export interface FolderLayoutOptions {
  /** Read class folders as kohya's trainers do: `10_cat` holds pictures of `cat`, each seen 10 times. */
  readonly folderRepeats?: boolean;
}

const TRAIN = ['train', 'training'];
const VALIDATION = ['validation', 'valid', 'val'];
const TEST = ['test', 'testing'];
const SPLIT_NAMES = [...TRAIN, ...VALIDATION, ...TEST];
const REPEATS = /^([1-9]\d*)_(.+)$/;

/**
 * Reads the meaning out of relative `paths`. When all pictures lie in top folders called train, validation or test,
 * those are splits (validation, else test, is held out). The next folder level, where every picture has one, is the
 * class.
 */
export function folderLayout(
  paths: readonly string[],
  { folderRepeats = false }: FolderLayoutOptions = {},
): FolderLayout {
  const warnings: string[] = [];
  const segments = paths.map((path) => path.split('/').slice(0, -1));
  const tops = segments.map((folders) => folders[0]?.toLowerCase() ?? '');
  const isSplit = tops.every((top) => SPLIT_NAMES.includes(top)) && tops.some((top) => TRAIN.includes(top));
  const hasValidation = tops.some((top) => VALIDATION.includes(top));
  const parts = tops.map((top): Part => {
    if (!isSplit) return 'any';
    if (TRAIN.includes(top)) return 'train';
    return VALIDATION.includes(top) || !hasValidation ? 'heldOut' : 'unused';
  });
  const unused = parts.filter((part) => part === 'unused').length;
  if (unused > 0)
    warnings.push(`${plural(unused, 'picture')} in the test folder left alone; the validation folder is held out`);
  const folders = segments.map((names) => names[isSplit ? 1 : 0]);
  const read = folders.map((folder) => (folderRepeats ? REPEATS.exec(folder ?? '') : null));
  const repeats = read.map((match) => Number(match?.[1] ?? 1));
  const classes = oneSpelling(folders.map((folder, i) => read[i]?.[2] ?? folder));
  const names = [...new Set(classes.filter((name) => name !== undefined))].sort();
  const plain = { parts, labels: undefined, classNames: undefined, repeats, warnings };
  if (!folderRepeats && folders.length > 0 && folders.every((folder) => REPEATS.test(folder ?? ''))) {
    warnings.push(
      `the folders are called as for kohya's trainers, e.g. ${folders[0]}: the numbers count only with folder repeats`,
    );
  }
  if (names.length < 2) return plain;
  const loose = classes.filter((name) => name === undefined).length;
  if (loose > 0) {
    warnings.push(
      `no classes: ${plural(loose, 'picture')} beside the ${names.length} sub-folders instead of inside one`,
    );
    return plain;
  }
  const learned = new Set(classes.filter((_, i) => parts[i] === 'train' || parts[i] === 'any'));
  const unlearned = names.filter((name) => !learned.has(name));
  if (unlearned.length > 0) {
    const one = unlearned.length === 1;
    warnings.push(
      `no picture to train on is of the class${one ? '' : 'es'} ${listed(unlearned)}: nothing is learned of ${one ? 'it' : 'them'}`,
    );
  }
  return { ...plain, labels: Int32Array.from(classes, (name) => names.indexOf(name!)), classNames: names };
}

/** The same names, those that only differ in how a system spells `é` all as the first of them. */
function oneSpelling(names: readonly (string | undefined)[]): (string | undefined)[] {
  const first = new Map<string, string>();
  return names.map((name) => {
    if (name === undefined) return undefined;
    const key = name.normalize('NFC');
    if (!first.has(key)) first.set(key, name);
    return first.get(key);
  });
}
