/** @file Settings that are sound alone and fail together, long after the start: found before a run begins. */
import type { DiscreteProcess } from '../diffusion/gaussian/discrete.ts';
import { minSnrWeight } from '../diffusion/gaussian/objectives/min-snr.ts';
import { parameterisation, readout } from '../diffusion/gaussian/parameterisation.ts';
import { planForSolver } from '../diffusion/gaussian/plan-for-solver.ts';
import { pointAt } from '../diffusion/gaussian/process.ts';
import { sampleWithPlan } from '../diffusion/gaussian/sampling.ts';
import { fromSchedulerConfig } from '../diffusion/gaussian/scheduler-config/index.ts';
import type { UNet2DConfig } from '../models/unet2d-config.ts';
import { ConfigError, InkwashError } from '../tensor/index.ts';
import type { TrainingConfig } from './config.ts';
import { trainingScheduler } from './training-scheduler.ts';

/** Previews show whether it learns: few steps. */
export const PREVIEW_STEPS = 10;

/**
 * Checks what a network is trained on and how. Throws `ConfigError` naming the settings that do not go together: noise that
 * cannot be told from pictures, losses and weights that are no numbers, times the network has no embedding for, another size
 * than the pictures have, guidance away from a class for none that is never trained.
 */
export function checkCombinations(config: TrainingConfig, imageShape: readonly number[]): void {
  checkProcess(config);
  checkNetwork(config.model as unknown as UNet2DConfig, config.diffusion.num_train_timesteps, imageShape);
  const { labels, dropout } = config.conditioning;
  if (labels && dropout === 0 && config.sampling.guidance !== 1) {
    throw new ConfigError(
      `sampling.guidance ${config.sampling.guidance} compares with pictures of no class, which conditioning.dropout 0 never trains`,
      'set conditioning.dropout to 0.1, or sampling.guidance to 1',
    );
  }
}

/** Every time that training draws must have finite numbers, and sampling be able to read pictures off the output. */
function checkProcess({ diffusion, objective: { snrGamma } }: TrainingConfig): void {
  const { prediction_type: prediction, num_train_timesteps: steps } = diffusion;
  const process = fromSchedulerConfig(trainingScheduler({ diffusion })).process as DiscreteProcess;
  const weight = snrGamma === null ? () => 1 : minSnrWeight(snrGamma, prediction);
  for (let t = 0; t < steps; t++) {
    const point = pointAt(process, t);
    if (!(point.alpha >= 0 && point.sigma > 0 && point.alpha < 1)) {
      throw new ConfigError(
        `the noise schedule of diffusion has no level for step ${t} of ${steps}: α = ${point.alpha}, σ = ${point.sigma}`,
        'use more diffusion.num_train_timesteps, or another diffusion.beta_schedule',
      );
    }
    if (!readout(parameterisation(prediction), point).x0.every((factor) => Number.isFinite(Math.fround(factor)))) {
      throw new ConfigError(
        `diffusion.prediction_type ${prediction} says nothing of the picture where the SNR is zero, as it is at step ${t}` +
          `${diffusion.rescale_betas_zero_snr ? ' with diffusion.rescale_betas_zero_snr' : ''}`,
        'set diffusion.prediction_type to v_prediction',
      );
    }
    if (!Number.isFinite(weight(point))) {
      throw new ConfigError(
        `objective.snrGamma gives the weight ${weight(point)} at step ${t}`,
        'set objective.snrGamma to null, or diffusion.prediction_type to v_prediction',
      );
    }
  }
}

function checkNetwork(model: UNet2DConfig, steps: number, [, height, width]: readonly number[]): void {
  const { sample_size: size, time_embedding_type: embedding, num_train_timesteps: rows } = model;
  const [high, wide] = typeof size === 'number' ? [size, size] : (size ?? [height, width]);
  if (high !== height || wide !== width) {
    throw new ConfigError(
      `model.sample_size is ${JSON.stringify(size)}, the pictures are ${width}×${height}`,
      'leave model.sample_size out, or set data.size to it',
    );
  }
  if (embedding === 'fourier') {
    throw new ConfigError(
      "model.time_embedding_type 'fourier' takes the logarithm of a noise level; training counts steps from 0",
      "leave it out, or set it to 'positional'",
    );
  }
  if (embedding === 'learned' && rows !== null && rows < steps) {
    throw new ConfigError(
      `model.num_train_timesteps has embeddings for ${rows} steps, diffusion.num_train_timesteps is ${steps}`,
      'give both the same number',
    );
  }
}

/**
 * Samples one number with a network that returns nothing, as the previews and the final pictures will be sampled.
 * Throws `ConfigError` when the solver refuses the number of steps or ends in something that is no number.
 */
export async function rehearseSampling(config: TrainingConfig): Promise<void> {
  const { solver, steps } = config.sampling;
  const plan = planForSolver(trainingScheduler(config), solver);
  for (const count of [...new Set([Math.min(PREVIEW_STEPS, steps), steps])]) {
    try {
      await sampleWithPlan(plan, (x) => x.map(() => 0), { seeds: [0], sampleSize: 1, steps: count });
    } catch (error) {
      if (!(error instanceof InkwashError)) throw error;
      throw new ConfigError(
        `sampling.solver ${solver} cannot sample in ${count} steps: ${error.problem}`,
        'choose another sampling.solver or sampling.steps',
        { cause: error },
      );
    }
  }
}

/** What of a configuration will not do what it says, a sentence each. */
export function remarksOn({ conditioning, sampling }: TrainingConfig): string[] {
  if (conditioning.labels || sampling.guidance === 1) return [];
  return [`sampling.guidance ${sampling.guidance} does nothing: the network is told no classes (conditioning.labels)`];
}
