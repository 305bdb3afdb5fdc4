/** @file Tracing: what is recorded, and what is refused. */
import { describe, expect, test } from 'vitest';
import { ConfigError, DtypeError, fromNumbers, ShapeError } from '../tensor/index.ts';
import { scalar, type Tensor } from './tensor.ts';
import { currentTrace, input, isTraining, random, trace } from './trace.ts';
import { Variable } from './variable.ts';

describe('a trace', () => {
  test('records inputs, also those nothing reads', () => {
    const graph = trace(() => {
      input('unused', [4]);
      return input('x', [2]).neg();
    });
    expect([...graph.inputs.keys()]).toEqual(['unused', 'x']);
    expect([...graph.outputs.keys()]).toEqual(['output']);
  });

  test('may return named tensors, or nothing', () => {
    expect([...trace(() => ({ a: input('x', [1]), b: scalar(1) })).outputs.keys()]).toEqual(['a', 'b']);
    expect(trace(() => undefined).outputs.size).toBe(0);
  });

  test('gives an input declared again as the same tensor', () => {
    trace(() => {
      expect(input('x', [2])).toBe(input('x', [2]));
      return undefined;
    });
  });

  test('numbers its draws from zero', () => {
    const draws = trace(() => ({ a: random.normal([2]), b: random.uniform([3]) })).randoms;
    expect(draws.map(({ node }) => node.attrs)).toEqual([
      { distribution: 'normal', draw: 0, shape: [2] },
      { distribution: 'uniform', draw: 1, shape: [3] },
    ]);
  });

  test('reads a variable as it was assigned last', () => {
    const counter = new Variable([], { name: 'counter' });
    const graph = trace(() => {
      const before = counter.value;
      counter.assign(before.add(1));
      const after = counter.value;
      expect(after).not.toBe(before);
      counter.assign(after.mul(2));
      return { before, after };
    });
    expect(graph.variables.get(counter)).toBe(graph.outputs.get('before'));
    expect(graph.assignments.get(counter)?.node.op).toBe('mul');
  });

  test('tells layers whether it is for training', () => {
    let training: boolean | undefined;
    trace(
      () => {
        training = isTraining();
        return undefined;
      },
      { training: true },
    );
    expect(training).toBe(true);
    expect(isTraining()).toBe(false);
  });

  test('is over after an error', () => {
    expect(() =>
      trace(() => {
        throw new RangeError('mine');
      }),
    ).toThrow(RangeError);
    expect(() => currentTrace()).toThrow(ConfigError);
    expect(trace(() => scalar(1)).outputs.size).toBe(1);
  });
});

describe('a trace refuses', () => {
  test('another trace inside it', () => {
    expect(() => trace(() => trace(() => undefined) as never)).toThrowErrorMatchingInlineSnapshot(`
      [ConfigError: a trace is already in progress
        hint: do not call engine.compile() inside a traced function]
    `);
  });

  test('inputs, draws and variables outside of one', () => {
    expect(() => input('x', [1])).toThrowErrorMatchingInlineSnapshot(`
      [ConfigError: no trace is in progress
        hint: call this inside the function given to engine.compile() or trace()]
    `);
    expect(() => random.normal([1])).toThrow(ConfigError);
    expect(() => new Variable([1]).value).toThrow(ConfigError);
  });

  test('an input declared twice with different types', () => {
    expect(() => trace(() => input('x', [2]).add(input('x', [3])))).toThrowErrorMatchingInlineSnapshot(
      `
      [ShapeError: input 'x' is declared twice: float32[2] and float32[3]
        hint: give one of them another name]
    `,
    );
    expect(() => trace(() => ({ a: input('x', [2]), b: input('x', [2], 'int64') }))).toThrow(ShapeError);
  });

  test('values that do not fit the variable they are assigned to', () => {
    const weight = new Variable([2, 3], { name: 'conv.weight' });
    expect(() =>
      trace(() => {
        weight.assign(input('x', [3, 2]));
        return undefined;
      }),
    ).toThrowErrorMatchingInlineSnapshot(
      `
      [ShapeError: variable 'conv.weight' has shape [2, 3], the value assigned to it [3, 2]
        hint: a variable keeps its shape: reshape the value, or make another variable]
    `,
    );
    expect(() =>
      trace(() => {
        weight.assign(input('x', [2, 3], 'int32'));
        return undefined;
      }),
    ).toThrow(DtypeError);
  });

  test('results that are not tensors', () => {
    expect(() => trace(() => ({ loss: 1 as unknown as Tensor }))).toThrowErrorMatchingInlineSnapshot(`
      [ConfigError: the traced function returned 'loss', which is not a tensor
        hint: return { name: tensor, … }]
    `);
  });

  test('tensors of another trace', () => {
    let kept: Tensor | undefined;
    trace(() => {
      kept = input('x', [2]);
      return kept;
    });
    expect(() => trace(() => kept!.add(1))).toThrowErrorMatchingInlineSnapshot(`
      [ConfigError: a result reads input : float32[2], which belongs to another trace
        hint: make every tensor inside the function that is traced; keep values between runs in variables]
    `);
  });

  test('extents that are not whole numbers of at least 1', () => {
    expect(() => trace(() => input('latents', [4, 12.5]))).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: input: float32[4, 12.5] is not a shape
        hint: extents are whole numbers of at least 1]
    `);
    expect(() => trace(() => input('x', [0]))).toThrow(ShapeError);
    expect(() => trace(() => input('x', [2]).pad([[-1, -1]]))).toThrow(ShapeError);
  });
});

test('a variable starts from zeros, or from what it was given', () => {
  expect(new Variable([2]).initial()).toEqual(fromNumbers([0, 0]));
  const weight = new Variable([2], { initial: () => fromNumbers([1, 2]) });
  weight.setInitial(() => fromNumbers([3, 4]));
  expect(weight.initial()).toEqual(fromNumbers([3, 4]));
});
