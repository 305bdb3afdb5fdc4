/** @file Memory plans of graphs small enough to count by hand. */
import { describe, expect, test } from 'vitest';
import { constant, createOutputs, input, random, type Traced, trace, Variable } from '../graph/index.ts';
import { fromNumbers } from '../tensor/index.ts';
import type { MemoryPlan } from './engine.ts';
import { planMemory } from './memory.ts';

const plan = (body: () => Traced): MemoryPlan => planMemory(trace(body));

describe('a memory plan', () => {
  test('holds what is alive at one time', () => {
    // four floats each: exp and neg stay until their sum is made
    expect(
      plan(() => {
        const a = input('x', [4]).exp();
        return a.add(a.neg());
      }).activations,
    ).toBe(3 * 16);
  });

  test('frees a value after its last reader', () => {
    expect(plan(() => input('x', [4]).exp().neg().abs().sqrt().sin()).activations).toBe(2 * 16);
  });

  test('keeps results to the end', () => {
    expect(
      plan(() => {
        const first = input('x', [4]).exp();
        const second = first.neg().abs().sqrt();
        return { first, second };
      }).activations,
    ).toBe(3 * 16);
  });

  test('counts inputs and draws for nothing, and a large value only while it lives', () => {
    expect(
      plan(() =>
        input('x', [1000])
          .add(random.normal([1000]))
          .sum()
          .exp(),
      ).activations,
    ).toBe(4000 + 4);
  });

  test('sees through reshapes: they share the memory of what they view', () => {
    const body = (): Traced => {
      const a = input('x', [4]).exp();
      const view = a.reshape([2, 2]).reshape([4, 1]);
      return view.neg().sum().add(view.sum());
    };
    // exp, its negative and the sum of that; a copy of a view would be 16 bytes more
    expect(plan(body).activations).toBe(2 * 16 + 4);
  });

  test('counts every output of an op, by the size of its elements', () => {
    // 2 floats and 2 int64
    expect(
      plan(() => {
        const [values] = createOutputs('topK', [input('x', [9])], { k: 2, axis: 0, largest: true });
        return values!;
      }).activations,
    ).toBe(2 * 4 + 2 * 8);
  });

  test('counts each variable once, read or assigned, and each constant', () => {
    const [read, assigned, both] = [3, 5, 7].map((n) => new Variable([n])) as [Variable, Variable, Variable];
    const { variables, constants } = plan(() => {
      assigned.assign(random.normal([5]));
      both.assign(both.value.mul(both.value));
      return read.value.mul(constant(fromNumbers([1, 2, 3])));
    });
    expect(variables).toBe((3 + 5 + 7) * 4);
    expect(constants).toBe(3 * 4);
  });

  test('counts the values of frozen variables as those of variables', () => {
    const weight = new Variable([3]);
    const value = fromNumbers([1, 2, 3]);
    const whole = trace(() =>
      input('x', [3])
        .mul(weight.value)
        .add(constant(fromNumbers([4]))),
    );
    const baked = trace(() =>
      input('x', [3])
        .mul(constant(value))
        .add(constant(fromNumbers([4]))),
    );
    expect(planMemory(baked, whole, [value])).toMatchObject({ variables: 3 * 4, constants: 4 });
  });

  test('of nothing is nothing', () => {
    expect(plan(() => undefined)).toEqual({ variables: 0, constants: 0, activations: 0 });
  });
});
