/** @file Lets peers do a work in turns, each in a process of its own, and says how long it took them and how much memory. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Work } from '../works.ts';
import { PeerProcess } from './peer-process.ts';
import type { PeerCommand } from './peers.ts';

const WARM_UP = 2;
/** Threads of a parallel region go on waiting actively for a while after it (libgomp, ONNX Runtime); long enough for all. */
const SETTLE_MS = 300;
/** Rounds end early, after three or more, when they have taken this long. */
const ROUNDS_MS = 180_000;
const MIN_ROUNDS = 3;

/** What a peer needed for a work. */
export interface Measurement {
  readonly times: readonly number[];
  /** Peak memory of its process, making ready included. */
  readonly peakBytes: number | undefined;
}

export interface MeasureOptions {
  readonly runs: number;
  /** Seconds that a peer may take for one answer. */
  readonly limit: number;
  /** Told what happens, as it happens. */
  readonly onNote: (note: string) => void;
}

/**
 * Measures those peers that can do the work; the others are told of through `onNote`. In every round each runs two steps, of
 * which the second counts, in turns that rotate, so that a busy machine is unfair to nobody.
 */
export async function measurePeers(
  work: Work,
  peers: ReadonlyMap<string, PeerCommand>,
  options: MeasureOptions,
): Promise<Map<string, Measurement>> {
  if (!work.alone) return inTurns(work, peers, options);
  const all = new Map<string, Measurement>();
  for (const one of peers) {
    for (const [name, measurement] of await inTurns(work, new Map([one]), options)) all.set(name, measurement);
  }
  return all;
}

async function inTurns(
  work: Work,
  peers: ReadonlyMap<string, PeerCommand>,
  { runs, limit, onNote }: MeasureOptions,
): Promise<Map<string, Measurement>> {
  const ready = new Map<string, { readonly peer: PeerProcess; readonly times: number[] }>();
  const started: PeerProcess[] = [];
  try {
    for (const [name, command] of peers) {
      const began = performance.now();
      try {
        const peer = await PeerProcess.start(command);
        started.push(peer);
        await peer.ask({ type: 'prepare', work }, limit);
        for (let run = 0; run < WARM_UP; run++) await peer.ask({ type: 'run' }, limit);
        ready.set(name, { peer, times: [] });
        onNote(`${name}: ${peer.title} is ready after ${((performance.now() - began) / 1000).toFixed(1)} s`);
      } catch (error) {
        onNote(`${name} is left out: ${(error as Error).message}`);
      }
    }
    const began = performance.now();
    for (let run = 0; run < runs && (run < MIN_ROUNDS || performance.now() - began < ROUNDS_MS); run++) {
      const turns = [...ready];
      for (const [name, { peer, times }] of turns.map((_, i) => turns[(i + run) % turns.length]!)) {
        await sleep(SETTLE_MS);
        try {
          // steps follow each other in real work: the first after a rest finds cold caches and is not counted
          await peer.ask({ type: 'run' }, limit);
          times.push((await peer.ask({ type: 'run' }, limit)).ms!);
        } catch (error) {
          ready.delete(name);
          onNote(`${name} is left out: ${(error as Error).message}`);
        }
      }
    }
    return new Map([...ready].map(([name, { peer, times }]) => [name, { times, peakBytes: peer.peakBytes() }]));
  } finally {
    for (const peer of started) peer.stop();
  }
}
