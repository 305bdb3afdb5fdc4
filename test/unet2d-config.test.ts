/** @file The configuration and the errors of UNet2DModel. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { input, trace } from '../src/graph/index.ts';
import { currentAttentionKey, parseUNet2DConfig, UNet2DModel } from '../src/models/index.ts';
import { loadParameters } from '../src/nn/index.ts';
import { ConfigError, ShapeError, toFloat64 } from '../src/tensor/index.ts';

const tiny = {
  block_out_channels: [4, 8],
  down_block_types: ['DownBlock2D', 'AttnDownBlock2D'],
  up_block_types: ['AttnUpBlock2D', 'UpBlock2D'],
  layers_per_block: 1,
  norm_num_groups: 2,
} as const;

const attention = { down_block_types: ['AttnDownBlock2D', 'DownBlock2D'], attention_head_dim: 2 };

const golden = (name: string): Record<string, unknown> =>
  JSON.parse(readFileSync(fileURLToPath(new URL(`./golden/unet2d/${name}/config.json`, import.meta.url)), 'utf8'));

function forward(model: UNet2DModel, { size = [8, 8], labels = false, channels = 3 } = {}): unknown {
  return trace(() =>
    model.forward(
      input('x', [1, channels, ...size]),
      input('t', [1]),
      labels ? input('labels', [1], 'int64') : undefined,
    ),
  );
}

describe('configurations of UNet2DModel', () => {
  it("have diffusers' defaults", () => {
    const config = parseUNet2DConfig({});
    expect(config).toMatchObject({
      in_channels: 3,
      block_out_channels: [224, 448, 672, 896],
      attention_head_dim: 8,
      flip_sin_to_cos: true,
      norm_eps: 1e-5,
      resnet_time_scale_shift: 'default',
    });
    const { _class_name, _diffusers_version, ...written } = golden('ncsnpp');
    // diffusers wrote all of its keys: none is missing here
    expect(Object.keys(config).sort()).toEqual(Object.keys(written).sort());
  });

  it.each(['ddpm', 'class-attention', 'resnet-resampling', 'learned-time', 'ncsnpp', 'no-layers'])(
    'pass through unchanged: %s',
    (name) => {
      const { _class_name, _diffusers_version, ...written } = golden(name);
      expect(UNet2DModel.fromConfig(golden(name)).config).toEqual(written);
    },
  );

  it('suggest the nearest key for one that does not exist', () => {
    expect(() => parseUNet2DConfig({ block_out_chanels: [8] })).toThrow(ConfigError);
    expect(() => parseUNet2DConfig({ block_out_chanels: [8] })).toThrow("did you mean 'block_out_channels'?");
    expect(() => parseUNet2DConfig({ nonsense: 1 })).toThrow('the settings are: sample_size, in_channels');
  });

  it('understand block types of the first diffusers releases', () => {
    const config = parseUNet2DConfig({ ...tiny, down_block_types: ['UNetResDownBlock2D', 'UNetResAttnDownBlock2D'] });
    expect(config.down_block_types).toEqual(tiny.down_block_types);
  });

  it.each([
    { ...tiny, down_block_types: ['DownBlock2D', 'AttnDownBlock2D'], downsample_type: 'unread', downsample_padding: 1 },
    { ...tiny, ...attention, mid_block_type: null, downsample_type: 'resnet', downsample_padding: 7 },
    { ...tiny, num_train_timesteps: -1, class_embed_type: 'timestep', num_class_embeds: -1 },
    { ...tiny, add_attention: false, attn_norm_num_groups: 3 },
  ])('may hold anything where nothing reads it: %o', (config) => {
    const model = UNet2DModel.fromConfig(config);
    expect(model.config).toMatchObject(config);
    const labels = () => model.classInput && input('labels', [1], model.classInput.dtype);
    expect(() => trace(() => model.forward(input('x', [1, 3, 8, 8]), input('t', [1]), labels()))).not.toThrow();
  });

  it('ignore keys that start with _', () => {
    expect(() => parseUNet2DConfig({ _use_default_values: ['x'] })).not.toThrow();
  });

  it.each([
    [{ ...tiny, down_block_types: ['DownBlock2D', 'AtnDownBlock2D'] }, "did you mean 'AttnDownBlock2D'?"],
    [{ ...tiny, up_block_types: ['UpBlock2D'] }, 'as many down_block_types (2) as up_block_types (1)'],
    [{ act_fn: 'tanh' }, 'choose one of silu, swish, mish, gelu, relu'],
    [{ block_out_channels: [8, -1] }, "'block_out_channels.1' does not fit, got [8,-1]"],
    [{ dropout: 1.5 }, "'dropout' does not fit, got 1.5"],
    [{ mid_block_scale_factor: 0 }, 'give a number other than 0, since sums are divided by it'],
    [{ ...tiny, layers_per_block: 0 }, 'layers_per_block 0 leaves nothing to change the channels'],
    [{ ...tiny, freq_shift: 2 }, 'freq_shift 2 with block_out_channels[0] 4 makes the time embedding divide by zero'],
    [{ ...tiny, downsample_padding: 2 }, 'downsample_padding 2 does not halve the resolution'],
    [{ ...tiny, ...attention, downsample_type: 'pool' }, "downsample_type 'pool' does not change the resolution"],
    [
      { ...tiny, up_block_types: ['AttnUpBlock2D', 'UpBlock2D'], upsample_type: 'x' },
      "upsample_type 'x' does not change",
    ],
    [{ ...tiny, attention_head_dim: 0 }, 'attention over 8 channels with 0 per head has no head'],
    [{ ...tiny, attn_norm_num_groups: 3 }, 'the 8 channels of mid_block.attentions.0.group_norm do not divide into 3'],
    [{ ...tiny, num_class_embeds: 0 }, 'num_class_embeds is the number of classes, got 0'],
    [{ time_embedding_type: 'learned', num_train_timesteps: 0 }, 'the number of times, got 0'],
    [
      { ...tiny, down_block_types: ['SkipDownBlock2D', 'DownBlock2D'], in_channels: 1 },
      'set in_channels to 3, or use DownBlock2D',
    ],
    [
      { ...tiny, up_block_types: ['SkipUpBlock2D', 'UpBlock2D'], out_channels: 1 },
      'set out_channels to 3, or use UpBlock2D',
    ],
    [{ ...tiny, norm_num_groups: null }, 'may be null only where all blocks are skip blocks'],
    [{ time_embedding_type: 'learned' }, 'needs num_train_timesteps'],
    [{ ...tiny, attention_head_dim: 16 }, 'attention over 8 channels with 16 per head has no head'],
  ])('refuse %o', (config, message) => {
    expect(() => UNet2DModel.fromConfig(config)).toThrow(ConfigError);
    expect(() => UNet2DModel.fromConfig(config)).toThrow(message);
  });
});

describe('UNet2DModel', () => {
  it('starts the same from the same seed', () => {
    const start = (seed: number): Float64Array => toFloat64(new UNet2DModel(tiny, { seed }).convIn.weight.initial());
    expect(start(1)).toEqual(start(1));
    expect(start(1)).not.toEqual(start(2));
  });

  it('says which multiple a height and a width must be', () => {
    const model = new UNet2DModel(tiny);
    expect(model.factor).toBe(2);
    expect(() => forward(model, { size: [8, 9] })).toThrow(ShapeError);
    expect(() => forward(model, { size: [8, 9] })).toThrow('multiples of 2, got 8×9');
  });

  it('says how many channels it takes', () => {
    expect(() => forward(new UNet2DModel(tiny), { channels: 4 })).toThrow('[B, 3, H, W], got [1, 4, 8, 8]');
  });

  it('asks for class labels where it has classes, and refuses them where it has none', () => {
    const classes = new UNet2DModel({ ...tiny, num_class_embeds: 3 });
    expect(() => forward(classes)).toThrow('this network needs class labels');
    expect(() => forward(classes, { labels: true })).not.toThrow();
    expect(() => forward(new UNet2DModel(tiny), { labels: true })).toThrow('this network takes no class labels');
  });

  it('names the number of groups that does not divide the channels, and the module', () => {
    expect(() => new UNet2DModel({ ...tiny, norm_num_groups: 3 })).toThrow(
      /the 4 channels of down_blocks\.0\.resnets\.0\.norm1 do not divide into 3 groups[\s\S]*hint: choose norm_num_groups/,
    );
    const skip = {
      block_out_channels: [8],
      down_block_types: ['AttnSkipDownBlock2D'],
      up_block_types: ['SkipUpBlock2D'],
    };
    expect(() => UNet2DModel.fromConfig({ ...skip, norm_num_groups: null })).toThrow(
      /the 8 channels of down_blocks\.0\.attentions\.0\.group_norm do not divide into 32 groups[\s\S]*with attention of 32/,
    );
  });

  it('loads attention under its old names', async () => {
    const model = new UNet2DModel(tiny);
    const old = new Map(
      [...model.namedParameters()].map(([key, parameter]) => [
        key
          .replace('.to_q.', '.query.')
          .replace('.to_k.', '.key.')
          .replace('.to_v.', '.value.')
          .replace('.to_out.0.', '.proj_attn.'),
        parameter.initial(),
      ]),
    );
    expect(old.has('mid_block.attentions.0.proj_attn.bias')).toBe(true);
    expect(await loadParameters(model, old)).toEqual({ missing: [], unexpected: [] });
    expect(currentAttentionKey('down_blocks.1.attentions.0.group_norm.weight')).toBe(
      'down_blocks.1.attentions.0.group_norm.weight',
    );
  });
});
