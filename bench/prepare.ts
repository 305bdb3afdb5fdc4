/** @file Compiles a work for an engine. */
import { gradients } from '../src/autodiff/index.ts';
import { conv, type Graph, input, type Tensor, Variable } from '../src/graph/index.ts';
import { compileNetwork, evenBatch, UNet2DModel } from '../src/models/index.ts';
import type { Engine, MemoryPlan, Program } from '../src/runtime/index.ts';
import { fillNormal, type NdArray, ndArray, sizeOf } from '../src/tensor/index.ts';
import { AdamW, compileTrainStep, Ema } from '../src/training/index.ts';
import { convolutionFlops } from './conv-flops.ts';
import { CONV_CHAIN, type Work } from './works.ts';

/** A work ready to run. */
export interface PreparedWork {
  /** Trace, gradients, simplification, lowering and session creation, in milliseconds. */
  readonly compileMs: number;
  /** Floating-point operations of the convolutions of one run. */
  readonly convFlops: number;
  readonly memory: MemoryPlan;
  /** Runs of the program that doing it once takes. */
  readonly programRuns: number;
  /** Does it once; resolves to the loss, or the first element of the output. */
  run(): Promise<number>;
  dispose(): Promise<void>;
}

function normal(shape: readonly number[], draw: number, scale = 1): NdArray {
  const data = fillNormal(new Float32Array(sizeOf(shape)), { seed: 0, draw });
  return ndArray(
    data.map((value) => value * scale),
    shape,
  );
}

/** Compiles `work`. */
export async function prepare(engine: Engine, work: Work): Promise<PreparedWork> {
  const graphs: Graph[] = [];
  const recording: Engine = {
    name: engine.name,
    async compile(body, options) {
      const program = await engine.compile(body, options);
      graphs.push(program.graph);
      return program;
    },
    read: (variable) => engine.read(variable),
    write: (variable, value) => engine.write(variable, value),
    dispose: () => engine.dispose(),
  };
  const prepared = await compilers[work.kind](recording, work);
  const flops = graphs.reduce((total, graph) => total + convolutionFlops(graph), 0);
  const programRuns = work.kind === 'sample' ? Math.ceil(work.batch / evenBatch(work.batch)) : 1;
  return { ...prepared, programRuns, convFlops: programRuns * flops };
}

type Compiled = Omit<PreparedWork, 'convFlops' | 'programRuns'>;

async function trainStep(
  engine: Engine,
  { network, shape, batch, optimizer, clip, emaDecay }: Work,
): Promise<Compiled> {
  const model = UNet2DModel.fromConfig(network!);
  const images = [batch, ...shape];
  const { learningRate, betas, weightDecay } = optimizer;
  const began = performance.now();
  const step = await compileTrainStep(engine, {
    optimizer: new AdamW(model.parameters(), { betas, weightDecay }),
    loss: () =>
      model
        .forward(input('x', images), input('t', [batch]))
        .sub(input('y', images))
        .square()
        .mean(),
    ...(emaDecay !== null && { ema: new Ema(model.parameters()) }),
    ...(clip !== null && { gradientClip: clip }),
  });
  const compileMs = performance.now() - began;
  const inputs = { x: normal(images, 0), y: normal(images, 1), t: times(batch) };
  let runs = 0;
  return {
    compileMs,
    memory: step.memory,
    async run() {
      const { loss } = await step.run([inputs], { learningRate, emaDecay: emaDecay ?? 0, seed: 0, step: runs++ });
      return loss;
    },
    dispose: () => step.dispose(),
  };
}

/** One evaluation of the network, which is what a solver's step costs, in the batches that pipelines run. */
async function samplingStep(engine: Engine, { network, shape, batch }: Work): Promise<Compiled> {
  const model = UNet2DModel.fromConfig(network!);
  const began = performance.now();
  const program = await compileNetwork(engine, model, { batchSize: evenBatch(batch), shape });
  const compileMs = performance.now() - began;
  const { data } = normal([batch, ...shape], 0);
  return {
    compileMs,
    memory: program.memory,
    run: async () => (await program.predict(data as Float32Array, 500))[0]!,
    dispose: () => program.dispose(),
  };
}

async function convolutionStep(engine: Engine, work: Work): Promise<Compiled> {
  const began = performance.now();
  // the gradient is with respect to weights that change, so it cannot have them baked in
  const program: Program = await engine.compile(convolutions(work), {
    freeze: work.kind === 'convs-forward',
    name: work.name,
  });
  const compileMs = performance.now() - began;
  const inputs = { x: normal([work.batch, ...work.shape], 0) };
  return {
    compileMs,
    memory: program.memory,
    async run() {
      const { output } = await program.run(inputs);
      return Number(output!.data[0]);
    },
    dispose: () => program.dispose(),
  };
}

const compilers: Readonly<Record<Work['kind'], (engine: Engine, work: Work) => Promise<Compiled>>> = {
  train: trainStep,
  sample: samplingStep,
  'convs-forward': convolutionStep,
  'convs-gradient': convolutionStep,
};

function convolutions({ kind, shape, batch }: Work): () => Record<string, Tensor> {
  const kernels = CONV_CHAIN.map(
    ({ from, to }, i) =>
      new Variable([to, from, 3, 3], {
        name: `kernel${i}`,
        initial: () => normal([to, from, 3, 3], i, 1 / Math.sqrt(9 * from)),
      }),
  );
  return () => {
    let x = input('x', [batch, ...shape]);
    CONV_CHAIN.forEach(({ stride }, i) => {
      x = conv(x, kernels[i]!.value, undefined, { stride, padding: 1 }).silu();
    });
    if (kind === 'convs-forward') return { output: x };
    const loss = x.square().mean();
    const all = gradients(loss, kernels).map((gradient, i) => [`gradient${i}`, gradient] as const);
    return { output: loss, ...Object.fromEntries(all) };
  };
}

function times(batch: number): NdArray {
  return ndArray(new Float32Array(batch).fill(500), [batch]);
}
