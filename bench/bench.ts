/**
 * @file `npm run bench`: how long a training step and a sampling step take here.
 *
 *   npm run bench -- [--only unet/train,avatars] [--runs 10] [--threads 2] [--json]
 *
 * Works that need gigabytes run only when `--only` names them.
 */
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { nodeEngine } from '../src/runtime/index.node.ts';
import { prepare } from './prepare.ts';
import { formatMs, median, table } from './statistics.ts';
import { selectWorks, type Work } from './works.ts';

interface Measurement {
  readonly work: string;
  readonly medianMs: number;
  readonly minMs: number;
  /** Tracing, gradients, lowering and session creation. */
  readonly compileMs: number;
  /** Convolution arithmetic of one run divided by the time of the whole run, in 10⁹ operations a second. */
  readonly convGflops: number;
  readonly rssMb: number;
  readonly variablesMb: number;
  readonly plannedActivationsMb: number;
}

const WARM_UP = 2;

async function measure(work: Work, runs: number, threads: number | undefined): Promise<Measurement> {
  // an engine each, so that memory is what this work needs
  const engine = await nodeEngine(threads === undefined ? {} : { threads });
  const prepared = await prepare(engine, work);
  const times: number[] = [];
  let rss = 0;
  for (let run = -WARM_UP; run < runs; run++) {
    const began = performance.now();
    const value = await prepared.run();
    if (run >= 0) times.push(performance.now() - began);
    if (!Number.isFinite(value)) throw new Error(`${work.name} computed ${value}`);
    rss = Math.max(rss, process.memoryUsage.rss());
  }
  await prepared.dispose();
  await engine.dispose();
  const { compileMs, convFlops, memory } = prepared;
  const medianMs = median(times);
  return {
    work: work.name,
    medianMs,
    minMs: Math.min(...times),
    compileMs,
    convGflops: convFlops / medianMs / 1e6,
    rssMb: rss / 1e6,
    variablesMb: memory.variables / 1e6,
    plannedActivationsMb: memory.activations / 1e6,
  };
}

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    runs: { type: 'string', default: '10' },
    threads: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});
const only = values.only.split(',').filter(Boolean);
const works = selectWorks(only).filter(({ alone }) => only.length > 0 || !alone);
const header = ['work', 'median ms', 'min ms', 'conv GFLOP/s', 'compile ms', 'RSS MB', 'variables', 'activations'];
const rows: string[][] = [header];
process.stderr.write(`Node ${process.versions.node}, ${cpus().length} × ${cpus()[0]?.model.trim()}\n`);
for (const work of works) {
  process.stderr.write(`${work.name} …\n`);
  const result = await measure(work, Number(values.runs), values.threads ? Number(values.threads) : undefined);
  if (values.json) console.log(JSON.stringify(result));
  const { medianMs, minMs, convGflops, compileMs, rssMb, variablesMb, plannedActivationsMb } = result;
  const rest = [convGflops, compileMs, rssMb, variablesMb, plannedActivationsMb];
  rows.push([work.name, formatMs(medianMs), formatMs(minMs), ...rest.map((value) => value.toFixed(0))]);
}
if (!values.json) console.log(table(rows));
