/** @file Ops against PyTorch: values and gradients written by tools/oracle/ops.py, on both engines. */
import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import { gradients } from '../../src/autodiff/index.ts';
import {
  attention,
  avgPool,
  type ConvOptions,
  constant,
  conv,
  convTranspose,
  groupNorm,
  input,
  layerNorm,
  maxPool,
  type PoolOptions,
  type ResizeOptions,
  resize,
  resizeMatrix,
  rmsNorm,
  type Tensor,
} from '../../src/graph/index.ts';
import { nodeEngine } from '../../src/runtime/index.node.ts';
import { referenceEngine } from '../../src/runtime/index.ts';
import { fromFloat64, type NdArray, toFloat64 } from '../../src/tensor/index.ts';
import { relativeError } from './float64.ts';

interface Listed {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

interface GoldenCase {
  readonly name: string;
  readonly op: keyof typeof OPS;
  readonly options: unknown;
  readonly inputs: readonly Listed[];
  readonly outputs: readonly Listed[];
  readonly cotangents: readonly Listed[];
  /** null for integer inputs. */
  readonly gradients: readonly (Listed | null)[];
}

function golden(name: string): unknown {
  return JSON.parse(readFileSync(new URL(`../golden/ops/${name}.json`, import.meta.url), 'utf8'));
}

type Inputs = readonly Tensor[];

/** Each op as inkwash writes it, from the inputs and options of the oracle. */
const OPS = {
  conv: ([x, w, bias]: Inputs, options: ConvOptions) => conv(x!, w!, bias, options),
  convTranspose: ([x, w, bias]: Inputs, options: ConvOptions) => convTranspose(x!, w!, bias, options),
  maxPool: ([x]: Inputs, { kernel, ...options }: PoolOptions & { kernel: number }) => maxPool(x!, kernel, options),
  avgPool: ([x]: Inputs, { kernel, ...options }: PoolOptions & { kernel: number }) => avgPool(x!, kernel, options),
  resize: ([x]: Inputs, options: ResizeOptions) => resize(x!, options),
  groupNorm: ([x, gamma, beta]: Inputs, { groups, epsilon }: { groups: number; epsilon: number }) =>
    groupNorm(x!, groups, gamma!, beta!, epsilon),
  layerNorm: ([x, gamma, beta]: Inputs, options: { axis: number; epsilon: number }) =>
    layerNorm(x!, { ...options, gamma: gamma!, beta: beta! }),
  rmsNorm: ([x, gamma]: Inputs, options: { axis: number; epsilon: number }) =>
    rmsNorm(x!, { ...options, gamma: gamma! }),
  attention: ([q, k, v]: Inputs, options: { scale?: number }) => attention(q!, k!, v!, options),
  gelu: ([x]: Inputs) => x!.gelu(),
  geluTanh: ([x]: Inputs) => x!.gelu({ approximate: 'tanh' }),
  softplus: ([x]: Inputs) => x!.softplus(),
  silu: ([x]: Inputs) => x!.silu(),
  sigmoid: ([x]: Inputs) => x!.sigmoid(),
  tanh: ([x]: Inputs) => x!.tanh(),
  erf: ([x]: Inputs) => x!.erf(),
  softmax: ([x]: Inputs) => x!.softmax(),
  logSoftmax: ([x]: Inputs) => x!.logSoftmax(),
  mod: ([a, b]: Inputs) => a!.mod(b!),
  pow: ([a, b]: Inputs) => a!.pow(b!),
  prod: ([x]: Inputs) => x!.prod({ axes: 1 }),
  cumSum: ([x]: Inputs) => x!.cumSum({ axis: 1 }),
  topK: ([x]: Inputs, { k, ...options }: { k: number; largest: boolean }) => x!.topK(k, options).values,
  gather: ([x, indices]: Inputs) => x!.gather(indices!),
};

const node = await nodeEngine({ threads: 1 });
const reference = referenceEngine();
afterAll(() => node.dispose());

const array = ({ shape, data }: Listed, dtype: 'float32' | 'int64'): NdArray => ({
  shape,
  dtype,
  data: fromFloat64(data, dtype),
});

describe.each(['conv', 'conv-transpose', 'pool', 'resize', 'normalization', 'elementwise'])('%s', (family) => {
  test.each(golden(family) as GoldenCase[])('$op: $name', async (item) => {
    const dtypes = item.gradients.map((gradient) => (gradient ? 'float32' : 'int64'));
    const feeds = Object.fromEntries(item.inputs.map((listed, i) => [`x${i}`, array(listed, dtypes[i]!)]));
    const body = (): Record<string, Tensor> => {
      const inputs = item.inputs.map(({ shape }, i) => input(`x${i}`, shape, dtypes[i]!));
      const y = (OPS[item.op] as (inputs: Inputs, options: unknown) => Tensor)(inputs, item.options);
      const loss = y.mul(constant(array(item.cotangents[0]!, 'float32'))).sum();
      const wrt = inputs.filter(({ dtype }) => dtype === 'float32');
      return { y, ...Object.fromEntries(gradients(loss, wrt).map((gradient, i) => [`d${i}`, gradient])) };
    };
    const expected = [item.outputs[0]!, ...item.gradients.filter((gradient) => gradient !== null)];
    for (const [engine, tolerance] of [
      [reference, 1e-7],
      [node, 2e-6],
    ] as const) {
      const program = await engine.compile(body);
      const results = Object.values(await program.run(feeds));
      await program.dispose();
      expect(results.map(({ shape }) => [...shape])).toEqual(expected.map(({ shape }) => shape));
      results.forEach((result, i) => {
        expect(relativeError(toFloat64(result), expected[i]!.data), engine.name).toBeLessThan(tolerance);
      });
    }
  });
});

test('nearest resizing reads the pixels torch reads', () => {
  for (const [pair, pixels] of Object.entries(golden('nearest') as Record<string, number[]>)) {
    const [source, target] = pair.split('→').map(Number) as [number, number];
    const matrix = resizeMatrix(source, target, 'nearest', false);
    const read = pixels.map((_, row) => matrix.data.subarray(row * source, (row + 1) * source).indexOf(1 as never));
    expect(read, pair).toEqual(pixels);
  }
});
