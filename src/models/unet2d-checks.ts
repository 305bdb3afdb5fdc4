/** @file Which settings of `UNet2DModel` fit each other. diffusers finds out when it builds or first runs the network. */
import { ConfigError } from '../tensor/index.ts';
import type { UNet2DConfig } from './unet2d-config.ts';

/** Throws `ConfigError` naming the settings that do not fit each other, and what would. Settings that nothing reads may be anything. */
export function checkUNet2DConfig(config: UNet2DConfig): void {
  checkChannels(config);
  checkEmbeddings(config);
  checkAttention(config);
  checkResampling(config);
  checkSkipPictures(config);
}

function checkChannels({ layers_per_block, block_out_channels }: UNet2DConfig): void {
  const [first] = block_out_channels;
  if (layers_per_block > 0 || block_out_channels.every((channels) => channels === first)) return;
  throw new ConfigError(
    `layers_per_block 0 leaves nothing to change the channels from block to block, got block_out_channels ${JSON.stringify(block_out_channels)}`,
    'give all blocks the same channels, or set layers_per_block to 1 or more',
  );
}

function checkEmbeddings(config: UNet2DConfig): void {
  const { time_embedding_type, num_train_timesteps, block_out_channels, freq_shift } = config;
  if (time_embedding_type === 'learned' && !(num_train_timesteps !== null && num_train_timesteps > 0)) {
    throw new ConfigError(
      `time_embedding_type 'learned' needs num_train_timesteps, the number of times, got ${num_train_timesteps}`,
      "set it to that of the scheduler, e.g. 1000, or use time_embedding_type 'positional'",
    );
  }
  const waves = Math.floor(block_out_channels[0]! / 2);
  if (time_embedding_type === 'positional' && waves > 0 && freq_shift === waves) {
    throw new ConfigError(
      `freq_shift ${freq_shift} with block_out_channels[0] ${block_out_channels[0]} makes the time embedding divide by zero`,
      'set freq_shift to 0, or give the first block more channels',
    );
  }
  const { class_embed_type, num_class_embeds } = config;
  if (class_embed_type === null && num_class_embeds !== null && num_class_embeds < 1) {
    throw new ConfigError(
      `num_class_embeds is the number of classes, got ${num_class_embeds}`,
      'set it to null for a network without classes',
    );
  }
}

function checkAttention(config: UNet2DConfig): void {
  const { attention_head_dim: perHead, down_block_types, up_block_types, block_out_channels } = config;
  if (perHead === null) return;
  const upwards = [...up_block_types].reverse();
  const attended = block_out_channels.filter((_, i) => /^Attn/.test(down_block_types[i]!) || /^Attn/.test(upwards[i]!));
  if (config.mid_block_type !== null && config.add_attention) attended.push(block_out_channels.at(-1)!);
  const fewest = Math.min(...attended);
  if (perHead >= 1 && perHead <= fewest) return;
  if (attended.length === 0) return;
  throw new ConfigError(
    `attention over ${fewest} channels with ${perHead} per head has no head`,
    `set attention_head_dim to ${fewest === 1 ? '1' : `at most ${fewest}`}, or to null for one head of all channels`,
  );
}

function checkResampling(config: UNet2DConfig): void {
  // the last block of each path keeps the resolution
  const down = config.down_block_types.slice(0, -1);
  const up = config.up_block_types.slice(0, -1);
  const asked = [
    ['downsample_type', config.downsample_type, down.includes('AttnDownBlock2D')],
    ['upsample_type', config.upsample_type, up.includes('AttnUpBlock2D')],
  ] as const;
  for (const [setting, value, read] of asked) {
    if (!read || resamplingOf(value) !== undefined) continue;
    throw new ConfigError(
      `${setting} '${value}' does not change the resolution, and the other path does`,
      "choose 'conv' or 'resnet'",
    );
  }
  const strided = down.some(
    (type) => type === 'DownBlock2D' || (type === 'AttnDownBlock2D' && resamplingOf(config.downsample_type) === 'conv'),
  );
  if (strided && ![0, 1].includes(config.downsample_padding)) {
    throw new ConfigError(
      `downsample_padding ${config.downsample_padding} does not halve the resolution`,
      'set it to 1, or to 0 to pad the far sides only',
    );
  }
}

/** What `downsample_type` and `upsample_type` ask for: nothing given is 'conv', and other names change no resolution. */
export function resamplingOf(setting: string | null): 'conv' | 'resnet' | undefined {
  if (setting === null || setting === '') return 'conv';
  return setting === 'conv' || setting === 'resnet' ? setting : undefined;
}

/** Skip blocks read and draw pictures of three channels, whatever the network's channels are. */
function checkSkipPictures(config: UNet2DConfig): void {
  const asked = [
    ['in_channels', config.in_channels, config.down_block_types],
    ['out_channels', config.out_channels, config.up_block_types],
  ] as const;
  for (const [setting, channels, types] of asked) {
    const skip = types.slice(0, -1).find((type) => type.includes('Skip'));
    if (skip === undefined || channels === 3) continue;
    throw new ConfigError(
      `${skip} works beside pictures of 3 channels, got ${setting} ${channels}`,
      `set ${setting} to 3, or use ${skip.includes('Down') ? 'DownBlock2D' : 'UpBlock2D'}`,
    );
  }
}
