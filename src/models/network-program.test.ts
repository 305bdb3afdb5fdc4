import { afterAll, describe, expect, it } from 'vitest';
import type { Tensor } from '../graph/index.ts';
import { Module } from '../nn/index.ts';
import { referenceEngine } from '../runtime/index.ts';
import { compileNetwork, evenBatch } from './network-program.ts';

/** Adds its time, and its class, to every element. */
class Shift extends Module {
  forward(sample: Tensor, timesteps: Tensor, classes?: Tensor): Tensor {
    const shift = classes === undefined ? timesteps : timesteps.add(classes.cast('float32'));
    return sample.add(shift.reshape([shift.shape[0]!, 1, 1, 1]));
  }
}

const engine = referenceEngine();
const shape = [1, 1, 2];
const states = [0, 1, 2, 3, 4, 5];
const program = await compileNetwork(engine, new Shift(), { batchSize: 2, shape, labels: true });
afterAll(() => engine.dispose());

describe('a network compiled for a batch', () => {
  it('takes fewer states, as many, and more, each with its class', async () => {
    for (const count of [1, 2, 3]) {
      const expected = states.slice(0, 2 * count).map((value, i) => value + 100 + [10, 20, 30][Math.floor(i / 2)]!);
      const output = await program.predict(states.slice(0, 2 * count), 100, [10, 20, 30]);
      expect(Array.from(output)).toEqual(expected);
    }
  });

  it('refuses no states and parts of states', async () => {
    await expect(program.predict([], 0)).rejects.toThrow(/states of 2 elements, got 0 elements/);
    await expect(program.predict([1, 2, 3], 0)).rejects.toThrow(/got 3 elements[\s\S]*whole states/);
  });

  it('runs many in batches of nearly one size, of 16 at most', () => {
    expect([1, 16, 17, 32, 33].map(evenBatch)).toEqual([1, 16, 9, 16, 11]);
  });
});
