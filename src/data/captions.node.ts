/** @file Captions of a folder: `metadata.jsonl` or `metadata.csv` (column `file_name`), and same-stem `.txt` files. */
import { readFile } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { decodeText } from '../formats/decode-text.ts';
import { plural } from '../tensor/plural.ts';
import type { Attributes } from './dataset.ts';
import { listed } from './listed.ts';
import { type MetadataRow, parseMetadata } from './metadata-rows.ts';
import { unreadable } from './scan-folder.node.ts';

/** The files of a folder, and what its descriptions are read for. */
export interface CaptionRequest {
  readonly root: string;
  /** All files, relative to `root`. */
  readonly files: readonly string[];
  /** Those of them that are pictures. */
  readonly pictures: readonly string[];
  /** The caption column of metadata files. */
  readonly column: string;
}

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

const isMetadata = (file: string): boolean => METADATA_NAMES.includes(posix.basename(file).toLowerCase());
const isSidecar = (file: string): boolean => SIDECAR_EXTENSIONS.includes(posix.extname(file).toLowerCase());

/** Whether a file describes pictures, by its name. */
export const isDescription = (file: string): boolean => isMetadata(file) || isSidecar(file);

/** A path in the one spelling that all systems' spellings share: `é` is one character on some and two on others. */
const spelled = (path: string): string => path.normalize('NFC');
const stemOf = (file: string): string => spelled(file.slice(0, file.length - posix.extname(file).length));

/**
 * Reads every description of a folder. Rows that are broken, or name no file, become warnings; of several rows for a
 * picture the last counts, and a row counts more than a sidecar.
 */
export async function readCaptions(request: CaptionRequest): Promise<FolderCaptions> {
  const reading = new Reading(request);
  for (const file of request.files.filter(isSidecar)) await reading.sidecar(file);
  for (const file of request.files.filter(isMetadata)) await reading.metadata(file);
  return reading.finish();
}

class Reading {
  readonly #request: CaptionRequest;
  readonly #captions = new Map<string, string>();
  readonly #attributes = new Map<string, Attributes>();
  readonly #sources = new Set<string>();
  readonly #warnings: string[] = [];
  readonly #byStem: ReadonlyMap<string, readonly string[]>;
  readonly #byPath: ReadonlyMap<string, readonly string[]>;
  readonly #rows = new Map<string, MetadataRow>();
  /** Pictures with rows that differ. */
  readonly #disputed = new Set<string>();
  readonly #oldEncoding: string[] = [];

  constructor(request: CaptionRequest) {
    this.#request = request;
    this.#byStem = grouped(request.pictures, stemOf);
    this.#byPath = grouped(
      request.files.filter((file) => !isDescription(file)),
      spelled,
    );
  }

  /** A `.txt` beside pictures of its stem; others are left alone. */
  async sidecar(file: string): Promise<void> {
    const pictures = this.#byStem.get(stemOf(file));
    if (!pictures) return;
    const caption = (await this.#text(file))?.trim().replaceAll(/\s+/g, ' ');
    if (caption) for (const picture of pictures) this.#captions.set(picture, caption);
  }

  async metadata(file: string): Promise<void> {
    const { column } = this.#request;
    const text = await this.#text(file);
    if (text === undefined) return;
    const { columns, rows, problems } = parseMetadata(text, file);
    this.#warnings.push(...problems.map((problem) => `${file}: ${problem}`));
    if (rows.length === 0) return;
    const others = columns.filter((name) => name !== 'file_name').join(', ') || 'none';
    if (!columns.includes('file_name')) {
      this.#warnings.push(`${file} has no column "file_name", so nothing of it was used; its columns: ${others}`);
      return;
    }
    const named = rows.filter((row) => row.file_name?.trim());
    const absent = named.flatMap((row) => (this.#describe(file, row) ? [] : [row.file_name ?? '']));
    if (named.length < rows.length) {
      this.#warnings.push(`${file} has ${plural(rows.length - named.length, 'row')} without a file_name`);
    }
    if (absent.length > 0) {
      this.#warnings.push(`${file} names ${plural(absent.length, 'file')} that the folder lacks: ${listed(absent)}`);
    }
    if (absent.length < named.length && !named.some((row) => row[column]?.trim())) {
      this.#warnings.push(`${file} has no captions in a column "${column}"; its columns: ${others}`);
    }
  }

  /** Applies a row of `metadata`; returns whether the file it names is there. */
  #describe(metadata: string, row: MetadataRow): boolean {
    const { column } = this.#request;
    const { file_name = '', [column]: caption, ...facts } = row;
    const path = posix.join(posix.dirname(metadata), file_name.trim().replaceAll('\\', '/'));
    const files = this.#byPath.get(spelled(path)) ?? [];
    for (const file of files) {
      const earlier = this.#rows.get(file);
      if (earlier && JSON.stringify(earlier) !== JSON.stringify(row)) this.#disputed.add(file);
      this.#rows.set(file, row);
      if (caption?.trim()) this.#captions.set(file, caption.trim());
      if (Object.keys(facts).length > 0) this.#attributes.set(file, facts);
    }
    return files.length > 0;
  }

  finish(): FolderCaptions {
    const warnings = [...this.#warnings];
    if (this.#disputed.size > 0) {
      const pictures = [...this.#disputed];
      warnings.push(
        `${plural(pictures.length, 'picture')} with rows that differ, the last counts: ${listed(pictures)}`,
      );
    }
    if (this.#oldEncoding.length > 0) {
      warnings.push(`neither UTF-8 nor UTF-16, so read as Windows-1252: ${listed(this.#oldEncoding)}`);
    }
    return { captions: this.#captions, attributes: this.#attributes, sources: this.#sources, warnings };
  }

  async #text(file: string): Promise<string | undefined> {
    this.#sources.add(file);
    try {
      const { text, encoding } = decodeText(await readFile(join(this.#request.root, file)));
      if (encoding === 'windows-1252') this.#oldEncoding.push(file);
      return text;
    } catch (error) {
      this.#warnings.push(`${file} was not used: ${unreadable(error)}`);
      return undefined;
    }
  }
}

function grouped(files: readonly string[], keyOf: (file: string) => string): ReadonlyMap<string, readonly string[]> {
  const groups = new Map<string, string[]>();
  for (const file of files) {
    const key = keyOf(file);
    const group = groups.get(key);
    if (group) group.push(file);
    else groups.set(key, [file]);
  }
  return groups;
}
