/**
 * @file What a solver costs beside the network it calls: its own arithmetic as a share of a sampling step.
 *
 * `npx tsx bench/solver-arithmetic.ts` samples 64 pictures of 16×16×3 with the U-Net of the `avatars` preset, weights as
 * initialised (arithmetic does not depend on them), once with every solver. The time inside the network is taken off the
 * time of the run; what is left is noise, grids, clipping and updates. Exits 1 when a solver takes 2 % or more.
 */
import { performance } from 'node:perf_hooks';
import {
  fromSchedulerConfig,
  type Network,
  perSampleNoise,
  SOLVER_NAMES,
  schedulerForSolver,
} from '../src/diffusion/gaussian/index.ts';
import { compileNetwork, UNet2DModel } from '../src/models/index.ts';
import { nodeEngine } from '../src/runtime/index.node.ts';
import { parseTrainingConfig, trainingScheduler, unetPreset } from '../src/training/index.ts';
import { median } from './statistics.ts';

const BATCH = 64;
const SHAPE = [3, 16, 16] as const;
const STEPS = 10;
const LIMIT = 0.02;

const sampleSize = SHAPE[0] * SHAPE[1] * SHAPE[2];
const scheduler = trainingScheduler(parseTrainingConfig({ data: { spec: 'avatars' }, steps: 1 }));
const engine = await nodeEngine();
const unet = UNet2DModel.fromConfig(unetPreset({ imageShape: SHAPE }));
const program = await compileNetwork(engine, unet, { batchSize: BATCH, shape: SHAPE });

let inside = 0;
let calls = 0;
const inner = program.network();
const network: Network = async (x, point) => {
  const began = performance.now();
  const output = await inner(x, point);
  inside += performance.now() - began;
  calls++;
  return output;
};

/** One run: milliseconds of network and of everything else, per step. */
async function measure(solver: string): Promise<{ network: number; arithmetic: number }> {
  const plan = fromSchedulerConfig(schedulerForSolver(scheduler, solver));
  const seeds = Array.from({ length: BATCH }, (_, i) => i);
  const noise = perSampleNoise('philox', seeds);
  const grid = plan.grid({ steps: STEPS });
  const scale = plan.initialScale(grid);
  const start = noise(BATCH * sampleSize, -1).map((value: number) => value * scale);
  [inside, calls] = [0, 0];
  const began = performance.now();
  await plan.solve(plan.denoiser(network, { sampleSize }), start, grid, { noise });
  const total = performance.now() - began;
  if (calls !== plan.evaluations(grid)) {
    throw new Error(`${solver} ran the network ${calls} times, its plan says ${plan.evaluations(grid)}`);
  }
  return { network: inside / STEPS, arithmetic: (total - inside) / STEPS };
}

await measure('dpm++2m');
let worst = 0;
console.log(
  `${BATCH} pictures of ${SHAPE.join('×')}, ${unet.parameterCount()} parameters, ${STEPS} steps, ${process.version}`,
);
console.log('solver           network ms/step   arithmetic ms/step   share');
for (const solver of SOLVER_NAMES) {
  const runs = [];
  for (let i = 0; i < 3; i++) runs.push(await measure(solver));
  const [net, arithmetic] = [median(runs.map((run) => run.network)), median(runs.map((run) => run.arithmetic))];
  const share = arithmetic / (net + arithmetic);
  worst = Math.max(worst, share);
  console.log(
    `${solver.padEnd(16)} ${net.toFixed(1).padStart(15)}   ${arithmetic.toFixed(2).padStart(18)}   ${(100 * share).toFixed(2)} %`,
  );
}
await engine.dispose();
console.log(`at most ${(100 * worst).toFixed(2)} % of a step is the solver's own (limit ${100 * LIMIT} %)`);
process.exitCode = worst < LIMIT ? 0 : 1;
