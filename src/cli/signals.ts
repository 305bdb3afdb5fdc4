/** @file Ctrl-C and its kin: the first asks for a clean stop, a later Ctrl-C ends the process at once. */
import { constants } from 'node:os';

/** Signals that ask to stop: typed, sent by a system that shuts down, and by a terminal that closes. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** One Ctrl-C may arrive twice: from the terminal, and passed on by npm. Milliseconds. */
const SAME = 300;

/** Thrown by work that was stopped by a signal. */
export class Interrupted extends Error {
  /** What shells expect: 130 for Ctrl-C, 143 for SIGTERM, 129 for SIGHUP. */
  readonly exitCode: number;

  constructor(signal: (typeof SIGNALS)[number]) {
    super(`stopped by ${signal}`);
    this.name = 'AbortError';
    this.exitCode = 128 + constants.signals[signal];
  }
}

/** Exit code of a process whose terminal was closed. */
const HUNG_UP = 128 + constants.signals.SIGHUP;

/**
 * Ends the process by SIGHUP itself where `exitCode` is that of a terminal that was closed: shells see the same 129, and
 * Node, which aborts when it cannot reset a terminal that is gone, does not try.
 */
export function hangUp(exitCode: number): void {
  const { stdin, stdout, stderr } = process;
  const hadTerminal = [stdin, stdout, stderr].some((stream) => stream.isTTY);
  if (exitCode === HUNG_UP && hadTerminal && process.platform !== 'win32') process.kill(process.pid, 'SIGHUP');
}

/** A clean stop that was, or was not, asked for. */
export interface StopRequest {
  /** Its reason is an `Interrupted`. */
  readonly signal: AbortSignal;
  /** Why it stopped; undefined as long as nothing asked for it. */
  readonly interrupted: Interrupted | undefined;
  /** Gives the signals their usual meaning back. */
  release(): void;
}

/** Options of `stopOnSignals`. */
export interface StopOptions {
  /** Called with 1 at the first request, and with 2, 3 … when Ctrl-C is typed again. */
  readonly onRequest: (times: number) => void;
  /** Ctrl-C is typed this often to end the process at once. Default 2. */
  readonly patience?: number;
}

/** Listens for the signals that ask to stop. */
export function stopOnSignals({ onRequest, patience = 2 }: StopOptions): StopRequest {
  const controller = new AbortController();
  let interrupted: Interrupted | undefined;
  let times = 0;
  let last = Number.NEGATIVE_INFINITY;
  const stop = (signal: (typeof SIGNALS)[number]): void => {
    const again = interrupted !== undefined;
    // a system that shuts down may say so twice; only people lose patience
    if (again && (signal !== 'SIGINT' || performance.now() - last < SAME)) return;
    last = performance.now();
    times++;
    interrupted ??= new Interrupted(signal);
    if (times >= patience) process.exit(interrupted.exitCode);
    onRequest(times);
    controller.abort(interrupted);
  };
  for (const name of SIGNALS) process.on(name, stop);
  return {
    signal: controller.signal,
    get interrupted() {
      return interrupted;
    },
    release() {
      for (const name of SIGNALS) process.off(name, stop);
    },
  };
}
