import { expect, test } from 'vitest';
import type { Engine } from '../runtime/index.ts';
import { DiffusionPipeline } from './diffusion-pipeline.ts';
import { tinyPipeline } from './tiny-pipeline.fixture.ts';

const sampling = { solver: 'ddim', steps: 3, guidance: 1 };
const unconditional = tinyPipeline({ sampling });
const conditional = tinyPipeline({ sampling, classNames: ['cat', 'dog'], nullLabel: 2 }, 3);

const rows = (data: Float32Array, size: number): number[][] =>
  Array.from({ length: data.length / size }, (_, i) => Array.from(data.subarray(i * size, (i + 1) * size)));

test('uses the solver, steps and guidance of the model unless asked otherwise', async () => {
  const { solver, steps, guidance, seeds, images } = await unconditional.generate();
  expect({ solver, steps, guidance, seeds }).toEqual({ ...sampling, seeds: [0] });
  expect(images.shape).toEqual([1, 1, 4, 4]);
  expect(Math.max(...images.data.map(Math.abs))).toBeLessThanOrEqual(1);
  expect(await unconditional.generate({ solver: 'heun', steps: 2 })).toMatchObject({ solver: 'heun', steps: 2 });
});

test.each(['ddim', 'ddpm', 'unipc', 'euler-a', 'dpm++2m-sde'])(
  'a picture of %s depends on its own seed alone, whatever the batch size',
  async (solver) => {
    const whole = rows((await unconditional.generate({ count: 5, seed: 3, batchSize: 5, solver })).images.data, 16);
    const chunked = rows((await unconditional.generate({ count: 5, seed: 3, batchSize: 2, solver })).images.data, 16);
    const alone = rows((await unconditional.generate({ count: 1, seed: 6, solver })).images.data, 16);
    expect(chunked).toEqual(whole);
    expect(alone[0]).toEqual(whole[3]);
    expect(whole[0]).not.toEqual(whole[1]);
  },
);

test('a pipeline that keeps one program frees it for one of another batch size, unless a call still needs it', async () => {
  const { engine, unet, scheduler } = tinyPipeline();
  let live = 0;
  const counting: Engine = {
    name: engine.name,
    compile: async (body, options) => {
      const program = await engine.compile(body, options);
      live++;
      return { ...program, run: (...given) => program.run(...given), dispose: async () => void live-- };
    },
    read: (variable) => engine.read(variable),
    write: (variable, value) => engine.write(variable, value),
    dispose: () => engine.dispose(),
  };
  const generate = (pipeline: DiffusionPipeline, count: number) =>
    pipeline.generate({ count, steps: 1, solver: 'ddim' });
  const one = new DiffusionPipeline({ engine: counting, unet, scheduler, keepsPrograms: false });
  for (const count of [1, 2, 2, 1]) {
    await generate(one, count);
    expect(live).toBe(1);
  }
  const pictures = await Promise.all([1, 2, 3].map((count) => generate(one, count)));
  expect(pictures.map(({ seeds }) => seeds.length)).toEqual([1, 2, 3]);
  await one.dispose();
  expect(live).toBe(0);
  const several = new DiffusionPipeline({ engine: counting, unet, scheduler });
  for (const count of [1, 2]) await generate(several, count);
  expect(live).toBe(2);
});

test('tells after every step how far it is, and what the pictures look like', async () => {
  const seen: [number, number, number, readonly number[]][] = [];
  await unconditional.generate({
    count: 3,
    batchSize: 2,
    onStep: ({ done, total, first, images }) => void seen.push([done, total, first, images.shape]),
  });
  expect(seen.map(([done]) => done)).toEqual([1, 2, 3, 4, 5, 6]);
  expect(seen[0]).toEqual([1, 6, 0, [2, 1, 4, 4]]);
  expect(seen[5]).toEqual([6, 6, 2, [1, 1, 4, 4]]);
});

test('stops between steps when it is told to', async () => {
  const controller = new AbortController();
  const options = { signal: controller.signal, onStep: () => controller.abort(new Error('enough')) };
  await expect(unconditional.generate(options)).rejects.toThrow('enough');
});

test('gives classes by name or number, in turns when none is asked for', async () => {
  const labelsOf = async (label?: string | number | null | (string | number)[]) =>
    (await conditional.generate({ count: 3, steps: 1, ...(label !== undefined && { label }) })).labels;
  expect(await labelsOf()).toEqual([1, 0, 1]);
  expect(await labelsOf('dog')).toEqual([1, 1, 1]);
  expect(await labelsOf(0)).toEqual([0, 0, 0]);
  expect(await labelsOf(null)).toEqual([2, 2, 2]);
  expect(await labelsOf(['dog', 'cat', 1])).toEqual([1, 0, 1]);
});

test('draws the classes a caption describes, as frequent as in the data', async () => {
  const classNames = ['cat, grey', 'cat, black', 'dog, grey'];
  const pipeline = tinyPipeline({ classNames, classCounts: [1, 3, 50], nullLabel: 3 }, 4);
  const labelsOf = async (caption: string) => (await pipeline.generate({ count: 4, steps: 1, caption })).labels;
  expect([...(await labelsOf('cat'))!].sort()).toEqual([0, 1, 1, 1]);
  expect(await labelsOf('grey, dog')).toEqual([2, 2, 2, 2]);
});

test('guidance moves from the unconditional to the conditional prediction, and beyond', async () => {
  const make = async (guidance: number, label: string | null = 'cat') =>
    (await conditional.generate({ steps: 1, label, guidance })).images.data;
  expect(await make(0)).toEqual(await make(1, null));
  expect(await make(1)).not.toEqual(await make(0));
  // one step of DDIM from noise is linear in the prediction, up to clipping
  const [none, one, two] = [await make(0), await make(1), await make(2)];
  for (const [i, value] of two.entries()) {
    const expected = Math.max(-1, Math.min(1, 2 * one[i]! - none[i]!));
    if (Math.max(Math.abs(none[i]!), Math.abs(one[i]!)) < 1) expect(value).toBeCloseTo(expected, 4);
  }
});

test('says what is wrong with a request', async () => {
  const refused = (pipeline: DiffusionPipeline, options: object, message: RegExp) =>
    expect(pipeline.generate(options)).rejects.toThrow(message);
  await refused(
    conditional,
    { label: 'catt' },
    /no class 'catt'\n {2}hint: did you mean 'cat'\? the classes are: cat, dog/,
  );
  await refused(conditional, { label: 7 }, /no class '7'/);
  await refused(conditional, { label: ['cat'], count: 2 }, /2 pictures asked for, with 1 label\b/);
  await refused(unconditional, { label: 'cat' }, /takes no classes/);
  await refused(unconditional, { caption: 'cat' }, /takes no classes/);
  await refused(unconditional, { guidance: 2 }, /no classes that guidance could exaggerate/);
  await refused(conditional, { caption: 'cat', label: 1 }, /a label and a caption were given/);
  await refused(unconditional, { count: 0 }, /'count' is a whole number/);
  await refused(unconditional, { seed: -1 }, /a seed is a whole number/);
  await refused(unconditional, { steps: 2000 }, /2000 steps are more than the 1000/);
  await refused(unconditional, { solver: 'dimm' }, /no solver 'dimm'/);
});
