/** @file A peer's side of the conversation: JSON lines on stdin and stdout. While nobody asks, the process sleeps. */
import { createInterface } from 'node:readline';
import type { Work } from '../works.ts';

/** What the parent asks for, one `prepare` in a peer's life. `run` does the prepared work once and answers how long it took. */
export type PeerRequest = { readonly type: 'prepare'; readonly work: Work } | { readonly type: 'run' };

/** The answers. The first line of a peer, unasked, is `{ title }`; every question is answered by `{}` when heard, and when done. */
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
  prepare(work: Work): Promise<{ run(): Promise<unknown> }>;
}

/** Serves `peer` until stdin ends. */
export async function servePeer(peer: Peer): Promise<void> {
  const answer = (message: PeerAnswer): boolean => process.stdout.write(`${JSON.stringify(message)}\n`);
  let prepared: Awaited<ReturnType<Peer['prepare']>> | undefined;
  answer({ title: peer.title });
  for await (const line of createInterface({ input: process.stdin })) {
    const request = JSON.parse(line) as PeerRequest;
    answer({});
    try {
      if (request.type === 'prepare') {
        prepared = await peer.prepare(request.work);
        answer({});
      } else {
        const began = performance.now();
        await prepared!.run();
        answer({ ms: performance.now() - began });
      }
    } catch (error) {
      answer({ error: (error instanceof Error ? error.message : String(error)).split('\n')[0]! });
    }
  }
}
