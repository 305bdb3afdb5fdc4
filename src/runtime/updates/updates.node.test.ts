/** @file Updates done in one pass after the run give what the graph would have given. */
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { gradients } from '../../autodiff/index.ts';
import { type Graph, input, scalar, simplify, Tensor, type Traced, trace, Variable } from '../../graph/index.ts';
import { fillUniform, fromNumbers, type NdArray, ndArray, toFloat64 } from '../../tensor/index.ts';
import type { Engine } from '../engine.ts';
import { nodeEngine } from '../index.node.ts';
import { referenceEngine } from '../reference-engine.ts';
import type { Kernel } from './kernel.ts';
import { splitUpdates } from './split-updates.ts';
import { compileKernel } from './wasm-kernel.ts';
import { webAssembly } from './webassembly.ts';

const split = (body: () => Traced) => splitUpdates(simplify(trace(body)));
const assigned = (graph: Graph): string[] => [...graph.assignments.keys()].map(({ name }) => name);

describe('an assignment leaves the graph', () => {
  const [w, m, v] = ['w', 'm', 'v'].map((name) => new Variable([6], { name })) as [Variable, Variable, Variable];

  test('when it is elementwise in variables, results of the run, and numbers', () => {
    const { graph, updates } = split(() => {
      const gradient = input('x', [6]).exp();
      w.assign(w.value.sub(gradient.mul(0.1)));
      return { gradient };
    });
    expect(assigned(graph)).toEqual([]);
    expect([...graph.outputs.keys()]).toEqual(['gradient', 'update:0']);
    expect(updates).toHaveLength(1);
    expect(updates[0]).toMatchObject({
      length: 6,
      stores: [w],
      kernel: { loads: 2, scalars: 0, constants: [Math.fround(0.1)], ops: [{ op: 'mul' }, { op: 'sub' }] },
    });
  });

  test('together with those it shares work with, in one kernel', () => {
    const { graph, updates } = split(() => {
      const gradient = input('g', [6]);
      m.assign(m.value.mul(0.9).add(gradient.mul(0.1)));
      v.assign(v.value.mul(0.99).add(gradient.mul(gradient).mul(0.01)));
      w.assign(w.value.sub(m.value.div(v.value.sqrt().add(1e-8)).mul(input('rate', []))));
      return undefined;
    });
    expect(assigned(graph)).toEqual([]);
    expect(updates).toHaveLength(1);
    expect(updates[0]!.stores).toEqual([m, v, w]);
    expect(updates[0]!.scalars.map(({ node }) => node.op)).toEqual(['input']);
  });

  test('with its gradient as the one array received, though it needs the square besides', () => {
    const { updates } = split(() => {
      const gradient = input('g', [6]).exp();
      m.assign(m.value.mul(0.9).add(gradient));
      v.assign(v.value.mul(0.99).add(gradient.mul(gradient)));
      w.assign(w.value.sub(m.value.div(v.value.sqrt())));
      return { gradient };
    });
    const received = updates.flatMap(({ loads }) => loads.filter((load) => load instanceof Tensor));
    expect(received.map(({ node }) => node.op)).toEqual(['exp']);
  });

  test('but not when it needs other elements, other ops, or another dtype', () => {
    const count = new Variable([6], { name: 'count', dtype: 'int32' });
    const step = new Variable([], { name: 'step' });
    const { graph, updates } = split(() => {
      w.assign(w.value.flip(0));
      m.assign(m.value.exp());
      v.assign(input('g', [6]));
      count.assign(count.value.add(scalar(1, 'int32')));
      step.assign(step.value.add(1));
      return undefined;
    });
    expect(updates).toEqual([]);
    expect(assigned(graph)).toEqual(['w', 'm', 'v', 'count', 'step']);
  });
});

describe('a kernel', () => {
  const run = (kernel: Kernel, loads: number[][], scalars: number[]): number[][] => {
    const memory = new webAssembly.Memory({ initial: 1 });
    const length = loads[0]!.length;
    const slot = (i: number): number => 1024 + i * 256;
    loads.forEach((values, i) => {
      new Float32Array(memory.buffer, slot(i), length).set(values);
    });
    const targets = kernel.stores.map((_, i) => slot(loads.length + i));
    compileKernel(kernel, memory)(...loads.map((_, i) => slot(i)), ...targets, ...scalars, length * 4);
    return targets.map((address) => [...new Float32Array(memory.buffer, address, length)]);
  };

  test.each([1, 2, 3, 4, 5, 8, 17])('computes every op over %i elements', (length) => {
    const a = Array.from({ length }, (_, i) => i - 1.5);
    const b = Array.from({ length }, (_, i) => i + 0.25);
    const kernel: Kernel = {
      loads: 2,
      scalars: 1,
      constants: [0.5],
      // values: a, b, s, 0.5, then the ops
      ops: [
        { op: 'add', args: [0, 1] },
        { op: 'sub', args: [0, 1] },
        { op: 'mul', args: [0, 2] },
        { op: 'div', args: [3, 1] },
        { op: 'neg', args: [0] },
        { op: 'abs', args: [0] },
        { op: 'sqrt', args: [1] },
      ],
      stores: [4, 5, 6, 7, 8, 9, 10],
    };
    const each = (f: (x: number, y: number) => number): number[] => a.map((x, i) => Math.fround(f(x, b[i]!)));
    expect(run(kernel, [a, b], [3])).toEqual([
      each((x, y) => x + y),
      each((x, y) => x - y),
      each((x) => x * 3),
      each((_, y) => 0.5 / y),
      each((x) => -x),
      each(Math.abs),
      each((_, y) => Math.sqrt(y)),
    ]);
  });

  test('of more than 127 values is still a valid module', () => {
    const ops = Array.from({ length: 200 }, (_, i) => ({ op: 'add', args: [i === 0 ? 0 : i + 1, 1] }) as const);
    const kernel: Kernel = { loads: 1, scalars: 0, constants: [1], ops, stores: [201] };
    expect(run(kernel, [[0, 1, 2, 3, 4]], [])).toEqual([[200, 201, 202, 203, 204]]);
  });
});

