/**
 * @file `npm run bench:peers`: the same work here, in PyTorch, OpenVINO and jax-js, taking turns in one run: times and peak memory.
 *
 *   INKWASH_PYTHON=venv/bin/python npm run bench:peers -- [--only unet] [--peers inkwash,pytorch-eager] [--runs 10] [--limit 600] [--json]
 *
 * Python needs `pip install -r bench/peers/requirements.txt`; what is missing there is left out, and so are bf16's peers on a
 * processor without bf16. Every peer does every work in a fresh process, which sleeps while another works; works of gigabytes are
 * done by one after the other. Read the ratios. torch.compile takes minutes for each work; a peer that says nothing is left out
 * within a minute, one that takes longer than `--limit` seconds for an answer then.
 */
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { type Measurement, measurePeers } from './peers/measure.ts';
import { PEER_NAMES, PEERS, type PeerName } from './peers/peers.ts';
import { formatMs, median, table } from './statistics.ts';
import { selectWorks } from './works.ts';

/** A row for each peer: its time, how many times as long as inkwash it takes, and the most memory it held. */
function rowsOf(measurements: ReadonlyMap<string, Measurement>): string[][] {
  const own = measurements.get('inkwash');
  return [...measurements].map(([name, { times, peakBytes }]) => [
    `  ${name}`,
    `${formatMs(median(times))} ms`,
    own && name !== 'inkwash' ? `${(median(times) / median(own.times)).toFixed(2)}×` : '',
    peakBytes === undefined ? '' : `${(peakBytes / 1e6).toFixed(0)} MB`,
  ]);
}

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    peers: { type: 'string', default: PEER_NAMES.join(',') },
    runs: { type: 'string', default: '10' },
    limit: { type: 'string', default: '600' },
    json: { type: 'boolean', default: false },
  },
});
const wanted = values.peers.split(',').filter(Boolean);
const unknown = wanted.find((name) => !(PEER_NAMES as readonly string[]).includes(name));
if (unknown !== undefined) throw new Error(`there is no peer '${unknown}'; the peers are: ${PEER_NAMES.join(', ')}`);
const peers = new Map((wanted as PeerName[]).map((name) => [name, PEERS[name]()]));
process.stderr.write(`Node ${process.versions.node}, ${cpus().length} × ${cpus()[0]?.model.trim()}\n`);
if (!values.json) console.log('medians; how many times as long as inkwash; peak memory of the process\n');
for (const work of selectWorks(values.only.split(',').filter(Boolean))) {
  process.stderr.write(`${work.name} …\n`);
  const measurements = await measurePeers(work, peers, {
    runs: Number(values.runs),
    limit: Number(values.limit),
    onNote: (note) => process.stderr.write(`  ${note}\n`),
  });
  if (values.json) console.log(JSON.stringify({ work: work.name, peers: Object.fromEntries(measurements) }));
  else console.log(`${work.name}\n${measurements.size > 0 ? table(rowsOf(measurements)) : '  nobody can do it'}\n`);
}
