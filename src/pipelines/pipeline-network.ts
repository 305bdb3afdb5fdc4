/** @file A pipeline's network on its own, for solvers that are run by hand: any number of states, in batches. */
import type { Network } from '../diffusion/gaussian/denoiser.ts';
import { guidedByClass } from '../diffusion/gaussian/sampling.ts';
import { compileNetwork } from '../models/network-program.ts';
import { spreadLabel } from '../models/spread-labels.ts';
import { ConfigError, sizeOf } from '../tensor/index.ts';
import type { DiffusionPipeline } from './diffusion-pipeline.ts';

/** A compiled network; dispose when done. */
export interface PipelineNetwork {
  /** Elements of one sample. */
  readonly sampleSize: number;
  /**
   * The network for `count` samples. Where it takes classes they are spread as in `generate`, with the model's own
   * guidance; where it knows no class names it is told `none`.
   */
  networkFor(count: number): Network;
  dispose(): Promise<void>;
}

/** Compiles the network of `pipeline` for runs of `batchSize` samples. */
export async function pipelineNetwork(
  pipeline: DiffusionPipeline,
  { batchSize }: { readonly batchSize: number },
): Promise<PipelineNetwork> {
  const { engine, unet, notes, kind, takesLabels, imageShape: shape } = pipeline;
  const sampleSize = sizeOf(shape);
  const program = await compileNetwork(engine, unet, { batchSize, shape, labels: takesLabels });
  const within = (network: Network): Network => kind.network?.(network) ?? network;
  return {
    sampleSize,
    networkFor(count) {
      if (!takesLabels) return within(program.network());
      const { nullLabel, classNames = [] } = notes;
      const counts = notes.classCounts ?? classNames.map(() => 1);
      if (counts.length === 0 && nullLabel === undefined) {
        throw new ConfigError('this network has to be told a class, and names none', 'use a model trained by inkwash');
      }
      const labels = Array.from({ length: count }, (_, i) => (counts.length > 0 ? spreadLabel(i, counts) : nullLabel!));
      const guided = guidedByClass((some) => program.network(some), {
        labels,
        nullLabel,
        scale: notes.sampling?.guidance ?? 1,
      });
      return within(guided);
    },
    dispose: () => program.dispose(),
  };
}
