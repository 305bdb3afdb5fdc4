/** @file A pipeline with a network of 4×4 grey pictures, on the reference engine, for tests. */
import { writeSchedulerConfig } from '../diffusion/gaussian/index.ts';
import { type ImageModelNotes, UNet2DModel } from '../models/index.ts';
import { referenceEngine } from '../runtime/index.ts';
import { DiffusionPipeline } from './diffusion-pipeline.ts';

/** Makes one with these `notes`. `classes`: rows of its class embedding; none by default. */
export function tinyPipeline(notes: ImageModelNotes = {}, classes: number | null = null): DiffusionPipeline {
  return new DiffusionPipeline({
    engine: referenceEngine(),
    unet: UNet2DModel.fromConfig({
      sample_size: 4,
      in_channels: 1,
      out_channels: 1,
      block_out_channels: [4, 8],
      down_block_types: ['DownBlock2D', 'DownBlock2D'],
      up_block_types: ['UpBlock2D', 'UpBlock2D'],
      layers_per_block: 1,
      norm_num_groups: 2,
      attention_head_dim: 4,
      num_class_embeds: classes,
    }),
    scheduler: writeSchedulerConfig('DDPMScheduler', {
      beta_schedule: 'squaredcos_cap_v2',
      prediction_type: 'v_prediction',
    }),
    notes,
  });
}
