import { describe, expect, it } from 'vitest';
import type { Tensor } from '../graph/index.ts';
import { referenceEngine } from '../runtime/index.ts';
import { castArray, DataError, fromNumbers, type NdArray, toFloat64, zeros } from '../tensor/index.ts';
import { Linear } from './linear.ts';
import { loadParameters, readParameters } from './load-parameters.ts';
import { Module } from './module.ts';

class Pair extends Module {
  readonly first = new Linear(2, 1);
  readonly second = new Linear(1, 2, { bias: false });

  forward(x: Tensor): Tensor {
    return this.second.forward(this.first.forward(x));
  }

  override migrateKey(key: string): string {
    return key.replace('premier.', 'first.');
  }
}

const weights = (): Map<string, NdArray> =>
  new Map([
    ['first.weight', fromNumbers([[1, 2]])],
    ['first.bias', fromNumbers([3])],
    ['second.weight', fromNumbers([[4], [5]])],
  ]);

const start = (module: Pair): number[] => [...toFloat64(module.first.weight.initial())];

describe('loadParameters', () => {
  it('gives engines started later the loaded values', async () => {
    const pair = new Pair();
    expect(await loadParameters(pair, weights())).toEqual({ missing: [], unexpected: [] });
    const engine = referenceEngine();
    expect([...toFloat64(await engine.read(pair.first.weight))]).toEqual([1, 2]);
    expect(await readParameters(pair, engine)).toEqual(weights());
  });

  it('writes into a running engine when given one', async () => {
    const pair = new Pair();
    const engine = referenceEngine();
    await engine.read(pair.first.weight);
    await loadParameters(pair, weights(), { engine });
    expect([...toFloat64(await engine.read(pair.first.weight))]).toEqual([1, 2]);
  });

  it('converts half precision', async () => {
    const pair = new Pair();
    await loadParameters(pair, new Map([...weights()].map(([key, value]) => [key, castArray(value, 'float16')])));
    expect(pair.first.weight.initial()).toEqual(fromNumbers([[1, 2]]));
  });

  it('leaves reading for when an engine asks, where the source can do that', async () => {
    const [tensors, read] = [weights(), [] as string[]];
    const later = (name: string) => (): NdArray => {
      read.push(name);
      return tensors.get(name)!;
    };
    const pair = new Pair();
    await loadParameters(pair, { entries: tensors, read: () => Promise.reject(new Error('too early')), later });
    expect(read).toEqual([]);
    expect([start(pair), start(pair), read]).toEqual([
      [1, 2],
      [1, 2],
      ['first.weight', 'first.weight'],
    ]);
  });

  it('reads from a file-like source, under keys of old', async () => {
    const tensors = new Map([...weights()].map(([key, value]) => [key.replace('first.', 'premier.'), value]));
    const pair = new Pair();
    await loadParameters(pair, { entries: tensors, read: async (name) => tensors.get(name)! });
    expect(start(pair)).toEqual([1, 2]);
  });

  it('names everything that does not fit in one error, and loads nothing', async () => {
    const pair = new Pair().initialize(1);
    const before = start(pair);
    const tensors = weights();
    tensors.delete('first.bias');
    tensors.set('first.biass', zeros([1]));
    tensors.set('second.weight', zeros([3, 1]));
    const source = { path: 'model.safetensors', entries: tensors, read: async (name: string) => tensors.get(name)! };
    const failure = loadParameters(pair, source);
    await expect(failure).rejects.toThrow(DataError);
    await expect(failure).rejects.toThrowErrorMatchingInlineSnapshot(`
      [DataError: model.safetensors does not fit the network
        1 missing:
          first.bias
        1 unexpected:
          first.biass
        1 of another shape:
          second.weight: expected [2, 1], found [3, 1]
        hint: the configuration belongs to another network: compare block_out_channels and the like with the checkpoint]
    `);
    expect(start(pair)).toEqual(before);
  });

  it('suggests the key that was meant', async () => {
    const tensors = weights();
    tensors.set('first.biass', tensors.get('first.bias')!);
    tensors.delete('first.bias');
    await expect(loadParameters(new Pair(), tensors)).rejects.toThrow(
      /is 'first.biass' what the network calls 'first.bias'\?/,
    );
  });

  it('reports what it is told to ignore, but never accepts a wrong shape', async () => {
    const tensors = weights();
    tensors.delete('first.bias');
    tensors.set('extra', zeros([1]));
    const report = await loadParameters(new Pair(), tensors, { ignoreExtra: true, ignoreMissing: true });
    expect(report).toEqual({ missing: ['first.bias'], unexpected: ['extra'] });
    tensors.set('first.weight', zeros([2, 1]));
    await expect(loadParameters(new Pair(), tensors, { ignoreExtra: true, ignoreMissing: true })).rejects.toThrow(
      'first.weight: expected [1, 2], found [2, 1]',
    );
  });
});

describe('readParameters', () => {
  it('lists every key in the order of the properties', async () => {
    expect([...(await readParameters(new Pair(), referenceEngine())).keys()]).toEqual([...weights().keys()]);
  });
});
