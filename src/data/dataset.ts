/** @file What a data set is: pictures in memory with labels, captions and attributes, by index. */
import { ConfigError, DataError } from '../tensor/index.ts';
import { contentHash } from './content-hash.ts';

/** `[C, H, W]`. */
export type ImageShape = readonly [channels: number, height: number, width: number];

/** Named facts about one picture, e.g. `{ hairColor: 'red' }`. */
export type Attributes = Readonly<Record<string, string>>;

/** One picture with everything known about it. */
export interface DataItem {
  /** float32 in [-1, 1], row-major [C, H, W]. */
  readonly image: Float32Array;
  /** Index into `classNames`. */
  readonly label?: number;
  readonly caption?: string;
  readonly attributes?: Attributes;
}

/** A finite, indexable set of pictures of one shape. */
export interface Dataset {
  readonly name: string;
  readonly length: number;
  readonly imageShape: ImageShape;
  /** Names of the classes, when there are any. */
  readonly classNames: readonly string[] | undefined;
  /** One class index per picture, when there are classes. */
  readonly labels: Int32Array | undefined;
  /** Hash of pixels, labels and captions, in hex: equal contents, equal fingerprint. */
  readonly fingerprint: string;
  item(index: number): DataItem;
  caption(index: number): string | undefined;
  attributes(index: number): Attributes | undefined;
  /** Writes picture `index` into `out[at …]` as float32 in [-1, 1], mirrored left to right when `flip`. */
  copyImage(index: number, out: Float32Array, at: number, flip?: boolean): void;
  /** The pictures at `indices`, sharing memory with this set. */
  subset(indices: ArrayLike<number>, name?: string): Dataset;
  /** This set followed by its mirror image: picture `length + i` is picture `i` flipped left to right. */
  withMirrored(): Dataset;
}

/** A file that is not used, and why. */
export interface SkippedFile {
  readonly file: string;
  readonly reason: string;
}

/** What opening a folder of pictures did with every file. */
export interface DataReport {
  /** Pictures that made it into the set. */
  readonly used: number;
  readonly skipped: readonly SkippedFile[];
  /** How many used pictures needed each kind of conversion. */
  readonly converted: Readonly<Partial<Record<Conversion, number>>>;
  /** Anything else worth knowing, a sentence each. */
  readonly warnings: readonly string[];
}

/** What was done to a picture so that it fits the set. */
export type Conversion =
  | 'grey'
  | 'colour'
  | 'alpha'
  | '16-bit'
  | 'cmyk'
  | 'animated'
  | 'rotated'
  | 'enlarged'
  | 'cropped'
  | 'padded'
  | 'stretched';

/** The two parts every data source opens as; `heldOut` is never trained on and may be empty. */
export interface DataSplits {
  readonly train: Dataset;
  readonly heldOut: Dataset;
  /** For folders of pictures. */
  readonly report?: DataReport;
}

/** Contents of an in-memory data set of N pictures. */
export interface DatasetContents {
  readonly name: string;
  readonly imageShape: ImageShape;
  /** [N, C, H, W], 0 … 255 standing for -1 … 1. */
  readonly pixels: Uint8Array;
  readonly labels?: Int32Array | undefined;
  readonly classNames?: readonly string[] | undefined;
  readonly captions?: readonly (string | undefined)[] | undefined;
  readonly attributes?: readonly Attributes[] | undefined;
}

/**
 * A data set over `pixels` in memory. Throws `DataError` when the pieces differ in length or a label has no class.
 */
export function createDataset(contents: DatasetContents): Dataset {
  const { name, imageShape, pixels, labels, classNames, captions, attributes } = contents;
  const size = imageShape[0] * imageShape[1] * imageShape[2];
  const count = pixels.length / size;
  if (!Number.isInteger(count)) {
    throw new DataError(
      `${name}: ${pixels.length} pixel values are no whole number of [${imageShape.join(', ')}] pictures`,
    );
  }
  for (const [what, list] of Object.entries({ labels, captions, attributes })) {
    if (list && list.length !== count) throw new DataError(`${name}: ${count} pictures but ${list.length} ${what}`);
  }
  if (labels) {
    if (!classNames) throw new DataError(`${name}: labels without classNames`);
    const stray = labels.find((label) => label < 0 || label >= classNames.length);
    if (stray !== undefined) throw new DataError(`${name}: label ${stray}, but only ${classNames.length} class names`);
  }
  return view(
    contents,
    Int32Array.from({ length: count }, (_, i) => i),
  );
}

