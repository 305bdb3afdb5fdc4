/** @file Layers against PyTorch and diffusers, see tools/oracle/nn.py. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parseSafetensors } from '../src/formats/index.ts';
import { input, type Tensor } from '../src/graph/index.ts';
import {
  activations,
  Conv1d,
  Conv2d,
  ConvTranspose2d,
  Embedding,
  GaussianFourierProjection,
  GroupNorm,
  LayerNorm,
  Linear,
  loadParameters,
  Module,
  MultiHeadAttention,
  RMSNorm,
  TimestepEmbedding,
  Timesteps,
} from '../src/nn/index.ts';
import { referenceEngine } from '../src/runtime/index.ts';
import { type NdArray, toFloat64 } from '../src/tensor/index.ts';

const folder = fileURLToPath(new URL('./golden/nn/', import.meta.url));
const { tensors } = parseSafetensors(readFileSync(`${folder}layers.safetensors`));
const { cases } = JSON.parse(readFileSync(`${folder}layers.json`, 'utf8')) as { cases: string[] };

/** An activation as a layer. */
class Activate extends Module {
  readonly name: keyof typeof activations;
  constructor(name: keyof typeof activations) {
    super();
    this.name = name;
  }
  forward(x: Tensor): Tensor {
    return activations[this.name](x);
  }
}

type Layer = Module & { forward(...inputs: Tensor[]): Tensor };

const layers: Readonly<Record<string, () => Layer>> = {
  linear: () => new Linear(5, 3),
  'linear-no-bias': () => new Linear(5, 3, { bias: false }),
  conv1d: () => new Conv1d(4, 6, 3, { stride: 2, padding: 2, dilation: 2, groups: 2 }),
  conv2d: () => new Conv2d(3, 4, [3, 2], { stride: [1, 2], padding: [2, 1] }),
  'conv-transpose2d': () => new ConvTranspose2d(4, 6, 3, { stride: 2, padding: 1, outputPadding: 1, groups: 2 }),
  'group-norm': () => new GroupNorm(2, 6, { epsilon: 1e-3 }),
  'layer-norm': () => new LayerNorm([3, 4]),
  'layer-norm-plain': () => new LayerNorm(4, { epsilon: 1e-2, affine: false }),
  'rms-norm': () => new RMSNorm(6),
  embedding: () => new Embedding(7, 3),
  mish: () => new Activate('mish'),
  gelu: () => new Activate('gelu'),
  silu: () => new Activate('swish'),
  timesteps: () => new Timesteps(8),
  'timesteps-flipped': () => new Timesteps(7, { flipSinToCos: true, downscaleFreqShift: 0, scale: 3 }),
  'timestep-embedding': () => new TimestepEmbedding(4, 6),
  fourier: () => new GaussianFourierProjection(4, { scale: 0.5 }),
  'fourier-flipped': () => new GaussianFourierProjection(3, { log: false, flipSinToCos: true }),
  'self-attention': () => new MultiHeadAttention(6, { heads: 2, headDim: 3, bias: true }),
  'cross-attention': () => new MultiHeadAttention(6, { heads: 3, headDim: 5, contextDim: 4 }),
};

/** Golden tensors of a case below `prefix`, by the rest of their name. */
function goldens(prefix: string): Map<string, NdArray> {
  const found = [...tensors].filter(([name]) => name.startsWith(prefix));
  return new Map(found.map(([name, tensor]) => [name.slice(prefix.length), tensor]));
}

describe('layers compute what PyTorch computes', () => {
  it.each(cases)('%s', async (name) => {
    const layer = layers[name]!();
    await loadParameters(layer, goldens(`${name}.weights.`));
    const inputs = Object.fromEntries([...goldens(`${name}.input.`)].map(([key, value]) => [`in${key}`, value]));
    const program = await referenceEngine().compile(() =>
      layer.forward(...Object.entries(inputs).map(([key, { shape, dtype }]) => input(key, shape, dtype))),
    );
    const { output } = await program.run(inputs);
    const expected = tensors.get(`${name}.output`)!;
    expect(output!.shape).toEqual(expected.shape);
    const actual = toFloat64(output!);
    toFloat64(expected).forEach((value, i) => {
      expect(Math.abs(actual[i]! - value)).toBeLessThan(1e-6 * Math.max(1, Math.abs(value)));
    });
  });
});
