/**
 * @file `npm run bench:profile`: where the time of a step goes, by ONNX op and by shape. The profiler slows small nodes down a little.
 *
 *   npm run bench:profile -- [--only unet/train/8] [--runs 5] [--top 25] [--threads 2] [--json]
 */
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { nodeEngine } from '../src/runtime/index.node.ts';
import { prepare } from './prepare.ts';
import { formatMs, median, table } from './statistics.ts';
import { type NodeTime, summarizeTrace, type TraceSummary } from './trace-summary.ts';
import { selectWorks, type Work } from './works.ts';

const WARM_UP = 2;

interface Profile extends TraceSummary {
  readonly work: string;
  /** A whole step as the caller sees it: inputs, the run, and updates applied after it. */
  readonly stepMs: number;
  /** Runs of the session in a step; everything else is of one. */
  readonly runsPerStep: number;
}

async function profile(work: Work, runs: number, threads: number | undefined): Promise<Profile> {
  const folder = await mkdtemp(join(tmpdir(), 'inkwash-profile-'));
  try {
    const engine = await nodeEngine({ profile: join(folder, 'trace'), ...(threads !== undefined && { threads }) });
    const prepared = await prepare(engine, work);
    const times: number[] = [];
    for (let run = 0; run < WARM_UP + runs; run++) {
      const began = performance.now();
      await prepared.run();
      times.push(performance.now() - began);
    }
    await prepared.dispose();
    await engine.dispose();
    const stepMs = median(times.slice(WARM_UP));
    const runsPerStep = prepared.programRuns;
    return {
      work: work.name,
      stepMs,
      runsPerStep,
      ...summarizeTrace(await largestFile(folder), WARM_UP * runsPerStep),
    };
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** The engine's own probes leave small traces too. */
async function largestFile(folder: string): Promise<string> {
  const sized = (await readdir(folder)).map(async (name) => {
    const path = join(folder, name);
    return { path, size: (await stat(path)).size };
  });
  const [largest] = (await Promise.all(sized)).sort((a, b) => b.size - a.size);
  if (!largest) throw new Error('ONNX Runtime wrote no profile');
  return readFile(largest.path, 'utf8');
}

function rowsOf(heading: string, times: readonly NodeTime[], total: number): string {
  const rows = times.map(({ key, count, ms, flops }) => [
    key,
    String(count),
    formatMs(ms),
    `${((100 * ms) / total).toFixed(1)} %`,
    flops > 0 ? (flops / ms / 1e6).toFixed(0) : '',
  ]);
  return table([[heading, 'nodes', 'ms', 'of run', 'GFLOP/s'], ...rows]);
}

function print(
  { work, stepMs, runsPerStep, runMs, betweenNodesMs, sessionCreationMs, byOp, byShape }: Profile,
  top: number,
): void {
  const runs = runsPerStep === 1 ? '' : `, ${runsPerStep} runs of the session`;
  console.log(`\n${work}: ${formatMs(stepMs)} ms a step${runs}`);
  console.log(
    `  the session's run         ${formatMs(runMs)} ms, of which between nodes ${formatMs(betweenNodesMs)} ms`,
  );
  console.log(`  inputs and updates        ${formatMs(stepMs - runsPerStep * runMs)} ms`);
  console.log(`  session creation, once    ${formatMs(sessionCreationMs)} ms\n`);
  console.log(rowsOf('op', byOp.slice(0, top), runMs));
  console.log(`\n${rowsOf('op and shapes', byShape.slice(0, top), runMs)}`);
}

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: 'unet/train/8' },
    runs: { type: 'string', default: '5' },
    top: { type: 'string', default: '25' },
    threads: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});
for (const work of selectWorks(values.only.split(',').filter(Boolean))) {
  const result = await profile(work, Number(values.runs), values.threads ? Number(values.threads) : undefined);
  if (values.json) console.log(JSON.stringify(result));
  else print(result, Number(values.top));
}
