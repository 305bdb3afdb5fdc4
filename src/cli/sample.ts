/** @file `inkwash sample`: pictures from a run or a model folder. */
import { join } from 'node:path';
import { consecutiveSeeds, RNGS, SOLVER_NAMES } from '../diffusion/gaussian/index.ts';
import { checkWritable, refuseOverwriting } from '../formats/index.node.ts';
import {
  type GenerateOptions,
  type GenerationProgress,
  generationText,
  type Label,
  saveGrid,
  saveImages,
} from '../pipelines/index.node.ts';
import { plural } from '../tensor/plural.ts';
import { isRunFolder } from '../training/index.node.ts';
import {
  choice,
  decimal,
  decimals,
  type Flags,
  type FlagValues,
  outFile,
  text,
  texts,
  toggle,
  whole,
} from './flags.ts';
import { formatDuration } from './format.ts';
import { MODEL_FLAGS } from './model-flags.ts';
import { ENGINE_FLAGS, openModel } from './open-model.ts';
import { ProgressLine } from './progress-line.ts';
import { saveNamed } from './save-named.ts';
import { stopOnSignals } from './signals.ts';
import type { Terminal } from './terminal.ts';
import { UsageError } from './usage-error.ts';
import { defineVerb } from './verb.ts';
import type { Written } from './written.ts';

const flags = {
  count: whole('How many pictures (default: 64)', { short: 'n', least: 1 }),
  steps: whole("Solver steps (default: the model's own)", { least: 1 }),
  timesteps: decimals('Training times to visit in place of --steps, descending', { example: '999,700,300' }),
  solver: text(`${SOLVER_NAMES.slice(0, 6).join(', ')}, …; with a grid: dpm++2m-karras`, { value: 'name' }),
  seed: whole('Seed of the first picture; the others follow (default: 0)'),
  label: texts('Class by name or number; several, separated by commas, take turns; none for any', { value: 'class' }),
  caption: text('Words of class names in place of --label, e.g. "red hair, glasses"', { value: 'words' }),
  guidance: decimal('Classifier-free guidance: 1 is none', { value: 'w', least: 0 }),
  batch: whole('Pictures per run of the network', { least: 1, setting: 'batchSize' }),
  eta: decimal('Stochasticity of a solver that has one, such as ddim: from 0, none, to 1', { least: 0, most: 1 }),
  rng: choice(`Noise: ${RNGS.join(', ')}`, RNGS),
  columns: whole('Pictures per row of the grid', { least: 1 }),
  out: outFile(
    'The grid; an older file is replaced (default: samples/grid.png of a run, else grid.png, with a number where that is taken)',
    ['png'],
  ),
  images: text('Also write every picture on its own, <seed>.png', { value: 'folder' }),
  overwrite: toggle('Replace pictures in --images, and a grid that was not named'),
  ...MODEL_FLAGS,
  ...ENGINE_FLAGS,
} satisfies Flags;

type SampleFlags = FlagValues<typeof flags>;

export const sampleVerb = defineVerb({
  name: 'sample',
  subject: '<model>',
  about: 'Make pictures with a run or a diffusers model folder',
  flags,
  examples: ['inkwash sample runs/avatars -n 16 --seed 7'],
  run: sample,
});

/** Pictures of the default grid. */
const DEFAULT_COUNT = 64;

