/** @file Presets: a sensible configuration for any data set, by the size of its pictures, and tuned ones by name. */
import { formatImageSize, type ImageShape, type ImageSize } from '../data/index.ts';
import { ConfigError } from '../tensor/index.ts';
import type { TrainingConfigInput } from './config.ts';

/** What a preset depends on. */
export interface PresetRequest {
  /** What the user typed: a built-in name, or a path. */
  readonly spec: string;
  /** `[C, H, W]` of the pictures. */
  readonly imageShape: readonly [number, number, number];
  /** Pictures to train on. */
  readonly count: number;
  readonly classNames: readonly string[] | undefined;
  /** Channels of each resolution, when they are given; the rest of the network follows from them. */
  readonly channels?: readonly number[] | undefined;
}

/** Width of each resolution, from the full size down: what a CPU trains in minutes. */
function channelsFor(size: number): number[] {
  if (size <= 16) return [48, 96];
  if (size <= 32) return [32, 64, 128];
  if (size <= 64) return [32, 64, 128, 128];
  return [32, 64, 128, 128, 256];
}

/** The largest number of groups up to `most` that divides every width. */
function groupsFor(channels: readonly number[], most = 32): number {
  for (let groups = most; groups > 1; groups--) {
    if (channels.every((width) => width % groups === 0)) return groups;
  }
  return 1;
}

/** Attention costs area squared: it pays from here down. */
const ATTENTION_SIZE = 8;

/**
 * A small U-Net for pictures of `imageShape`: a residual block per resolution (two on the way up), attention at 8×8 and below.
 * Throws `ConfigError` when the size cannot be halved as often as the network does.
 */
export function unetPreset({
  imageShape,
  channels,
}: Pick<PresetRequest, 'imageShape' | 'channels'>): Readonly<Record<string, unknown>> {
  const [colours, height, width] = imageShape;
  const widths = channels ?? channelsFor(Math.max(height, width));
  checkSize(imageShape, widths.length);
  const attends = widths.map((_, i) => i > 0 && Math.max(height, width) / 2 ** i <= ATTENTION_SIZE);
  return {
    sample_size: height === width ? height : [height, width],
    in_channels: colours,
    out_channels: colours,
    block_out_channels: [...widths],
    layers_per_block: 1,
    down_block_types: attends.map((yes) => (yes ? 'AttnDownBlock2D' : 'DownBlock2D')),
    up_block_types: attends.map((yes) => (yes ? 'AttnUpBlock2D' : 'UpBlock2D')).reverse(),
    norm_num_groups: groupsFor(widths),
    attention_head_dim: Math.min(groupsFor(widths.slice(-1), 64), ...widths.filter((_, i) => attends[i])),
  };
}

/** Throws `ConfigError` unless pictures of this size can be halved once less than there are resolutions. */
export function checkSize([, height, width]: ImageShape, resolutions: number): void {
  const factor = 2 ** (resolutions - 1);
  if (height % factor === 0 && width % factor === 0) return;
  const fitted = (round: (edge: number) => number): ImageSize =>
    formatImageSize({ width: round(width / factor) * factor, height: round(height / factor) * factor });
  const sizes = [...new Set([fitted((edge) => Math.max(1, Math.floor(edge))), fitted(Math.ceil)])].join(' or ');
  throw new ConfigError(
    `pictures of ${width}×${height} do not fit a network of ${resolutions} resolutions: width and height must be multiples of ${factor}`,
    {
      api: `set data.size to ${sizes}, or fewer entries in model.block_out_channels`,
      cli: `use --size ${sizes}, or fewer entries in model.block_out_channels`,
    },
  );
}

/** Settings tuned for a built-in data set, over the ones by size. */
const BY_NAME: Readonly<Record<string, TrainingConfigInput>> = {
  // the widest network that a laptop trains for long enough in three minutes; classes let guidance show every attribute
  avatars: {
    minutes: 2.9,
    data: { labelBy: ['hairColor', 'glasses', 'hat'] },
    model: {
      block_out_channels: [32, 64],
      down_block_types: ['DownBlock2D', 'DownBlock2D'],
      up_block_types: ['UpBlock2D', 'UpBlock2D'],
      norm_num_groups: 16,
      attention_head_dim: 32,
    },
    objective: { snrGamma: 5 },
    optimizer: { name: 'muon', muonRate: 6, betas: [0.9, 0.99] },
    learningRate: 2e-3,
    hold: 0.3,
    ema: { decay: 0.995 },
    conditioning: { labels: true },
    sampling: { solver: 'dpm++2m-sde', steps: 25, guidance: 2 },
  },
  mnist: { minutes: 5 },
};

/** What the preset of a data set says of how to open it. */
export function presetData(spec: string): Exclude<TrainingConfigInput['data'], string | undefined> {
  const data = Object.hasOwn(BY_NAME, spec) ? BY_NAME[spec]!.data : undefined;
  return typeof data === 'object' ? data : {};
}

/** Batch of a preset, where there are as many pictures. */
const BATCH = 32;

/** Settings for the data set, to be laid under what the user asks for. */
export function presetFor(request: PresetRequest): TrainingConfigInput {
  const { spec, count, classNames } = request;
  // a network of other channels follows the general rules
  const { model, ...named } = Object.hasOwn(BY_NAME, spec) ? BY_NAME[spec]! : {};
  return {
    minutes: 10,
    batchSize: Math.max(1, Math.min(BATCH, count)),
    conditioning: { labels: classNames !== undefined },
    ...named,
    model: { ...unetPreset(request), ...(request.channels === undefined && model) } as TrainingConfigInput['model'] &
      object,
  };
}
