/** @file Ctrl-C: the first asks for a clean stop, the second ends the process at once. */

/** A signal that a clean stop was asked for. */
export interface StopRequest {
  readonly signal: AbortSignal;
  /** Gives Ctrl-C its usual meaning back. */
  release(): void;
}

/** Exit code of a process ended by Ctrl-C. */
export const INTERRUPTED = 130;

/** Listens for SIGINT and SIGTERM; `onStop` is called at the first. */
export function stopOnSignals(onStop: () => void): StopRequest {
  const controller = new AbortController();
  const stop = (): void => {
    if (controller.signal.aborted) process.exit(INTERRUPTED);
    onStop();
    controller.abort();
  };
  const names = ['SIGINT', 'SIGTERM'] as const;
  for (const name of names) process.on(name, stop);
  return {
    signal: controller.signal,
    release() {
      for (const name of names) process.off(name, stop);
    },
  };
}
