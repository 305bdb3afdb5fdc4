/** @file A peer's side of the conversation: JSON lines on stdin and stdout. While nobody asks, the process sleeps. */
import { createInterface } from 'node:readline';
import type { Work } from '../works.ts';

/** What the parent asks for. `run` does the prepared work once and answers how long it took. */
export type PeerRequest =
  | { readonly type: 'prepare'; readonly work: Work }
  | { readonly type: 'run' }
  | { readonly type: 'release' };

/** The answers; the first line of a peer, unasked, is `{ title }`. */
export interface PeerAnswer {
  readonly title?: string;
  readonly ms?: number;
  readonly error?: string;
}

/** How a peer written in TypeScript does its work. */
export interface Peer {
  /** Name and version, for people. */
  readonly title: string;
  /** Makes the work ready; throws when this peer cannot do it. The returned function does it once. */
  prepare(work: Work): Promise<{ run(): Promise<unknown>; release(): Promise<void> }>;
}

/** Serves `peer` until stdin ends. */
export async function servePeer(peer: Peer): Promise<void> {
  const answer = (message: PeerAnswer): boolean => process.stdout.write(`${JSON.stringify(message)}\n`);
  let prepared: Awaited<ReturnType<Peer['prepare']>> | undefined;
  answer({ title: peer.title });
  for await (const line of createInterface({ input: process.stdin })) {
    const request = JSON.parse(line) as PeerRequest;
    try {
      if (request.type === 'prepare') {
        prepared = await peer.prepare(request.work);
        answer({});
      } else if (request.type === 'run') {
        const began = performance.now();
        await prepared!.run();
        answer({ ms: performance.now() - began });
      } else {
        await prepared?.release();
        prepared = undefined;
        answer({});
      }
    } catch (error) {
      answer({ error: (error instanceof Error ? error.message : String(error)).split('\n')[0]! });
    }
  }
}
