/**
 * @file Random configurations of `UNet2DModel` beside diffusers: outputs and the gradients of all parameters.
 *
 *     INKWASH_PYTHON=venv/bin/python npm run fuzz:networks -- --seed 1 --count 500
 *
 * "Agrees" means: the network that diffusers saved (plain, half, in shards, averaged) gives the same output, in training,
 * with weights baked in, and exported to standard ONNX, and the same gradients, as diffusers does in float64 but for
 * rounding: 10⁻⁵ of the largest element (10⁻⁴ for gradients), or, where a network amplifies rounding, a few times the
 * distance of diffusers in float32. And what inkwash writes, diffusers loads and computes the same.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { gradients } from '../../../src/autodiff/index.ts';
import { openDiffusersComponent, parseSafetensors } from '../../../src/formats/index.node.ts';
import { input, type Tensor, trace } from '../../../src/graph/index.ts';
import { UNet2DModel } from '../../../src/models/index.ts';
import { loadParameters } from '../../../src/nn/index.ts';
import { DiffusionPipeline, exportOnnx, savePipeline } from '../../../src/pipelines/index.node.ts';
import { nodeEngine } from '../../../src/runtime/index.node.ts';
import { type Engine, referenceEngine } from '../../../src/runtime/index.ts';
import { InkwashError, type NdArray, ndArray, toFloat64 } from '../../../src/tensor/index.ts';
import { type Difference, runFuzz } from './fuzz.ts';
import { drawNetwork, type NetworkSpec } from './network-configs.ts';
import { NETWORK_DEPARTURES } from './network-departures.ts';

/** What diffusers says; its tensors lie in the folder. */
export interface NetworkAnswer {
  readonly finite: boolean;
  /** How far the output of a folder that inkwash wrote is from the saved one's, relative to the largest element. */
  readonly far?: number;
}

/** Outputs and gradients by name, of every way to compute them. */
export interface NetworkRun {
  readonly model: UNet2DModel;
  readonly inputs: Readonly<Record<string, NdArray>>;
  readonly values: ReadonlyMap<string, NdArray>;
}

const OUTPUT_BOUND = 1e-5;
const GRADIENT_BOUND = 1e-4;
/** How many times diffusers' own rounding may be exceeded. */
const AMPLIFIED = 4;

const folder = join(mkdtempSync(join(tmpdir(), 'inkwash-fuzz-')), 'network');
const written = join(folder, 'written');
const engine = await nodeEngine({ threads: 1 });

const readAnswer = (): ReadonlyMap<string, NdArray> =>
  parseSafetensors(readFileSync(join(folder, 'answer.safetensors'))).tensors;

async function open({ config }: NetworkSpec): Promise<UNet2DModel> {
  const saved = join(folder, 'unet');
  // without weights, whether the configuration is refused is still a question
  if (!existsSync(saved)) return UNet2DModel.fromConfig(config);
  const component = await openDiffusersComponent(saved);
  const model = UNet2DModel.fromConfig(component.config);
  const weights = await component.openWeights();
  await loadParameters(model, weights);
  await weights.close();
  return model;
}

function declare(inputs: NetworkRun['inputs'], name: string): Tensor | undefined {
  const array = inputs[name];
  return array && input(name, array.shape, array.dtype);
}

function output({ model, inputs }: Pick<NetworkRun, 'model' | 'inputs'>): Tensor {
  return model.forward(declare(inputs, 'sample')!, declare(inputs, 'timesteps')!, declare(inputs, 'labels'));
}

/** Output and gradients on one engine. */
async function differentiate(
  on: Engine,
  run: Pick<NetworkRun, 'model' | 'inputs'>,
  direction: NdArray,
): Promise<Map<string, NdArray>> {
  const trainable = [...run.model.namedParameters()].filter(([, parameter]) => parameter.trainable);
  const program = await on.compile(() => {
    const y = output(run);
    const along = input('direction', direction.shape);
    const all = gradients(
      y.mul(along).sum(),
      trainable.map(([, parameter]) => parameter),
    );
    return { output: y, ...Object.fromEntries(trainable.map(([key], i) => [`gradient.${key}`, all[i]!])) };
  });
  try {
    return new Map(Object.entries(await program.run({ ...run.inputs, direction })));
  } finally {
    await program.dispose();
  }
}

