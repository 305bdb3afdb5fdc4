/** @file UNet2DModel against diffusers: outputs, gradients of all parameters, and 20 steps of AdamW. See tools/oracle/unet2d.py. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { gradients } from '../src/autodiff/index.ts';
import { openDiffusersComponent, parseSafetensors } from '../src/formats/index.node.ts';
import { input, type Tensor } from '../src/graph/index.ts';
import { UNet2DModel } from '../src/models/index.ts';
import { loadParameters } from '../src/nn/index.ts';
import { nodeEngine } from '../src/runtime/index.node.ts';
import { type Engine, referenceEngine } from '../src/runtime/index.ts';
import { type NdArray, toFloat64 } from '../src/tensor/index.ts';
import { AdamW } from '../src/training/optimizers/adamw.ts';

const GOLDEN = fileURLToPath(new URL('./golden/unet2d/', import.meta.url));

interface About {
  readonly loss: number;
  readonly losses: readonly number[];
  readonly adamw: {
    readonly lr: number;
    readonly betas: [number, number];
    readonly eps: number;
    readonly weight_decay: number;
  };
  readonly gradientScales: Readonly<Record<string, number>>;
}

/** A golden case: the network with diffusers' weights, and what diffusers computed. */
interface Case {
  readonly model: UNet2DModel;
  readonly about: About;
  readonly golden: ReadonlyMap<string, NdArray>;
  readonly inputs: Readonly<Record<string, NdArray>>;
}

async function openCase(name: string): Promise<Case> {
  const folder = join(GOLDEN, name);
  const component = await openDiffusersComponent(folder);
  expect(component.className).toBe('UNet2DModel');
  const model = UNet2DModel.fromConfig(component.config);
  const weights = await component.openWeights();
  await loadParameters(model, weights);
  await weights.close();
  const golden = parseSafetensors(readFileSync(join(folder, 'oracle.safetensors'))).tensors;
  const about = JSON.parse(readFileSync(join(folder, 'oracle.json'), 'utf8')) as About;
  const names = ['sample', 'timesteps', 'labels', 'target'].filter((key) => golden.has(key));
  return { model, about, golden, inputs: Object.fromEntries(names.map((key) => [key, golden.get(key)!])) };
}

function declare({ inputs }: Case, name: string): Tensor {
  const { shape, dtype } = inputs[name]!;
  return input(name, shape, dtype);
}

function traceOutput(given: Case): Tensor {
  const labels = given.inputs.labels && declare(given, 'labels');
  return given.model.forward(declare(given, 'sample'), declare(given, 'timesteps'), labels);
}

/** Traces the network and the mean squared error to the target. */
function traceLoss(given: Case): { output: Tensor; loss: Tensor } {
  const output = traceOutput(given);
  return { output, loss: output.sub(declare(given, 'target')).square().mean() };
}

/** Largest difference, relative to the largest expected magnitude. */
function relativeError(actual: NdArray, expected: Float64Array, scale = 0): number {
  const values = toFloat64(actual);
  expect(values.length).toBe(expected.length);
  let largest = scale;
  let worst = 0;
  expected.forEach((value, i) => {
    largest = Math.max(largest, Math.abs(value));
    worst = Math.max(worst, Math.abs(values[i]! - value));
  });
  return worst / largest;
}

async function expectSameOutputAndGradients(engine: Engine, given: Case): Promise<void> {
  const { model, about, golden, inputs } = given;
  const trainable = [...model.namedParameters()].filter(([, parameter]) => parameter.trainable);
  const program = await engine.compile(() => {
    const { output, loss } = traceLoss(given);
    const all = gradients(loss, model.parameters());
    return { output, loss, ...Object.fromEntries(trainable.map(([key], i) => [`gradient.${key}`, all[i]!])) };
  });
  const results = await program.run(inputs);
  await program.dispose();
  expect(relativeError(results.output!, toFloat64(golden.get('output')!))).toBeLessThan(1e-5);
  expect(Math.abs(toFloat64(results.loss!)[0]! / about.loss - 1)).toBeLessThan(1e-5);
  expect(trainable.map(([key]) => key).sort()).toEqual(Object.keys(about.gradientScales).sort());
  const largest = Math.max(...Object.values(about.gradientScales));
  const errors = Object.entries(about.gradientScales).map(([key, scale]) => {
    const units = toFloat64(golden.get(`gradient.${key}`)!);
    const expected = units.map((unit) => (unit / 32767) * scale);
    // zero on paper (the bias of attention keys): what is left is rounding, as large as that of other gradients
    const floor = scale < 1e-9 * largest ? 1e-3 * largest : 0;
    return { key, error: relativeError(results[`gradient.${key}`]!, expected, floor) };
  });
  expect(errors.filter(({ error }) => error > 1e-4)).toEqual([]);
}

const cases = readdirSync(GOLDEN);

describe('UNet2DModel on the node engine', () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await nodeEngine({ threads: 1 });
  });
  afterAll(() => engine.dispose());

  it.each(cases)('computes the output and all gradients of diffusers: %s', async (name) => {
    await expectSameOutputAndGradients(engine, await openCase(name));
  });

  it.each(cases)('computes the same with weights baked in: %s', async (name) => {
    const given = await openCase(name);
    const program = await engine.compile(() => traceOutput(given), { freeze: true });
    const { target: _, ...inputs } = given.inputs;
    const { output } = await program.run(inputs);
    await program.dispose();
    expect(relativeError(output!, toFloat64(given.golden.get('output')!))).toBeLessThan(1e-5);
  });

  it.each(cases)('follows 20 steps of AdamW in PyTorch: %s', async (name) => {
    const given = await openCase(name);
    const { adamw, losses } = given.about;
    const parameters = given.model.parameters();
    const optimizer = new AdamW(parameters, {
      learningRate: adamw.lr,
      betas: adamw.betas,
      epsilon: adamw.eps,
      weightDecay: adamw.weight_decay,
    });
    const program = await engine.compile(
      () => {
        const { loss } = traceLoss(given);
        optimizer.update(gradients(loss, parameters));
        return { loss };
      },
      { training: true },
    );
    const errors: number[] = [];
    for (const expected of losses) {
      const { loss } = await program.run(given.inputs);
      errors.push(Math.abs(toFloat64(loss!)[0]! / expected - 1));
    }
    await program.dispose();
    expect(Math.max(...errors)).toBeLessThan(1e-4);
  });
});

describe('UNet2DModel on the reference engine', () => {
  it('computes the output and all gradients of diffusers', async () => {
    await expectSameOutputAndGradients(referenceEngine(), await openCase('learned-time'));
  });
});
