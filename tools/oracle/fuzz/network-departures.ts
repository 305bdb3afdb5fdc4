/** @file Where inkwash's `UNet2DModel` departs from diffusers' on purpose, and how the fuzz recognises it. */
import type { Departure } from './fuzz.ts';
import type { NetworkSpec } from './network-configs.ts';
import type { NetworkAnswer, NetworkRun } from './network-fuzz.ts';

type NetworkDeparture = Departure<NetworkSpec, NetworkAnswer, NetworkRun>;

/** Refused here with a message that begins so. */
const refusedAs =
  (beginning: string): NonNullable<NetworkDeparture['explains']> =>
  (_, { refused }) =>
    refused?.message.startsWith(beginning) ?? false;

/** The rows of docs/networks.md. */
export const NETWORK_DEPARTURES: readonly NetworkDeparture[] = [
  {
    row: [
      '`KDownBlock2D`, `KUpBlock2D` and the other blocks of the k-upscaler',
      'run where all blocks of a network are such',
      'refused',
      'they belong to `UNet2DConditionModel`; no `UNet2DModel` was published with them',
    ],
    explains: (_, { refused }) => /^there is no 'K(CrossAttn)?(Down|Up)Block2D'/.test(refused?.message ?? ''),
  },
  {
    row: [
      '`layers_per_block` below 0',
      '-1 runs: up blocks without residual blocks forget the way down',
      'refused',
      'nobody means a network that is no U-Net',
    ],
    explains: (spec, found) =>
      (spec.config.layers_per_block as number) < 0 && refusedAs("UNet2DModel: 'layers_per_block'")(spec, found),
  },
  {
    row: [
      "`upsample_type` other than 'conv' and 'resnet' where an `AttnUpBlock2D` reads it",
      'does not enlarge, which fits pictures of one pixel alone',
      'refused',
      'for every other picture it is a mistake, and diffusers finds it when it runs',
    ],
    explains: (spec, found) => spec.shape[1] * spec.shape[2] === 1 && refusedAs('upsample_type')(spec, found),
  },
  {
    row: [
      'pictures of one pixel in networks that halve them',
      'run where all resampling is by strided convolutions of padding 1 and nothing is enlarged, or no state is read again',
      'refused: heights and widths are multiples of the factor',
      'as the one above',
    ],
  },
  {
    row: [
      'values of another type than diffusers documents: 0 and 1 for false and true, 8.5 channels, `downsample_padding` as a pair, a `sample_size` no picture has',
      'taken as Python takes them, or never looked at',
      'refused, naming the setting',
      'they are mistakes in every configuration we know of',
    ],
  },
];
