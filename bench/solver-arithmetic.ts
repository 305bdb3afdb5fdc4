/**
 * @file What a solver costs beside the network it calls: its own arithmetic as a share of a sampling step.
 *
 * `npx tsx bench/solver-arithmetic.ts` samples 64 pictures as the `avatars` preset does, with its U-Net, classes and
 * guidance (two runs of the network a step), weights as initialised (arithmetic does not depend on them), with every
 * solver. The time inside the network, and that of drawing random numbers, is taken off the time of the run; what is
 * left is guidance, clipping, checks and updates. Exits 1 when that is 2 % of a step or more.
 */
import { performance } from 'node:perf_hooks';
import {
  fromSchedulerConfig,
  guidedByClass,
  type Network,
  type NoiseSource,
  perSampleNoise,
  SOLVER_NAMES,
  schedulerForSolver,
} from '../src/diffusion/gaussian/index.ts';
import { compileNetwork, UNet2DModel } from '../src/models/index.ts';
import { nodeEngine } from '../src/runtime/index.node.ts';
import { resolveConfig, trainingScheduler } from '../src/training/index.ts';
import { median, table } from './statistics.ts';

const BATCH = 64;
const SHAPE = [3, 16, 16] as const;
const STEPS = 10;
const ROUNDS = 5;
const LIMIT = 0.02;

const sampleSize = SHAPE[0] * SHAPE[1] * SHAPE[2];
const CLASSES = 135;
const config = resolveConfig({ data: 'avatars' }, { imageShape: SHAPE, count: 4096, classNames: undefined });
const scheduler = trainingScheduler(config);
const engine = await nodeEngine();
const unet = UNet2DModel.fromConfig({ ...config.model, num_class_embeds: CLASSES + 1 });
const program = await compileNetwork(engine, unet, { batchSize: BATCH, shape: SHAPE, labels: true });

let inside = 0;
let calls = 0;
/** The network for these classes, timed. */
const timed = (classes: readonly number[]): Network => {
  const inner = program.network(classes);
  return async (x, point) => {
    const began = performance.now();
    const output = await inner(x, point);
    inside += performance.now() - began;
    calls++;
    return output;
  };
};
const network = guidedByClass(timed, {
  labels: Array.from({ length: BATCH }, (_, i) => i),
  nullLabel: CLASSES,
  scale: config.sampling.guidance,
});

/** Milliseconds per step of one run. */
interface Cost {
  readonly network: number;
  readonly noise: number;
  readonly arithmetic: number;
}

async function measure(solver: string): Promise<Cost> {
  const plan = fromSchedulerConfig(schedulerForSolver(scheduler, solver));
  const source = perSampleNoise(
    'philox',
    Array.from({ length: BATCH }, (_, i) => i),
  );
  let drawing = 0;
  const noise: NoiseSource = (length, step) => {
    const began = performance.now();
    const drawn = source(length, step);
    drawing += performance.now() - began;
    return drawn;
  };
  const grid = plan.grid({ steps: STEPS });
  const scale = plan.initialScale(grid);
  const start = source(BATCH * sampleSize, -1).map((value: number) => value * scale);
  [inside, calls] = [0, 0];
  const began = performance.now();
  await plan.solve(plan.denoiser(network, { sampleSize }), start, grid, { noise });
  const total = performance.now() - began;
  if (calls !== 2 * plan.evaluations(grid)) {
    throw new Error(`${solver} ran the network ${calls} times, its plan says twice ${plan.evaluations(grid)}`);
  }
  return { network: inside / STEPS, noise: drawing / STEPS, arithmetic: (total - inside - drawing) / STEPS };
}

const share = (part: number, { network, noise, arithmetic }: Cost): string =>
  `${((100 * part) / (network + noise + arithmetic)).toFixed(2)} %`;

console.log(
  `${BATCH} pictures of ${SHAPE.join('×')}, ${unet.parameterCount()} parameters, ${STEPS} steps, ${process.version}`,
);
// round by round, so that a slow minute of the machine falls on all; the first round compiles the code of each solver
const runs = new Map(SOLVER_NAMES.map((solver) => [solver, [] as Cost[]]));
for (let round = 0; round <= ROUNDS; round++) {
  for (const [solver, costs] of runs) {
    const cost = await measure(solver);
    if (round > 0) costs.push(cost);
  }
}
const rows = [['solver', 'network ms/step', 'noise ms', 'share', 'arithmetic ms', 'share']];
let worst = 0;
for (const [solver, costs] of runs) {
  const of = (part: keyof Cost): number => median(costs.map((cost) => cost[part]));
  const cost = { network: of('network'), noise: of('noise'), arithmetic: of('arithmetic') };
  worst = Math.max(worst, cost.arithmetic / (cost.network + cost.noise + cost.arithmetic));
  rows.push([
    solver,
    cost.network.toFixed(1),
    cost.noise.toFixed(2),
    share(cost.noise, cost),
    cost.arithmetic.toFixed(2),
    share(cost.arithmetic, cost),
  ]);
}
await engine.dispose();
console.log(table(rows));
console.log(`at most ${(100 * worst).toFixed(2)} % of a step is the solver's arithmetic (limit ${100 * LIMIT} %)`);
process.exitCode = worst < LIMIT ? 0 : 1;