async function bakedIn(run: Pick<NetworkRun, 'model' | 'inputs'>): Promise<NdArray> {
  const program = await engine.compile(() => output(run), { freeze: true });
  try {
    return (await program.run(run.inputs)).output!;
  } finally {
    await program.dispose();
  }
}

async function runNetwork(spec: NetworkSpec): Promise<NetworkRun> {
  const model = await open(spec);
  if (!existsSync(join(folder, 'answer.safetensors'))) {
    const [batch, height, width] = spec.shape;
    const inputs = {
      sample: ndArray(new Float32Array(batch * model.config.in_channels * height * width), [
        batch,
        model.config.in_channels,
        height,
        width,
      ]),
      timesteps: ndArray(new Float32Array(batch), [batch]),
    };
    trace(() => output({ model, inputs }));
    return { model, inputs, values: new Map() };
  }
  const answer = readAnswer();
  const names = ['sample', 'timesteps', 'labels'].filter((name) => answer.has(name));
  const inputs = Object.fromEntries(names.map((name) => [name, answer.get(name)!]));
  const run = { model, inputs };
  if (spec.compare === 'files') return { ...run, values: new Map([['baked in', await bakedIn(run)]]) };
  const on = spec.compare === 'onnx' ? engine : referenceEngine();
  return { ...run, values: await differentiate(on, run, answer.get('direction')!) };
}

/** Largest distance, relative to the largest expected element or `floor`. */
function distance(actual: NdArray, expected: NdArray, floor = 0): number {
  const [a, b] = [toFloat64(actual), toFloat64(expected)];
  const scale = b.reduce((largest, value) => Math.max(largest, Math.abs(value)), floor);
  const worst = b.reduce((largest, value, i) => Math.max(largest, Math.abs(a[i]! - value)), 0);
  return worst === 0 ? 0 : worst / scale;
}

const largestOf = (array: NdArray): number =>
  toFloat64(array).reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);

/** Which values are farther from float64 than rounding explains, worst first. */
function beyondRounding(
  values: ReadonlyMap<string, NdArray>,
  answer: ReadonlyMap<string, NdArray>,
): { readonly name: string; readonly far: number; readonly own: number }[] {
  const largest = Math.max(
    ...[...values.keys()].filter(isGradient).map((key) => largestOf(answer.get(`exact.${key}`)!)),
  );
  return [...values]
    .map(([name, value]) => {
      const key = isGradient(name) ? name : 'output';
      const exact = answer.get(`exact.${key}`)!;
      // zero on paper (the bias of attention keys): what is left is rounding, as large as that of other gradients
      const floor = isGradient(name) && largestOf(exact) < 1e-9 * largest ? 1e-3 * largest : 0;
      const own = distance(answer.get(key)!, exact, floor);
      const bound = Math.max(isGradient(name) ? GRADIENT_BOUND : OUTPUT_BOUND, AMPLIFIED * own);
      return { name, far: distance(value, exact, floor), own, bound };
    })
    .filter(({ far, bound }) => !(far <= bound))
    .sort((a, b) => b.far - a.far);
}

const isGradient = (name: string): boolean => name.startsWith('gradient.');