async function sample(
  path: string,
  given: SampleFlags,
  terminal: Terminal,
  written: Written<typeof flags>,
): Promise<number> {
  const { count = DEFAULT_COUNT, seed = 0, images: folder, overwrite = false } = given;
  const named = given.out?.path;
  checkTogether(given);
  await checkWritable(named ?? defaultOut(path));
  if (folder !== undefined) {
    const pictures = consecutiveSeeds(seed, count).map((one) => pictureFile(folder, one));
    await checkWritable(pictures[0]!);
    await refuseOverwriting(pictures, { overwrite });
    if (named !== undefined) await refuseOverwriting([named, ...pictures], { overwrite: true });
  }
  const stop = stopOnSignals({ onRequest: () => terminal.say('stopping') });
  const line = new ProgressLine(terminal);
  const pipeline = await openModel(path, given, terminal);
  try {
    const began = performance.now();
    const result = await pipeline.generate({
      ...generateOptions(given, pipeline.notes.classNames),
      count,
      signal: stop.signal,
      onStep: ({ done, total }: GenerationProgress) => line.show('sampling', done, total),
    });
    const seconds = (performance.now() - began) / 1000;
    line.clear();
    const textOf = (index: number) => ({ parameters: generationText(result, pipeline.imageShape, index) });
    const grid = { text: textOf(0), ...(given.columns !== undefined && { columns: given.columns }) };
    const save = (file: string, replace: boolean) => saveGrid(file, result.images, { ...grid, overwrite: replace });
    const out = await saveNamed(given.out?.path, defaultOut(path), { overwrite, save });
    const images =
      folder === undefined
        ? []
        : await saveImages(result.images, (i) => pictureFile(folder, result.seeds[i]!), { textOf, overwrite });
    const { solver, steps, guidance, seeds, labels } = result;
    const [first = 0] = seeds;
    const seeding = seeds.length === 1 ? `seed ${first}` : `seeds ${first} to ${seeds.at(-1)}`;
    terminal.say(
      `${plural(count, 'picture')} in ${formatDuration(seconds)} (${solver}, ${plural(steps, 'step')}, ${seeding})`,
    );
    terminal.printJson({ grid: out, images, count, solver, steps, guidance, seeds, labels: labels ?? null, seconds });
    terminal.print(out);
    const another = { without: ['out', 'images'], change: { seed: String((seeds.at(-1) ?? 0) + 1) } };
    terminal.next(['sample', path, ...written.again(another)]);
    return 0;
  } finally {
    line.clear();
    stop.release();
    await pipeline.engine.dispose();
  }
}

function defaultOut(path: string): string {
  return isRunFolder(path) ? join(path, 'samples', 'grid.png') : 'grid.png';
}

function pictureFile(folder: string, seed: number): string {
  return join(folder, `${seed}.png`);
}

/** Flags that say the same thing twice. */
function checkTogether({ steps, timesteps, label, caption }: SampleFlags): void {
  if (steps !== undefined && timesteps !== undefined) {
    throw new UsageError('--steps and --timesteps were given', 'give one of them');
  }
  if (label !== undefined && caption !== undefined) {
    throw new UsageError('--label and --caption were given', 'give one of them');
  }
}

function generateOptions(given: SampleFlags, classNames?: readonly string[]): GenerateOptions {
  const { count = DEFAULT_COUNT, batch, label, ...rest } = given;
  const { steps, timesteps, solver, seed, guidance, eta, rng, caption } = rest;
  return {
    ...(steps !== undefined && { steps }),
    ...(timesteps !== undefined && { timesteps }),
    ...(solver !== undefined && { solver }),
    ...(seed !== undefined && { seed }),
    ...(guidance !== undefined && { guidance }),
    ...(batch !== undefined && { batchSize: batch }),
    ...(eta !== undefined && { eta }),
    ...(rng !== undefined && { rng }),
    ...(label !== undefined && { label: labels(label, classNames, count) }),
    ...(caption !== undefined && { caption }),
  };
}

/** One class, or several in turns: a text that is no class's name is a list of them. */
function labels(given: readonly string[], classNames: readonly string[] = [], count: number): Label | Label[] {
  const all = given.flatMap((text) => (classNames.includes(text) ? text : text.split(',').map((part) => part.trim())));
  const classes = all.map((text) => (text === 'none' && !classNames.includes(text) ? null : text));
  return classes.length === 1 ? classes[0]! : Array.from({ length: count }, (_, i) => classes[i % classes.length]!);
}
