/** @file A file that stays open for reading as long as something may read it: replacing or deleting it changes nothing for the reader. */
import { closeSync, fstatSync, openSync, readSync, type Stats } from 'node:fs';
import { DataError } from '../tensor/index.ts';

const forgotten = new FinalizationRegistry((descriptor: number) => closeSync(descriptor));

/** Reads parts of a file, and notices when it was written to in its place. */
export class KeptFile {
  readonly #path: string;
  readonly #descriptor: number;
  readonly #state: string;

  /** Opens `path`, which was as `known` says, until nothing refers to this any more. Throws the system's error. */
  constructor(path: string, known: Stats) {
    this.#path = path;
    this.#descriptor = openSync(path, 'r');
    this.#state = stateOf(known);
    forgotten.register(this, this.#descriptor);
  }

  /** `length` bytes from `position`, in a buffer of their own. Throws `DataError` when the file is not what it was. */
  read(position: number, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    let at = 0;
    for (let read = 1; at < length && read > 0; at += read) {
      read = readSync(this.#descriptor, bytes, at, Math.min(length - at, 2 ** 30), position + at);
    }
    if (at < length || stateOf(fstatSync(this.#descriptor)) !== this.#state) {
      throw new DataError(`${this.#path} was changed after it was opened`, 'load the model again');
    }
    return bytes;
  }
}

function stateOf({ ino, size, mtimeMs }: Stats): string {
  return `${ino} ${size} ${mtimeMs}`;
}
