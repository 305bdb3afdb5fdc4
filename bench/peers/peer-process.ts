/** @file A peer in a process of its own, asked one thing at a time. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { PeerAnswer, PeerRequest } from './serve-peer.ts';

/** Names of all peers, in the order they take turns. */
export const PEERS = ['inkwash', 'pytorch-eager', 'pytorch-channels_last', 'pytorch-compile', 'jax-js'] as const;
export type PeerName = (typeof PEERS)[number];

function pathOf(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
}

/** The line of a stack trace that says what went wrong. */
function errorIn(stderr: string): string {
  const lines = stderr.trim().split('\n');
  return lines.findLast((line) => /^\w*Error\b/.test(line)) ?? (lines.at(-1) || 'the process ended');
}

function startPeer(name: PeerName): ChildProcessWithoutNullStreams {
  if (!name.startsWith('pytorch-')) {
    return spawn(process.execPath, ['--import', 'tsx', pathOf(`${name}.ts`)]);
  }
  const python = process.env.INKWASH_PYTHON ?? 'python3';
  // a forced core type would slow OpenBLAS down
  const { OPENBLAS_CORETYPE: _, ...env } = process.env;
  return spawn(python, [pathOf('pytorch.py'), name.slice('pytorch-'.length)], { env });
}

/** A running peer. */
export class PeerProcess {
  readonly name: PeerName;
  readonly title: string;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #answers: AsyncIterator<string>;
  readonly #stderr: string[];
  #stopped: string | undefined;

  /** Starts `name`. Throws when it cannot start, with what it wrote on stderr. */
  static async start(name: PeerName): Promise<PeerProcess> {
    const child = startPeer(name);
    const failed = new Promise<never>((_, reject) => child.once('error', reject));
    const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const stderr: string[] = [];
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk.toString()));
    const first = await Promise.race([answers.next(), failed]);
    if (first.done) throw new Error(errorIn(stderr.join('')));
    const { title = name } = JSON.parse(first.value) as PeerAnswer;
    return new PeerProcess(name, title, child, answers, stderr);
  }

  private constructor(
    name: PeerName,
    title: string,
    child: ChildProcessWithoutNullStreams,
    answers: AsyncIterator<string>,
    stderr: string[],
  ) {
    this.name = name;
    this.title = title;
    this.#child = child;
    this.#answers = answers;
    this.#stderr = stderr;
  }

  /** Asks and waits, at most `limitSeconds`. Throws what the peer reports, or when it has ended or is ended for its slowness. */
  async ask(request: PeerRequest, limitSeconds: number): Promise<PeerAnswer> {
    if (this.#stopped !== undefined) throw new Error(this.#stopped);
    this.#stderr.length = 0;
    this.#child.stdin.write(`${JSON.stringify(request)}\n`);
    const limit = setTimeout(() => this.stop(`no answer in ${limitSeconds} s`), limitSeconds * 1000);
    const { done, value } = await this.#answers.next();
    clearTimeout(limit);
    if (done) throw new Error(this.#stopped ?? errorIn(this.#stderr.join('')));
    const answer = JSON.parse(value) as PeerAnswer;
    if (answer.error !== undefined) throw new Error(answer.error);
    return answer;
  }

  /** Ends the process; later questions throw `reason`. */
  stop(reason?: string): void {
    if (reason !== undefined) this.#stopped = reason;
    this.#child.stdin.end();
    this.#child.kill();
  }
}
