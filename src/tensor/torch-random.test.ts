import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { DataError, Mt19937, TorchCpuGenerator, TorchCudaGenerator } from './index.ts';

interface Call {
  readonly kind: 'rand' | 'randn';
  readonly n: number;
  readonly values: readonly number[];
}

const golden = JSON.parse(readFileSync(new URL('../../test/golden/torch-random.json', import.meta.url), 'utf8')) as {
  cpu: { seed: string; calls: Call[] }[];
  cuda: { seed: string; values: number[] }[];
};

function expectClose(actual: Float32Array, expected: readonly number[], tolerance: number): void {
  expect(actual).toHaveLength(expected.length);
  actual.forEach((value, i) => {
    expect(Math.abs(value - expected[i]!), `element ${i}: ${value} against ${expected[i]}`).toBeLessThan(tolerance);
  });
}

describe('Mt19937', () => {
  it('gives the first words that the authors publish for seed 5489', () => {
    const bits = new Mt19937(5489);
    expect([bits.nextUint32(), bits.nextUint32(), bits.nextUint32()]).toEqual([3499211612, 581869302, 3890346734]);
  });

  it('gives the 10000th word that the C++ standard requires', () => {
    const bits = new Mt19937(5489);
    for (let i = 1; i < 10000; i++) bits.nextUint32();
    expect(bits.nextUint32()).toBe(4123659995);
  });
});

describe('TorchCpuGenerator', () => {
  it.each(golden.cpu.map((stream, i) => [`stream ${i}, seed ${stream.seed}`, stream] as const))(
    'draws what torch draws: %s',
    (_name, { seed, calls }) => {
      const generator = new TorchCpuGenerator(BigInt(seed));
      for (const { kind, n, values } of calls) {
        // uniforms to the bit; normals to the last digits of float32 log, sin and cos
        if (kind === 'rand') expect(Array.from(generator.rand(n))).toEqual(values);
        else expectClose(generator.randn(n), values, 2e-6);
      }
    },
  );

  it('takes numbers and bigints as the same seed', () => {
    expect(new TorchCpuGenerator(9).randn(20)).toEqual(new TorchCpuGenerator(9n).randn(20));
  });

  it('refuses a seed that is not a whole number', () => {
    expect(() => new TorchCpuGenerator(0.5)).toThrow(DataError);
  });
});

describe('TorchCudaGenerator', () => {
  it('draws what torch draws on a GPU', () => {
    for (const { seed, values } of golden.cuda) {
      expectClose(new TorchCudaGenerator(BigInt(seed)).randn(values.length), values, 1e-6);
    }
  });

  it('moves to fresh numbers with every call', () => {
    const generator = new TorchCudaGenerator(0);
    const first = generator.randn(8);
    expect(generator.randn(8)).not.toEqual(first);
  });

  it('gives an array larger than the launch four numbers per thread, threads apart', () => {
    const wide = new TorchCudaGenerator(0).randn(1024);
    const narrow = new TorchCudaGenerator(0, { blocks: 1 }).randn(1024);
    // thread i's first number does not depend on the launch; its later ones follow 256 elements apart
    expect(narrow.subarray(0, 256)).toEqual(wide.subarray(0, 256));
    expect(narrow.subarray(256, 512)).not.toEqual(wide.subarray(256, 512));
  });

  it('has mean 0 and variance 1', () => {
    const x = new TorchCudaGenerator(1).randn(20000);
    const mean = x.reduce((sum, value) => sum + value, 0) / x.length;
    const variance = x.reduce((sum, value) => sum + value ** 2, 0) / x.length;
    expect(Math.abs(mean)).toBeLessThan(0.03);
    expect(Math.abs(variance - 1)).toBeLessThan(0.05);
  });
});
