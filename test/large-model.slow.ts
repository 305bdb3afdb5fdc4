/** @file `npm run test:large`: a program whose constants pass the 2 GiB that a protobuf message can hold. Takes 12 GB and a minute. */
import { expect, test } from 'vitest';
import { input, Variable } from '../src/graph/index.ts';
import { nodeEngine } from '../src/runtime/index.node.ts';
import { ndArray } from '../src/tensor/index.ts';

const COUNT = 9;
const SHAPE = [9000, 8192] as const;
/** One weight in so many is not zero. */
const EVERY = 4097;

function sparse(value: number): Float32Array {
  const data = new Float32Array(SHAPE[0] * SHAPE[1]);
  for (let i = 0; i < data.length; i += EVERY) data[i] = value;
  return data;
}

test('weights of 2.6 GB are compiled as external data and all of them count', { timeout: 600_000 }, async () => {
  const engine = await nodeEngine();
  const weights = Array.from(
    { length: COUNT },
    (_, k) => new Variable(SHAPE, { name: `w${k}`, initial: () => ndArray(sparse(k + 1), SHAPE) }),
  );
  const program = await engine.compile(
    () => {
      const x = input('x', [1, SHAPE[0]]);
      return weights
        .map(({ value }) => x.matmul(value))
        .reduce((sum, y) => sum.add(y))
        .sum();
    },
    { freeze: true, name: 'large' },
  );
  const { output } = await program.run({ x: ndArray(new Float32Array(SHAPE[0]).fill(1), [1, SHAPE[0]]) });
  const perWeight = Math.ceil((SHAPE[0] * SHAPE[1]) / EVERY);
  expect(output!.data[0]).toBe(((COUNT * (COUNT + 1)) / 2) * perWeight);
  await engine.dispose();
});