/** u8 to [-1, 1]: 0 is -1, 255 is 1. */
const LEVELS = Float32Array.from({ length: 256 }, (_, level) => level / 127.5 - 1);

/** `rows` says which picture of `contents` each index shows; `~row` stands for its mirror image. */
function view(contents: DatasetContents, rows: Int32Array): Dataset {
  const { name, imageShape, pixels, classNames, captions, attributes } = contents;
  const [, , width] = imageShape;
  const size = imageShape[0] * imageShape[1] * width;
  const codeOf = (index: number): number => {
    const code = rows[index];
    if (code === undefined) throw new DataError(`${name} has pictures 0 … ${rows.length - 1}, asked for ${index}`);
    return code;
  };
  const rowOf = (index: number): number => pictureOf(codeOf(index));
  const labels = contents.labels && Int32Array.from(rows, (code) => contents.labels![pictureOf(code)]!);
  let fingerprint: string | undefined;
  const dataset: Dataset = {
    name,
    length: rows.length,
    imageShape,
    classNames,
    labels,
    get fingerprint() {
      fingerprint ??= hashContents(dataset, contents, rows);
      return fingerprint;
    },
    item(index) {
      const image = new Float32Array(size);
      dataset.copyImage(index, image, 0);
      const caption = dataset.caption(index);
      const facts = dataset.attributes(index);
      return {
        image,
        ...(labels && { label: labels[index]! }),
        ...(caption !== undefined && { caption }),
        ...(facts && { attributes: facts }),
      };
    },
    caption: (index) => captions?.[rowOf(index)],
    attributes: (index) => attributes?.[rowOf(index)],
    copyImage(index, out, at, flip = false) {
      const start = rowOf(index) * size;
      if (flip === codeOf(index) < 0) {
        for (let i = 0; i < size; i++) out[at + i] = LEVELS[pixels[start + i]!]!;
        return;
      }
      for (let row = 0; row < size; row += width) {
        const last = start + row + width - 1;
        for (let x = 0; x < width; x++) out[at + row + x] = LEVELS[pixels[last - x]!]!;
      }
    },
    subset: (indices, subsetName = name) => view({ ...contents, name: subsetName }, Int32Array.from(indices, codeOf)),
    withMirrored: () => view(contents, Int32Array.from([...rows, ...rows.map((code) => ~code)])),
  };
  return dataset;
}

function pictureOf(code: number): number {
  return code < 0 ? ~code : code;
}

/** Hashes what training depends on, picture by picture in order. */
function hashContents(dataset: Dataset, contents: DatasetContents, rows: Int32Array): string {
  const size = dataset.imageShape.reduce((a, b) => a * b, 1);
  const captions = Array.from(rows, (_, index) => dataset.caption(index) ?? null);
  const mirrored = Uint8Array.from(rows, (code) => (code < 0 ? 1 : 0));
  const parts: (Uint8Array | string)[] = [JSON.stringify([dataset.imageShape, dataset.classNames ?? null, captions])];
  if (dataset.labels) parts.push(new Uint8Array(dataset.labels.buffer));
  parts.push(mirrored);
  for (const code of rows) parts.push(contents.pixels.subarray(pictureOf(code) * size, (pictureOf(code) + 1) * size));
  return contentHash(parts);
}

/** Throws `ConfigError` unless `count` is a whole number of at least `minimum`. */
export function checkCount(option: string, count: number, minimum: number): void {
  if (!Number.isInteger(count) || count < minimum) {
    throw new ConfigError(`${option} must be a whole number of at least ${minimum}, got ${count}`);
  }
}
