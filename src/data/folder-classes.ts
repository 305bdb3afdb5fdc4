/** @file What the sub-folders of an image folder mean: splits, then classes. */

/** Which part of the data a picture belongs to; `any` when the folder does not say. */
export type Part = 'train' | 'heldOut' | 'unused' | 'any';

/** How the paths of a folder were understood. */
export interface FolderLayout {
  readonly parts: readonly Part[];
  /** Class of each picture, when there are at least two classes. */
  readonly labels: Int32Array | undefined;
  readonly classNames: readonly string[] | undefined;
  readonly warnings: readonly string[];
}

const TRAIN = ['train', 'training'];
const VALIDATION = ['validation', 'valid', 'val'];
const TEST = ['test', 'testing'];
const SPLIT_NAMES = [...TRAIN, ...VALIDATION, ...TEST];

/**
 * Reads the meaning out of relative `paths`. When all pictures lie in top folders called train, validation or test,
 * those are splits (validation, else test, is held out). The next folder level, where every picture has one, is the
 * class.
 */
export function folderLayout(paths: readonly string[]): FolderLayout {
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
    warnings.push(`${unused} pictures in the test folder are left alone; the validation folder is held out`);
  const classes = segments.map((folders) => folders[isSplit ? 1 : 0]);
  const names = [...new Set(classes.filter((name) => name !== undefined))].sort();
  if (names.length < 2) return { parts, labels: undefined, classNames: undefined, warnings };
  const loose = classes.filter((name) => name === undefined).length;
  if (loose > 0) {
    warnings.push(`no classes: ${loose} pictures lie beside the ${names.length} sub-folders instead of inside one`);
    return { parts, labels: undefined, classNames: undefined, warnings };
  }
  return { parts, labels: Int32Array.from(classes, (name) => names.indexOf(name!)), classNames: names, warnings };
}
