/**
 * @file `npm run bench:peers`: the same work here, in PyTorch and in jax-js, taking turns in one run.
 *
 *   INKWASH_PYTHON=venv/bin/python npm run bench:peers -- [--only unet] [--peers inkwash,pytorch-eager] [--runs 10] [--limit 600] [--json]
 *
 * Python needs `pip install -r bench/peers/requirements.txt`. Every peer is a process that sleeps while another works; in
 * every round each runs two steps, of which the second counts, in turns that rotate, so that a busy machine is unfair to nobody. Read the ratios.
 * torch.compile takes minutes for each work; a peer that does not answer in `--limit` seconds is left out from there on.
 */
import { cpus } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { PEERS, type PeerName, PeerProcess } from './peers/peer-process.ts';
import { formatMs, median, table } from './statistics.ts';
import { selectWorks, type Work } from './works.ts';

const WARM_UP = 2;
/** Threads of a parallel region go on waiting actively for a while after it (libgomp, ONNX Runtime); long enough for all. */
const SETTLE_MS = 300;

/** Times of every peer that can do the work. */
async function measure(
  work: Work,
  peers: readonly PeerProcess[],
  { runs, limit }: { readonly runs: number; readonly limit: number },
): Promise<Map<PeerProcess, number[]>> {
  const times = new Map<PeerProcess, number[]>();
  const drop = (peer: PeerProcess, error: unknown): void => {
    times.delete(peer);
    process.stderr.write(`  ${peer.name}: ${(error as Error).message}\n`);
  };
  for (const peer of peers) {
    const began = performance.now();
    try {
      await peer.ask({ type: 'prepare', work }, limit);
      for (let run = 0; run < WARM_UP; run++) await peer.ask({ type: 'run' }, limit);
      times.set(peer, []);
      process.stderr.write(`  ${peer.name} is ready after ${((performance.now() - began) / 1000).toFixed(1)} s\n`);
    } catch (error) {
      drop(peer, error);
    }
  }
  for (let run = 0; run < runs; run++) {
    const turns = [...times.keys()];
    const order = turns.map((_, i) => turns[(i + run) % turns.length]!);
    for (const peer of order) {
      await sleep(SETTLE_MS);
      try {
        // steps follow each other in real work: the first after a rest finds cold caches and is not counted
        await peer.ask({ type: 'run' }, limit);
        times.get(peer)!.push((await peer.ask({ type: 'run' }, limit)).ms!);
      } catch (error) {
        drop(peer, error);
      }
    }
  }
  for (const peer of peers) await peer.ask({ type: 'release' }, limit).catch(() => undefined);
  return times;
}

async function startPeers(names: readonly PeerName[]): Promise<PeerProcess[]> {
  const peers: PeerProcess[] = [];
  for (const name of names) {
    try {
      const peer = await PeerProcess.start(name);
      process.stderr.write(`${name}: ${peer.title}\n`);
      peers.push(peer);
    } catch (error) {
      process.stderr.write(`${name} is not available: ${(error as Error).message}\n`);
    }
  }
  return peers;
}

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    peers: { type: 'string', default: PEERS.join(',') },
    runs: { type: 'string', default: '10' },
    limit: { type: 'string', default: '600' },
    json: { type: 'boolean', default: false },
  },
});
const wanted = values.peers.split(',').filter(Boolean);
const unknown = wanted.find((name) => !(PEERS as readonly string[]).includes(name));
if (unknown !== undefined) throw new Error(`there is no peer '${unknown}'; the peers are: ${PEERS.join(', ')}`);
process.stderr.write(`Node ${process.versions.node}, ${cpus().length} × ${cpus()[0]?.model.trim()}\n`);
const peers = await startPeers(wanted as PeerName[]);
const rows: string[][] = [];
for (const work of selectWorks(values.only.split(',').filter(Boolean))) {
  process.stderr.write(`${work.name} …\n`);
  const times = await measure(work, peers, { runs: Number(values.runs), limit: Number(values.limit) });
  const own = [...times].find(([{ name }]) => name === 'inkwash')?.[1];
  const medians = Object.fromEntries([...times].map(([{ name }, all]) => [name, median(all)]));
  if (values.json)
    console.log(
      JSON.stringify({
        work: work.name,
        medians,
        times: Object.fromEntries([...times].map(([{ name }, all]) => [name, all])),
      }),
    );
  rows.push([
    work.name,
    ...peers.map(({ name }) => {
      const ms = medians[name];
      if (ms === undefined) return '-';
      return name === 'inkwash' || !own ? formatMs(ms) : `${formatMs(ms)} (${(ms / median(own)).toFixed(2)}×)`;
    }),
  ]);
}
for (const peer of peers) peer.stop();
const note = 'medians in ms; in brackets, how many times as long as inkwash takes';
if (!values.json) console.log(`${table([['work', ...peers.map(({ name }) => name)], ...rows])}\n${note}`);
