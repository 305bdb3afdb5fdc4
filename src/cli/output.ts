/** @file A stream to write to that may lose its reader: `| head` ends the output, never the work. */

/** What of a stream is used; `process.stdout` has it. */
export interface OutputStream {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  write(text: string): unknown;
  on(event: 'error', listener: (error: NodeJS.ErrnoException) => void): unknown;
  on(event: 'resize', listener: () => void): unknown;
}

/** Errors of a reader that has gone: a pipe that is closed, a terminal that is. */
const GONE = ['EPIPE', 'EIO', 'ECONNRESET', 'ENXIO', 'EBADF', 'ERR_STREAM_DESTROYED', 'ERR_STREAM_WRITE_AFTER_END'];

/** Writes to a stream until nobody reads it. */
export class Output {
  readonly #stream: OutputStream;
  #open = true;
  /** Why it could not be written while somebody may still read it, e.g. a full disk; undefined when all went well. */
  failure: string | undefined;

  constructor(stream: OutputStream) {
    this.#stream = stream;
    stream.on('error', (error) => this.#close(error));
  }

  write(text: string): void {
    if (!this.#open) return;
    try {
      this.#stream.write(text);
    } catch (error) {
      this.#close(error as NodeJS.ErrnoException);
    }
  }

  #close(error: NodeJS.ErrnoException): void {
    this.#open = false;
    if (!GONE.includes(error.code ?? '')) this.failure ??= error.message;
  }
}