async function compareNetworks(
  spec: NetworkSpec,
  here: NetworkRun,
  _answer: NetworkAnswer,
  again: (changed: NetworkSpec) => Promise<NetworkAnswer | undefined>,
): Promise<Difference | undefined> {
  const answer = readAnswer();
  const [worst] = beyondRounding(here.values, answer);
  if (worst !== undefined) {
    // whether the lowering is at fault, or the network; its times are as exact as float32
    const reference = await differentiate(referenceEngine(), here, answer.get('direction')!);
    const inFloat64 = beyondRounding(reference, answer)[0];
    return {
      cause: `${isGradient(worst.name) ? 'other gradients' : `another output, ${worst.name}`} (${inFloat64 ? 'in float64 too' : 'right in float64'})`,
      detail: `${worst.name}: ${worst.far.toExponential(1)} (rounding ${worst.own.toExponential(1)})`,
    };
  }
  if (spec.compare !== 'files') return undefined;
  try {
    return (await compareExported(spec, here, answer)) ?? (await compareWritten(spec, here, again));
  } catch (error) {
    if (!(error instanceof InkwashError)) throw error;
    return { cause: `runs, but cannot be exported or written: ${error.message.split('\n')[0]}` };
  }
}

/** The folder that inkwash writes, in diffusers. */
async function compareWritten(
  spec: NetworkSpec,
  { model }: NetworkRun,
  again: (changed: NetworkSpec) => Promise<NetworkAnswer | undefined>,
): Promise<Difference | undefined> {
  await savePipeline(written, pipelineOf(spec, model));
  const answer = await again({ ...spec, load: written });
  if (answer?.far !== undefined && answer.far < 1e-6) return undefined;
  return {
    cause: answer ? 'written by inkwash, another output in diffusers' : 'diffusers does not load what inkwash writes',
  };
}

/** The standard ONNX model that inkwash writes, in ONNX Runtime. */
async function compareExported(
  spec: NetworkSpec,
  { model, inputs }: NetworkRun,
  answer: ReadonlyMap<string, NdArray>,
): Promise<Difference | undefined> {
  const { bytes } = await exportOnnx(pipelineOf(spec, model), { batchSize: spec.shape[0] });
  const session = await InferenceSession.create(bytes, { intraOpNumThreads: 1, logSeverityLevel: 3 });
  const given = { sample: inputs.sample, timestep: inputs.timesteps, class_labels: inputs.labels };
  const feeds = session.inputMetadata.flatMap((about) => {
    const array = given[about.name as keyof typeof given];
    return array && about.isTensor ? [[about.name, ortTensor(array, about.type)] as const] : [];
  });
  const { out_sample } = await session.run(Object.fromEntries(feeds));
  await session.release();
  const values = new Map([['exported', ndArray(out_sample!.data as Float32Array, [...out_sample!.dims])]]);
  const [worst] = beyondRounding(values, answer);
  return (
    worst && {
      cause: 'another output, exported',
      detail: `${worst.far.toExponential(1)} (rounding ${worst.own.toExponential(1)})`,
    }
  );
}

function ortTensor(array: NdArray, type: string): OrtTensor {
  const numbers = toFloat64(array);
  return type === 'int64'
    ? new OrtTensor('int64', BigInt64Array.from(numbers, BigInt), [...array.shape])
    : new OrtTensor('float32', Float32Array.from(numbers), [...array.shape]);
}

/** The network with its pictures' size, which an export fixes. */
function pipelineOf({ shape }: NetworkSpec, model: UNet2DModel): DiffusionPipeline {
  const sized = UNet2DModel.fromConfig({ ...model.config, sample_size: [shape[1], shape[2]] });
  const values = model.namedParameters();
  for (const [key, parameter] of sized.namedParameters()) parameter.setInitial(() => values.get(key)!.initial());
  return new DiffusionPipeline({ engine, unet: sized, scheduler: { _class_name: 'DDPMScheduler' } });
}

process.env.INKWASH_FUZZ_FOLDER = folder;
await runFuzz<NetworkSpec, NetworkAnswer, NetworkRun>({
  script: 'network_fuzz.py',
  draw: drawNetwork,
  group: ({ odd, config }) =>
    odd ?? `sound, ${(config.down_block_types as string[]).some((type) => type.includes('Skip')) ? 'skip' : 'plain'}`,
  usable: ({ finite }) => finite,
  run: runNetwork,
  compare: compareNetworks,
  departures: NETWORK_DEPARTURES,
});
rmSync(join(folder, '..'), { recursive: true, force: true });
await engine.dispose();
