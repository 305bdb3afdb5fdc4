/** @file A peer in a process of its own, asked one thing at a time. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { PeerCommand } from './peers.ts';
import type { PeerAnswer, PeerRequest } from './serve-peer.ts';

/** How long a peer may take to say that it has started, or that it has heard a question. Work itself may take longer. */
const SILENCE_SECONDS = 50;

/** The line of a stack trace that says what went wrong. */
function errorIn(stderr: string): string {
  const lines = stderr.trim().split('\n');
  return lines.findLast((line) => /^\w*Error\b/.test(line)) ?? (lines.at(-1) || 'the process ended');
}

/** A running peer. */
export class PeerProcess {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #answers: AsyncIterator<string>;
  readonly #stderr: string[] = [];
  readonly #silenceSeconds: number;
  #title = '';
  #stopped: string | undefined;

  /** Starts a peer. Throws when it cannot start, with what it wrote on stderr, or says nothing for `silenceSeconds`. */
  static async start(
    { command, args, env = process.env }: PeerCommand,
    { silenceSeconds = SILENCE_SECONDS }: { readonly silenceSeconds?: number } = {},
  ): Promise<PeerProcess> {
    const peer = new PeerProcess(spawn(command, args, { env }), silenceSeconds);
    peer.#title = (await peer.#next(silenceSeconds, 'it has not started')).title ?? command;
    return peer;
  }

  private constructor(child: ChildProcessWithoutNullStreams, silenceSeconds: number) {
    this.#child = child;
    this.#silenceSeconds = silenceSeconds;
    this.#answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    child.stderr.on('data', (chunk: Buffer) => this.#stderr.push(chunk.toString()));
    child.on('error', (error) => this.stop(error.message));
    // a peer that has ended is noticed when its answer is awaited
    child.stdin.on('error', () => undefined);
  }

  /** Name and version, for people. */
  get title(): string {
    return this.#title;
  }

  /** Asks and waits, at most `limitSeconds`. Throws what the peer reports, or when it has ended or is ended for its silence. */
  async ask(request: PeerRequest, limitSeconds: number): Promise<PeerAnswer> {
    if (this.#stopped !== undefined) throw new Error(this.#stopped);
    this.#stderr.length = 0;
    this.#child.stdin.write(`${JSON.stringify(request)}\n`);
    await this.#next(this.#silenceSeconds, 'it has not heard the question');
    return this.#next(limitSeconds, 'it is still at work');
  }

  /** The most memory that the process has held at once, in bytes; undefined where the system does not tell. */
  peakBytes(): number | undefined {
    try {
      const status = readFileSync(`/proc/${this.#child.pid}/status`, 'utf8');
      return 1024 * Number(/^VmHWM:\s*(\d+) kB$/m.exec(status)![1]);
    } catch {
      return undefined;
    }
  }

  /** Ends the process; later questions throw `reason`. */
  stop(reason = 'it was stopped'): void {
    this.#stopped ??= reason;
    this.#child.stdin.end();
    this.#child.kill();
  }

  async #next(limitSeconds: number, problem: string): Promise<PeerAnswer> {
    let limit: NodeJS.Timeout | undefined;
    // not left to the end of its output, which a child of its own may hold open
    const silent = new Promise<never>((_, reject) => {
      limit = setTimeout(() => {
        this.stop(`no answer in ${limitSeconds} s: ${problem}`);
        reject(new Error(this.#stopped));
      }, limitSeconds * 1000);
    });
    const { done, value } = await Promise.race([this.#answers.next(), silent]).finally(() => clearTimeout(limit));
    if (done) throw new Error(this.#stopped ?? errorIn(this.#stderr.join('')));
    const answer = JSON.parse(value) as PeerAnswer;
    if (answer.error !== undefined) throw new Error(answer.error);
    return answer;
  }
}
