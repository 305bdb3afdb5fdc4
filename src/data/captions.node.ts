/** @file Captions of a folder: `metadata.jsonl` or `metadata.csv` (column `file_name`), and same-stem `.txt` files. */
import { readFile } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { parseCsv } from './csv.ts';
import type { Attributes } from './dataset.ts';

/** What the folder says about its pictures, by path relative to the root. */
export interface FolderCaptions {
  readonly captions: ReadonlyMap<string, string>;
  readonly attributes: ReadonlyMap<string, Attributes>;
  /** Files that were read as descriptions, so they are no strays. */
  readonly sources: ReadonlySet<string>;
  readonly warnings: readonly string[];
}

const METADATA_NAMES = ['metadata.jsonl', 'metadata.csv'];
const SIDECAR_EXTENSIONS = ['.txt', '.caption'];

/** The extension with its dot, in lower case. */
export function extensionOf(file: string): string {
  return posix.extname(file).toLowerCase();
}

/** The path without its extension. */
export function stemOf(file: string): string {
  return file.slice(0, file.length - posix.extname(file).length);
}

/**
 * Reads every description among `files` of `root`. `images` are the paths of the pictures; `column` is the caption
 * column. Rows that are broken or name no picture become warnings. A metadata row wins over a sidecar.
 */
export async function readCaptions(
  root: string,
  files: readonly string[],
  images: readonly string[],
  column: string,
): Promise<FolderCaptions> {
  const captions = new Map<string, string>();
  const attributes = new Map<string, Attributes>();
  const sources = new Set<string>();
  const warnings: string[] = [];
  const known = new Set(images);
  const byStem = new Map<string, string[]>();
  for (const image of images) byStem.set(stemOf(image), [...(byStem.get(stemOf(image)) ?? []), image]);
  for (const file of files) {
    const described = SIDECAR_EXTENSIONS.includes(extensionOf(file)) ? byStem.get(stemOf(file)) : undefined;
    if (!described) continue;
    sources.add(file);
    const text = (await readText(root, file, warnings))?.trim().replaceAll(/\s+/g, ' ');
    if (text) for (const image of described) captions.set(image, text);
  }
  for (const file of files.filter((path) => METADATA_NAMES.includes(posix.basename(path)))) {
    sources.add(file);
    const text = await readText(root, file, warnings);
    if (text === undefined) continue;
    const rows = file.endsWith('.csv') ? csvRows(text) : jsonlRows(text, file, warnings);
    let captioned = 0;
    const absent: string[] = [];
    for (const row of rows) {
      const name = row.file_name;
      if (name === undefined) {
        warnings.push(`${file}: a row without file_name: ${JSON.stringify(row).slice(0, 80)}`);
        continue;
      }
      const image = posix.normalize(posix.join(posix.dirname(file), name.replaceAll('\\', '/')));
      if (!known.has(image)) {
        absent.push(name);
        continue;
      }
      const { file_name: _, [column]: caption, ...facts } = row;
      if (caption?.trim()) {
        captions.set(image, caption.trim());
        captioned++;
      }
      if (Object.keys(facts).length > 0) attributes.set(image, facts);
    }
    if (absent.length > 0) {
      warnings.push(
        `${file} names ${absent.length} pictures that are not there, e.g. ${absent.slice(0, 3).join(', ')}`,
      );
    }
    if (rows.length > absent.length && captioned === 0) {
      const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))].filter((name) => name !== 'file_name');
      warnings.push(`${file} has no captions in a column "${column}"; its columns: ${columns.join(', ') || 'none'}`);
    }
  }
  return { captions, attributes, sources, warnings };
}

type Row = Readonly<Record<string, string>>;

async function readText(root: string, file: string, warnings: string[]): Promise<string | undefined> {
  try {
    return await readFile(join(root, file), 'utf8');
  } catch (error) {
    warnings.push(`${file} cannot be read: ${(error as Error).message}`);
    return undefined;
  }
}

function csvRows(text: string): Row[] {
  const [header = [], ...rows] = parseCsv(text);
  return rows.map((fields) =>
    Object.fromEntries(header.flatMap((name, i) => (fields[i] === undefined ? [] : [[name.trim(), fields[i]]]))),
  );
}

/** Objects one a line; values other than text and numbers are left out. */
function jsonlRows(text: string, file: string, warnings: string[]): Row[] {
  return text.split('\n').flatMap((line, index) => {
    if (line.trim() === '') return [];
    try {
      const value: unknown = JSON.parse(line);
      if (value === null || typeof value !== 'object' || Array.isArray(value)) throw new SyntaxError('not an object');
      const scalars = Object.entries(value).filter(([, field]) =>
        ['string', 'number', 'boolean'].includes(typeof field),
      );
      return [Object.fromEntries(scalars.map(([name, field]) => [name, String(field)]))];
    } catch (error) {
      warnings.push(`${file} line ${index + 1} was ignored: ${(error as Error).message}`);
      return [];
    }
  });
}