const node = await nodeEngine({ threads: 1 });
const reference = referenceEngine();
afterAll(() => node.dispose());

/** Values of variables after each of three runs, on one engine. */
async function history(engine: Engine, build: () => { body: () => Traced; variables: Variable[] }, inputs: Inputs) {
  const { body, variables } = build();
  const program = await engine.compile(body);
  const values: number[][] = [];
  for (let i = 0; i < 3; i++) {
    const results = await program.run(inputs);
    values.push(...Object.values(results).map((array) => [...toFloat64(array)]));
    for (const variable of variables) values.push([...toFloat64(await engine.read(variable))]);
  }
  await program.dispose();
  return values;
}
type Inputs = Readonly<Record<string, NdArray>>;

const uniform = (length: number, draw: number): NdArray =>
  ndArray(
    fillUniform(new Float32Array(length), { seed: 5, draw }).map((u) => u + 0.5),
    [length],
  );

test('AdamW gives what the reference gives', async () => {
  const build = () => {
    const variables = [0, 1, 2].map(
      (i) =>
        new Variable([7], {
          name: `${i}`,
          initial: () => (i === 0 ? uniform(7, 9) : fromNumbers(new Array(7).fill(0))),
        }),
    );
    const step = new Variable([], { name: 'step' });
    const [w, m, v] = variables as [Variable, Variable, Variable];
    const body = (): Traced => {
      const loss = w.value
        .mul(input('x', [7]))
        .square()
        .mean();
      const [g] = gradients(loss, [w]) as [Tensor];
      step.assign(step.value.add(1));
      m.assign(m.value.mul(0.9).add(g.mul(0.1)));
      v.assign(v.value.mul(0.999).add(g.square().mul(0.001)));
      const mHat = m.value.div(scalar(1).sub(scalar(0.9).pow(step.value)));
      const vHat = v.value.div(scalar(1).sub(scalar(0.999).pow(step.value)));
      w.assign(w.value.mul(1 - 1e-3 * 0.01).sub(mHat.div(vHat.sqrt().add(1e-8)).mul(1e-3)));
      return { loss };
    };
    return { body, variables: [...variables, step] };
  };
  const inputs = { x: uniform(7, 1) };
  const [actual, expected] = [await history(node, build, inputs), await history(reference, build, inputs)];
  actual.flat().forEach((value, i) => {
    expect(value).toBeCloseTo(expected.flat()[i]!, 5);
  });
});

/** One assignment of a random program: `target = left op right`, operands chosen by number. */
interface Statement {
  readonly target: number;
  readonly op: number;
  readonly left: number;
  readonly right: number;
}

/** Three variables, one of a single number, an input, a number, and whatever was computed before. */
function randomProgram(length: number, statements: readonly Statement[]) {
  const variables = [0, 1, 2].map((i) => new Variable([length], { name: `v${i}`, initial: () => uniform(length, i) }));
  const rate = new Variable([], { name: 'rate', initial: () => fromNumbers(0.75) });
  const targets = [...variables, rate];
  const body = (): Traced => {
    const x = input('x', [length]);
    const computed: Tensor[] = [];
    const operand = (n: number): Tensor | Variable | number => {
      const choices = [...targets, x, 0.5, x.mul(0.25), ...computed];
      return choices[n % choices.length]!;
    };
    for (const { target, op, left, right } of statements) {
      const a = operand(left);
      const b = operand(right);
      const first = typeof a === 'number' ? scalar(a) : a instanceof Variable ? a.value : a;
      const mean = first.sub(b).abs().add(1);
      const value = [first.add(b).mul(0.5), first.sub(b), first.mul(0.5), first.div(mean), mean.sqrt(), first.neg()][
        op % 6
      ]!;
      computed.push(value);
      const variable = targets[target % targets.length]!;
      if (variable === rate) rate.assign(value.mean());
      else variable.assign(value.shape.length === 0 ? value.expand([length]) : value);
    }
    return { last: computed.at(-1)! };
  };
  return { body, variables: targets };
}

test('random programs of assignments change variables as the reference does', async () => {
  const number = fc.nat(50);
  const statement = fc.record({ target: number, op: number, left: number, right: number });
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 2, max: 9 }),
      fc.array(statement, { minLength: 1, maxLength: 6 }),
      async (length, statements) => {
        const build = () => randomProgram(length, statements);
        const inputs = { x: uniform(length, 8) };
        const expected = await history(reference, build, inputs);
        const actual = await history(node, build, inputs);
        actual.forEach((values, i) => {
          values.forEach((value, j) => {
            expect(Math.abs(value - expected[i]![j]!)).toBeLessThan(1e-5 * Math.max(1, Math.abs(expected[i]![j]!)));
          });
        });
      },
    ),
    { seed: 77, numRuns: 150 },
  );
});
