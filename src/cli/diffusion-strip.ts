/** @file The pictures of `inkwash explain --data`: real ones noised, and a model's way back beside them. */
import type { SamplingPlan } from '../diffusion/gaussian/index.ts';
import {
  evenPoints,
  forwardPictures,
  type ReversePictures,
  reversePictures,
  type Strip,
  type StripRow,
} from '../evaluation/index.ts';
import {
  type DiffusionPipeline,
  isModelFolder,
  kindForScheduler,
  type PipelineKind,
  picturesOfStates,
  pipelineNetwork,
  statesOfPictures,
} from '../pipelines/index.node.ts';
import { sizeOf } from '../tensor/index.ts';
import type { ModelFlagValues } from './model-flags.ts';
import { openModel } from './open-model.ts';
import { type OpenedPictures, openPictures } from './open-pictures.ts';
import { stopOnSignals } from './signals.ts';
import type { Terminal } from './terminal.ts';

/** A strip, what it shows, and the mean square E[x₀²] of the data. */
export interface DiffusionStrip {
  readonly strip: Strip;
  readonly caption: string;
  readonly dataPower: number;
}

/** Pictures of each kind, and points of each picture. */
const PICTURES = 3;
const STAGES = 10;

/** What to draw. */
export interface StripSubject {
  readonly plan: SamplingPlan;
  readonly data: string;
  /** A run or a model folder; a scheduler's name stands for none. */
  readonly model: string | undefined;
  /** How the model is opened. */
  readonly opening: ModelFlagValues;
}

/** Draws the strip. Throws what opening the data or the model throws. */
export async function diffusionStrip(
  { plan, data, model, opening }: StripSubject,
  { steps = 50, seed = 0 }: { readonly steps?: number | undefined; readonly seed?: number },
  terminal: Terminal,
): Promise<DiffusionStrip> {
  if (model === undefined || !isModelFolder(model)) {
    const opened = await openPictures(data, undefined, terminal);
    return draw(opened, plan, kindForScheduler(plan.config.className), undefined);
  }
  const stop = stopOnSignals({ onRequest: () => terminal.say('stopping') });
  const pipeline = await openModel(model, { device: undefined, threads: undefined, ...opening }, terminal);
  try {
    const opened = await openPictures(data, pipeline.imageShape, terminal);
    return draw(opened, plan, pipeline.kind, await sampled(pipeline, plan, { steps, seed, signal: stop.signal }));
  } finally {
    stop.release();
    await pipeline.engine.dispose();
  }
}

async function sampled(
  pipeline: DiffusionPipeline,
  plan: SamplingPlan,
  options: { readonly steps: number; readonly seed: number; readonly signal: AbortSignal },
): Promise<ReversePictures> {
  const { networkFor, sampleSize } = await pipelineNetwork(pipeline, { batchSize: PICTURES });
  return reversePictures(plan, networkFor(PICTURES), { ...options, sampleSize, count: PICTURES, stages: STAGES });
}

function draw(
  { train, heldOut, shape }: OpenedPictures,
  plan: SamplingPlan,
  kind: PipelineKind,
  reverse: ReversePictures | undefined,
): DiffusionStrip {
  const sampleSize = sizeOf(shape);
  const from = heldOut.length >= PICTURES * sampleSize ? heldOut : train;
  const real = statesOfPictures(from.subarray(0, PICTURES * sampleSize), kind);
  // data on the left, noise on the right, whichever way a process runs
  const points = reverse ? [...reverse.points].reverse() : evenPoints(plan.process, STAGES);
  const rows: StripRow[] = forwardPictures(real, points, { sampleSize, seed: 1 }).map((stages) => ({
    name: 'real',
    stages,
  }));
  reverse?.states.forEach((states, i) => {
    rows.push({ name: 'model', stages: [...states].reverse() });
    rows.push({ name: 'its x0', stages: [...reverse.predictions[i]!].reverse() });
  });
  const caption = reverse
    ? 'Left to right, real pictures turn into noise. Right to left, the model turns noise into pictures; below each, what it takes the finished picture to be. States are shown at unit variance.'
    : 'Left to right, real pictures turn into noise, shown at unit variance.';
  const dataPower = statesOfPictures(train, kind).reduce((sum, value) => sum + value * value, 0) / train.length;
  const shown = rows.map(({ name, stages }) => ({ name, stages: stages.map((all) => picturesOfStates(all, kind)) }));
  return { strip: { shape, points, rows: shown }, caption, dataPower };
}
