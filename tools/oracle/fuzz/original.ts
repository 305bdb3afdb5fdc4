/** @file The original implementation in a Python process of its own, asked one configuration at a time (see `serve.py`). */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** What the original made of a configuration. */
export type OriginalAnswer<Answer> =
  | { readonly value: Answer; readonly error?: undefined }
  | { readonly error: string; readonly value?: undefined };

/** A running original. Python is `INKWASH_PYTHON`, with the packages of `tools/oracle/requirements.txt`. */
export class Original {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;
  #stderr = '';

  constructor(script: URL) {
    this.#child = spawn(process.env.INKWASH_PYTHON ?? 'python3', [fileURLToPath(script)]);
    this.#child.stderr.on('data', (chunk: Buffer) => {
      this.#stderr = (this.#stderr + chunk.toString()).slice(-4000);
    });
    this.#child.stdin.on('error', () => {});
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  /** Throws when the process has ended, with what it wrote on stderr. */
  async ask<Answer>(spec: unknown): Promise<OriginalAnswer<Answer>> {
    this.#child.stdin.write(`${JSON.stringify(spec)}\n`);
    const { done, value } = await this.#lines.next();
    if (done) throw new Error(`the original ended (set INKWASH_PYTHON to its Python):\n${this.#stderr}`);
    return JSON.parse(value) as OriginalAnswer<Answer>;
  }

  close(): void {
    this.#child.stdin.end();
  }
}
