/** @file The contract of engines, kept by every one of them: the reference, Node in this thread, and Node in a worker. */
import { afterAll, describe, expect, test } from 'vitest';
import { gradients } from '../autodiff/index.ts';
import { concat, input, random, scalar, type Tensor, type Traced, Variable } from '../graph/index.ts';
import {
  ConfigError,
  DtypeError,
  EngineError,
  fillNormal,
  fillUniform,
  fromNumbers,
  type NdArray,
  ShapeError,
  toFloat64,
} from '../tensor/index.ts';
import type { Engine, Program } from './engine.ts';
import { nodeEngine } from './index.node.ts';
import { referenceEngine } from './reference-engine.ts';

const open: Readonly<Record<string, () => Promise<Engine>>> = {
  reference: async () => referenceEngine(),
  node: () => nodeEngine({ threads: 1 }),
  worker: () => nodeEngine({ threads: 1, worker: true }),
};

describe.each(Object.keys(open))('engine %s', async (name) => {
  const engine = await open[name]!();
  afterAll(() => engine.dispose());

  /** Runs a program once. */
  const evaluate = async (body: () => Traced, inputs = {}, options = {}) => {
    const program = await engine.compile(body);
    const results = await program.run(inputs, options);
    await program.dispose();
    return Object.fromEntries(Object.entries(results).map(([key, { data }]) => [key, [...(data as Float32Array)]]));
  };
  const present = async (variable: Variable): Promise<number[]> => [
    ...((await engine.read(variable)).data as Float32Array),
  ];

  describe('a program', () => {
    test('returns what the function returned, by name', async () => {
      const x = fromNumbers([1, 2]);
      expect(await evaluate(() => input('x', [2]).mul(2), { x })).toEqual({ output: [2, 4] });
      const both = (): Traced => ({ twice: input('x', [2]).mul(2), same: input('x', [2]) });
      expect(await evaluate(both, { x })).toEqual({ twice: [2, 4], same: [1, 2] });
      expect(await evaluate(() => undefined)).toEqual({});
    });

    test('carries its name, its graph and its memory plan', async () => {
      const program = await engine.compile(() => input('x', [2]).mul(2), { name: 'doubling' });
      expect(program.name).toBe('doubling');
      expect([...program.graph.inputs.keys()]).toEqual(['x']);
      expect(program.memory).toEqual({ variables: 0, constants: 4, activations: 8 });
    });

    test('may be run many times, also at once', async () => {
      const counter = new Variable([2], { name: 'counter' });
      const recent = new Variable([3], { name: 'recent' });
      const program = await engine.compile(() => {
        const next = counter.value.add(1);
        counter.assign(next);
        recent.assign(concat([recent.value.slice(0, 1), next.slice(0, 0, 1)]));
        return { before: counter.value.sum() };
      });
      const runs = await Promise.all([0, 1, 2, 3].map(() => program.run()));
      expect(runs.map(({ before }) => before!.data[0])).toEqual([2, 4, 6, 8]);
      expect(await present(counter)).toEqual([4, 4]);
      expect(await present(recent)).toEqual([2, 3, 4]);
    });

    test('is not disturbed by others being compiled meanwhile', async () => {
      const state = new Variable([1000], { name: 'state' });
      const program = await engine.compile(() => {
        state.assign(state.value.add(1));
        return state.value.mean();
      });
      const others = [1, 2, 3].map((n) => {
        const other = new Variable([50_000 * n], { name: `other ${n}` });
        return engine.compile(() => {
          other.assign(other.value.mul(2).add(state.value.sum()));
          return undefined;
        });
      });
      const runs: Promise<Record<string, NdArray>>[] = [];
      for (let i = 0; i < 20; i++) {
        runs.push(program.run());
        await new Promise(setImmediate);
      }
      await Promise.all(others);
      const means = (await Promise.all(runs)).map(({ output }) => Number(output!.data[0]));
      expect(means).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
    });
  });

  describe('a variable', () => {
    test('starts from its first value, made once', async () => {
      let made = 0;
      const weight = new Variable([2], {
        initial: () => {
          made++;
          return fromNumbers([1, 2]);
        },
      });
      expect(await present(weight)).toEqual([1, 2]);
      await evaluate(() => weight.value.neg());
      expect(await present(weight)).toEqual([1, 2]);
      expect(made).toBe(1);
    });

    test('is shared by all programs, and read and written from outside', async () => {
      const weight = new Variable([2], { name: 'weight', initial: () => fromNumbers([1, 2]) });
      const train = await engine.compile(() => {
        weight.assign(weight.value.mul(3));
        return undefined;
      });
      const show = await engine.compile(() => weight.value.add(0.5));
      await train.run();
      expect([...((await show.run()).output!.data as Float32Array)]).toEqual([3.5, 6.5]);
      expect(await present(weight)).toEqual([3, 6]);
      await engine.write(weight, fromNumbers([10, 20]));
      await train.run();
      expect(await present(weight)).toEqual([30, 60]);
    });

    test('written before any program knew it keeps that value', async () => {
      const weight = new Variable([2], { initial: () => fromNumbers([1, 2]) });
      await engine.write(weight, fromNumbers([5, 6]));
      expect(await evaluate(() => weight.value)).toEqual({ output: [5, 6] });
    });

    test('changes at the end of a run: everything in it reads what was before, unless it asks for the assigned value', async () => {
      const [a, b] = [1, 2].map((value) => new Variable([2], { initial: () => fromNumbers([value, value * 10]) })) as [
        Variable,
        Variable,
      ];
      const swap = (): Traced => {
        const [x, y] = [a.value, b.value];
        a.assign(y.mul(2));
        b.assign(x.sub(1));
        return { old: x.add(y), new: a.value.add(b.value) };
      };
      expect(await evaluate(swap)).toEqual({ old: [3, 30], new: [4, 49] });
      expect([await present(a), await present(b)]).toEqual([
        [4, 40],
        [0, 9],
      ]);
    });

    test('may be exchanged with another', async () => {
      const [a, b] = [1, 2].map((value) => new Variable([2], { initial: () => fromNumbers([value, value]) })) as [
        Variable,
        Variable,
      ];
      await evaluate(() => {
        const [x, y] = [a.value, b.value];
        a.assign(y);
        b.assign(x);
        return undefined;
      });
      expect([await present(a), await present(b)]).toEqual([
        [2, 2],
        [1, 1],
      ]);
    });

    test('hands out copies: changing what was read or written changes nothing', async () => {
      const weight = new Variable([2]);
      const value = fromNumbers([1, 2]);
      await engine.write(weight, value);
      value.data[0] = 99;
      (await engine.read(weight)).data[1] = 99;
      expect(await present(weight)).toEqual([1, 2]);
    });

    test('may hold integers and single numbers', async () => {
      const step = new Variable([], { name: 'step', dtype: 'int64' });
      const rate = new Variable([], { name: 'rate', initial: () => fromNumbers(0.5) });
      const weight = new Variable([5], { name: 'weight', initial: () => fromNumbers([1, 2, 3, 4, 5]) });
      const program = await engine.compile(() => {
        step.assign(step.value.add(scalar(1, 'int64')));
        weight.assign(weight.value.sub(weight.value.mul(rate.value)));
        rate.assign(rate.value.mul(0.5));
        return undefined;
      });
      await program.run();
      await program.run();
      expect((await engine.read(step)).data).toEqual(BigInt64Array.of(2n));
      expect(await present(rate)).toEqual([0.125]);
      expect(await present(weight)).toEqual([0.375, 0.75, 1.125, 1.5, 1.875]);
    });

    test('refuses values that do not fit', async () => {
      const weight = new Variable([2, 3], { name: 'conv.weight' });
      await expect(engine.write(weight, fromNumbers([1, 2]))).rejects.toThrow(ShapeError);
      await expect(engine.write(weight, fromNumbers([1, 2]))).rejects.toThrow("'conv.weight'");
      await expect(
        engine.write(
          weight,
          fromNumbers(
            [
              [1, 2, 3],
              [4, 5, 6],
            ],
            'int32',
          ),
        ),
      ).rejects.toThrow(DtypeError);
      const wrong = new Variable([2], { initial: () => fromNumbers([1, 2, 3]) });
      await expect(engine.read(wrong)).rejects.toThrow(ShapeError);
    });
  });

  describe('a draw', () => {
    const noise = (): Traced => ({
      first: random.normal([5]),
      second: random.uniform([3]),
      third: random.normal([2, 2]),
    });

    test('is that of its seed, step and place, the same on every engine', async () => {
      const key = { seed: 7, step: 3 };
      expect(await evaluate(noise, {}, key)).toEqual({
        first: [...fillNormal(new Float32Array(5), { ...key, draw: 0 })],
        second: [...fillUniform(new Float32Array(3), { ...key, draw: 1 })],
        third: [...fillNormal(new Float32Array(4), { ...key, draw: 2 })],
      });
    });

    test('moves on with every run, and comes back with its step', async () => {
      const program = await engine.compile(noise);
      const [first, second] = [await program.run(), await program.run()];
      expect(first.first!.data).not.toEqual(second.first!.data);
      expect((await program.run({}, { step: 0 })).first!.data).toEqual(first.first!.data);
      expect((await program.run({}, { step: 1 })).first!.data).toEqual(second.first!.data);
      expect((await program.run({}, { seed: 1, step: 0 })).first!.data).not.toEqual(first.first!.data);
    });
  });

  describe('a frozen program', () => {
    test('keeps the values it was compiled with', async () => {
      const weight = new Variable([2], { initial: () => fromNumbers([1, 2]) });
      const frozen = await engine.compile(() => weight.value.mul(2), { freeze: true });
      await engine.write(weight, fromNumbers([100, 100]));
      expect([...((await frozen.run()).output!.data as Float32Array)]).toEqual([2, 4]);
      expect(await evaluate(() => weight.value.mul(2))).toEqual({ output: [200, 200] });
    });

    test('assigns from them, too', async () => {
      const weight = new Variable([2], { initial: () => fromNumbers([1, 2]) });
      const frozen = await engine.compile(
        () => {
          weight.assign(weight.value.mul(2));
          return undefined;
        },
        { freeze: true },
      );
      await frozen.run();
      await frozen.run();
      expect(await present(weight)).toEqual([2, 4]);
    });
  });

  test('training is a program like any other', async () => {
    const slope = new Variable([1], { name: 'slope' });
    const offset = new Variable([1], { name: 'offset' });
    const step = await engine.compile(() => {
      const error = input('x', [8])
        .mul(slope.value)
        .add(offset.value)
        .sub(input('y', [8]));
      const loss = error.square().mean();
      const [dSlope, dOffset] = gradients(loss, [slope, offset]) as [Tensor, Tensor];
      slope.assign(slope.value.sub(dSlope.mul(0.2)));
      offset.assign(offset.value.sub(dOffset.mul(0.2)));
      return { loss };
    });
    const x = fromNumbers([-2, -1.5, -1, -0.5, 0.5, 1, 1.5, 2]);
    const y = fromNumbers([...toFloat64(x)].map((value) => 3 * value - 1));
    let loss = Number.NaN;
    for (let i = 0; i < 60; i++) loss = Number((await step.run({ x, y })).loss!.data[0]);
    expect(loss).toBeLessThan(1e-10);
    expect((await present(slope))[0]).toBeCloseTo(3, 4);
    expect((await present(offset))[0]).toBeCloseTo(-1, 4);
  });

  describe('inputs are refused', () => {
    const compile = (): Promise<Program> => engine.compile(() => input('images', [2, 3]).add(input('t', [2, 1])));
    const images = fromNumbers([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    const t = fromNumbers([[1], [2]]);

    test('when one is missing, is not known, or does not fit', async () => {
      const program = await compile();
      const errorOf = (inputs: Record<string, typeof t>): Promise<unknown> =>
        program.run(inputs).catch((error) => error);
      const missing = await errorOf({ images });
      expect(missing).toBeInstanceOf(ConfigError);
      expect((missing as Error).message).toContain("input 't' is missing");
      expect((missing as Error).message).toContain('float32[2, 1]');
      const unknown = await errorOf({ images, t, time: t });
      expect(unknown).toBeInstanceOf(ConfigError);
      expect((unknown as Error).message).toContain("there is no input 'time'");
      expect((unknown as Error).message).toContain('images, t');
      const shape = await errorOf({ images: t, t });
      expect(shape).toBeInstanceOf(ShapeError);
      expect((shape as Error).message).toContain("input 'images' must be float32[2, 3], got float32[2, 1]");
      const dtype = await errorOf({ images, t: fromNumbers([[1], [2]], 'int64') });
      expect(dtype).toBeInstanceOf(DtypeError);
      expect((dtype as Error).message).toContain('got int64[2, 1]');
    });

    test('without a run being counted or a variable being changed', async () => {
      const weight = new Variable([2]);
      const program = await engine.compile(() => {
        weight.assign(weight.value.add(input('x', [2])));
        return random.normal([1]);
      });
      await expect(program.run({})).rejects.toThrow(ConfigError);
      const { output } = await program.run({ x: fromNumbers([1, 1]) });
      expect(output!.data).toEqual(fillNormal(new Float32Array(1), { seed: 0, step: 0, draw: 0 }));
      expect(await present(weight)).toEqual([1, 1]);
    });
  });

  test('a run that fails says what failed, and leaves the engine usable', async () => {
    const program = await engine.compile(() => input('x', [3]).gather(input('i', [1], 'int64')), { name: 'lookup' });
    const x = fromNumbers([1, 2, 3]);
    await expect(program.run({ x, i: fromNumbers([7], 'int64') })).rejects.toThrow(EngineError);
    const { output } = await program.run({ x, i: fromNumbers([2], 'int64') });
    expect([...(output!.data as Float32Array)]).toEqual([3]);
  });

  test('errors of the traced function come through, and nothing is left behind', async () => {
    const failing = (): Traced => {
      throw new RangeError('mine');
    };
    await expect(engine.compile(failing)).rejects.toThrow(RangeError);
    expect(await evaluate(() => scalar(1))).toEqual({ output: [1] });
  });

  test('a disposed program cannot run; disposing again does nothing', async () => {
    const program = await engine.compile(() => scalar(1).add(input('x', [])));
    await program.dispose();
    await program.dispose();
    await expect(program.run({ x: fromNumbers(1) })).rejects.toThrow(EngineError);
  });

  test('a disposed engine does nothing more', async () => {
    const closed = await open[name]!();
    const weight = new Variable([2]);
    const program = await closed.compile(() => weight.value.add(1));
    await closed.dispose();
    await closed.dispose();
    await expect(closed.compile(() => scalar(1))).rejects.toThrow(EngineError);
    await expect(closed.read(weight)).rejects.toThrow(EngineError);
    await expect(closed.write(weight, fromNumbers([1, 2]))).rejects.toThrow(EngineError);
    await expect(program.run()).rejects.toThrow(EngineError);
    await program.dispose();
  });
});
