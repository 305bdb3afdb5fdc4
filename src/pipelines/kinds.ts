/** @file The pipelines of diffusers that inkwash opens: what each does around its network and its scheduler. */
import type { Network, SchedulerClass, State } from '../diffusion/gaussian/index.ts';
import { nearestName } from '../tensor/index.ts';

/** A class of pipelines that make pictures with a `UNet2DModel` and a scheduler, without a codec. */
export interface PipelineKind {
  readonly className: string;
  /** Values of finished pictures, black and white. */
  readonly range: readonly [low: number, high: number];
  /** Steps unless asked otherwise. */
  readonly steps: number;
  /** The class that the pipeline makes of whatever scheduler its folder holds. */
  readonly scheduler?: SchedulerClass;
  /** The scheduler that only this pipeline can run. */
  readonly belongsTo?: SchedulerClass;
  /** The network as the scheduler calls it. */
  readonly network?: (network: Network) => Network;
}

const PIXELS = { range: [-1, 1], steps: 50 } as const;

/**
 * Karras et al. 2022, eq. 213, around a network that is told half the noise level of pictures in [0, 1]:
 * `F(x, σ) = (σ/2)·net((x + 1)/2, σ/2)`.
 */
const halved =
  (network: Network): Network =>
  async (x, point, step) => {
    const half = point.sigma / 2;
    const out = await network(
      x.map((value: number) => (value + 1) / 2),
      { ...point, t: half },
      step,
    );
    return out.map((value: number) => value * half);
  };

const KINDS: readonly PipelineKind[] = [
  { className: 'DDPMPipeline', ...PIXELS },
  { className: 'DDIMPipeline', ...PIXELS, scheduler: 'DDIMScheduler' },
  { className: 'PNDMPipeline', ...PIXELS, scheduler: 'PNDMScheduler' },
  { className: 'ConsistencyModelPipeline', ...PIXELS, steps: 1, belongsTo: 'CMStochasticIterativeScheduler' },
  { className: 'ScoreSdeVePipeline', range: [0, 1], steps: 2000, belongsTo: 'ScoreSdeVeScheduler' },
  { className: 'KarrasVePipeline', ...PIXELS, belongsTo: 'KarrasVeScheduler', network: halved },
];

/** Every kind by its class name. */
export const PIPELINE_KINDS: ReadonlyMap<string, PipelineKind> = new Map(KINDS.map((kind) => [kind.className, kind]));

/** What a network and a scheduler are unless a folder says: the kind of the scheduler, else `DDPMPipeline`. */
export function kindForScheduler(schedulerClass: unknown): PipelineKind {
  return KINDS.find(({ belongsTo }) => belongsTo !== undefined && belongsTo === schedulerClass) ?? KINDS[0]!;
}

/** Pictures in [-1, 1] of finished states in the range of a kind. */
export function picturesOfStates(states: State, { range: [low, high] }: PipelineKind): Float32Array {
  const scale = 2 / (high - low);
  const shift = -1 - low * scale;
  return Float32Array.from(states, (value) => value * scale + shift);
}

/** Finished states in the range of a kind of pictures in [-1, 1]. */
export function statesOfPictures(pictures: ArrayLike<number>, { range: [low, high] }: PipelineKind): Float32Array {
  const scale = (high - low) / 2;
  const shift = low + scale;
  return Float32Array.from(pictures, (value) => value * scale + shift);
}

/** Why a pipeline of these components is not sampled: what it needs that inkwash lacks. Undefined when it is. */
export function whyNotOpened(className: string, components: Iterable<string>): string | undefined {
  const names = [...components];
  const codec = names.find((name) => /^(vae|vqvae|movq|vqgan|first_stage)/.test(name));
  const text = names.find((name) => /^text_encoder|^tokenizer|^bert$/.test(name));
  const near = nearestName(className, PIPELINE_KINDS.keys());
  if (codec !== undefined) return `it samples latents, which its ${codec} turns into pictures`;
  if (text !== undefined) return `it is told what to draw through its ${text}`;
  if (PIPELINE_KINDS.has(className)) return undefined;
  return near === undefined ? 'it is none of those it knows' : `did you mean ${near}?`;
}
