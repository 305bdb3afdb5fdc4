import { describe, expect, it } from 'vitest';
import { toFloat64 } from '../tensor/index.ts';
import { Conv2d, ConvTranspose2d } from './conv.ts';
import { Embedding } from './embedding.ts';
import {
  fanIn,
  fanInUniform,
  type Initializer,
  keyHash,
  normal,
  ones,
  uniform,
  xavierUniform,
  zeros,
} from './initializers.ts';
import { Linear } from './linear.ts';

const KEY = { seed: 3, key: 'conv_in.weight' };
const draw = (initializer: Initializer, shape: number[]): Float64Array => toFloat64(initializer(shape, KEY));
const mean = (values: Float64Array): number => values.reduce((a, b) => a + b, 0) / values.length;
const deviation = (values: Float64Array): number => Math.sqrt(mean(values.map((v) => v * v)) - mean(values) ** 2);

describe('initialisers', () => {
  it('draw uniform numbers that fill their bounds', () => {
    const values = draw(uniform(0.5), [100, 100]);
    expect(Math.min(...values)).toBeGreaterThanOrEqual(-0.5);
    expect(Math.min(...values)).toBeLessThan(-0.499);
    expect(Math.max(...values)).toBeLessThan(0.5);
    expect(Math.max(...values)).toBeGreaterThan(0.499);
    expect(mean(values)).toBeCloseTo(0, 1);
  });

  it('draw normal numbers of the deviation asked for', () => {
    const values = draw(normal(2), [100, 100]);
    expect(Math.abs(mean(values))).toBeLessThan(0.06);
    expect(Math.abs(deviation(values) - 2)).toBeLessThan(0.05);
  });

  it("bound weights as PyTorch's kaiming_uniform_ with a = √5 does", () => {
    expect(fanIn([8, 4, 3, 3])).toBe(36);
    const values = draw(fanInUniform(), [64, 4, 3, 3]);
    expect(Math.max(...values)).toBeLessThanOrEqual(1 / 6);
    expect(Math.max(...values)).toBeGreaterThan(0.16);
  });

  it('bound Xavier weights by both fans', () => {
    const values = draw(xavierUniform(), [100, 50]);
    expect(Math.max(...values)).toBeLessThanOrEqual(Math.sqrt(6 / 150));
    expect(Math.max(...values)).toBeGreaterThan(0.99 * Math.sqrt(6 / 150));
  });

  it('make zeros and ones', () => {
    expect([...draw(zeros, [2])]).toEqual([0, 0]);
    expect([...draw(ones, [2])]).toEqual([1, 1]);
  });

  it('hash keys without collision among thousands', () => {
    const keys = Array.from({ length: 20000 }, (_, i) => `down_blocks.${i % 20}.resnets.${Math.floor(i / 20)}.weight`);
    const hashes = new Set(keys.map(keyHash));
    expect(hashes.size).toBe(keys.length);
    for (const hash of hashes) expect(Number.isSafeInteger(hash)).toBe(true);
  });
});

describe('layers start as in PyTorch', () => {
  const largest = (values: Float64Array): number => Math.max(...values.map(Math.abs));

  it.each([
    ['Linear', () => new Linear(16, 400), 1 / 4],
    ['Conv2d', () => new Conv2d(4, 400, 2), 1 / 4],
    ['Conv2d in groups', () => new Conv2d(8, 400, 2, { groups: 2 }), 1 / 4],
    ['ConvTranspose2d', () => new ConvTranspose2d(6, 400, 2), 1 / 40],
  ])('%s: weight and bias within 1/√fanIn', (_, make, bound) => {
    const layer = make().initialize(1);
    for (const parameter of layer.parameters()) {
      const values = toFloat64(parameter.initial());
      expect(largest(values)).toBeLessThanOrEqual(bound);
      expect(largest(values)).toBeGreaterThan(0.95 * bound);
    }
  });

  it('Embedding: standard normal', () => {
    const values = toFloat64(new Embedding(100, 50).initialize(1).weight.initial());
    expect(Math.abs(deviation(values) - 1)).toBeLessThan(0.05);
  });
});
