/** @file Tests of Muon: against torch.optim.Muon, and that updates are nearly orthogonal. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { constant, input, Variable } from '../../graph/index.ts';
import { referenceEngine } from '../../runtime/index.ts';
import { fillNormal, ndArray, toFloat64 } from '../../tensor/index.ts';
import { AdamW } from './adamw.ts';
import { isMatrix, Muon, MuonWithAdamW, orthogonalize } from './muon.ts';

interface Case {
  readonly shape: number[];
  readonly start: number[];
  readonly gradients: number[][];
  readonly after: number[][];
}

// made by tools/oracle/muon.py
const golden = JSON.parse(
  readFileSync(new URL('../../../test/golden/optimizers/muon.json', import.meta.url), 'utf8'),
) as {
  readonly cases: Case[];
};

test.each(golden.cases)(
  'follows torch.optim.Muon for a matrix of $shape',
  async ({ shape, start, gradients, after }) => {
    const parameter = new Variable(shape, { name: 'w', initial: () => ndArray(Float32Array.from(start), shape) });
    const muon = new Muon([parameter], { learningRate: 0.02, weightDecay: 0.1, momentum: 0.95 });
    const engine = referenceEngine();
    const program = await engine.compile(() => {
      muon.update([input('g', shape)]);
      return undefined;
    });
    for (const [step, gradient] of gradients.entries()) {
      await program.run({ g: ndArray(Float32Array.from(gradient), shape) });
      const values = toFloat64(await engine.read(parameter));
      after[step]!.forEach((expected, i) => {
        expect(Math.abs(values[i]! - expected)).toBeLessThan(2e-5);
      });
    }
  },
);

test('brings all singular values near 1', async () => {
  const shape = [12, 20];
  const engine = referenceEngine();
  const g = ndArray(fillNormal(new Float32Array(240), { seed: 3 }), shape);
  const program = await engine.compile(() => {
    const x = orthogonalize(constant(g));
    // the trace of (X Xᵀ)² and of X Xᵀ bound how far the singular values spread
    const gram = x.matmul(x, { transposeB: true });
    return { first: gram.mul(constant(identity(12))).sum(), second: gram.square().sum() };
  });
  const { first, second } = await program.run();
  const mean = first!.data[0] as number;
  expect(mean / 12).toBeGreaterThan(0.5);
  expect(mean / 12).toBeLessThan(1.3);
  // variance of the squared singular values
  expect((second!.data[0] as number) / 12 - (mean / 12) ** 2).toBeLessThan(0.1);
});

test('takes matrices and kernels, and refuses vectors by name', () => {
  expect(isMatrix(new Variable([8, 4, 3, 3]))).toBe(true);
  expect(isMatrix(new Variable([8]))).toBe(false);
  expect(() => new Muon([new Variable([8], { name: 'conv1.bias' })])).toThrow(/conv1\.bias.*\[8\][\s\S]*MuonWithAdamW/);
  expect(() => new Muon([], { momentum: 1 })).toThrow(/momentum/);
});

test('leaves everything but the matrices to AdamW', async () => {
  const shapes = [[4, 6], [4]] as const;
  const make = () => shapes.map((shape, i) => new Variable([...shape], { name: `p${i}` }));
  const gradients = shapes.map((shape, i) =>
    ndArray(fillNormal(new Float32Array(shape.reduce((a, b) => a * b, 1)), { seed: i }), [...shape]),
  );
  const run = async (parameters: Variable[], update: () => void): Promise<Float64Array[]> => {
    const engine = referenceEngine();
    const program = await engine.compile(() => {
      update();
      return undefined;
    });
    await program.run();
    return Promise.all(parameters.map(async (parameter) => toFloat64(await engine.read(parameter))));
  };
  const both = make();
  const hybrid = new MuonWithAdamW(both, [both[0]!], { muonRate: 3, adamw: { learningRate: 0.1 } });
  const [matrix, vector] = await run(both, () => hybrid.update(gradients.map(constant)));
  const alone = make();
  const muon = new Muon([alone[0]!]);
  const adamw = new AdamW([alone[1]!], { learningRate: 0.1 });
  const [expectedMatrix, expectedVector] = await run(alone, () => {
    muon.update([constant(gradients[0]!)], 0.3);
    adamw.update([constant(gradients[1]!)]);
  });
  const near = (a: Float64Array, b: Float64Array): void => {
    a.forEach((value, i) => {
      expect(value).toBeCloseTo(b[i]!, 6);
    });
  };
  near(matrix!, expectedMatrix!);
  near(vector!, expectedVector!);
  expect(hybrid.state.length).toBe(muon.state.length + adamw.state.length);
});

function identity(size: number) {
  const data = new Float32Array(size * size);
  for (let i = 0; i < size; i++) data[i * size + i] = 1;
  return ndArray(data, [size, size]);
}
