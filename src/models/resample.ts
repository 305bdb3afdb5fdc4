/** @file Halving and doubling the resolution. */
import { avgPool, type ConvOptions, constant, conv, convTranspose, resize, type Tensor } from '../graph/index.ts';
import { Conv2d, Module } from '../nn/index.ts';
import { ndArray } from '../tensor/index.ts';

/** A strided 3×3 convolution. x: [B, C, H, W] → [B, C, H / 2, W / 2]. */
export class Downsample2D extends Module {
  readonly conv: Conv2d;

  /** `padding` 0 pads the far sides by one pixel, as diffusers does. */
  constructor(channels: number, { padding = 1 }: { readonly padding?: number } = {}) {
    super();
    const farSides: ConvOptions['padding'] = [
      [0, 1],
      [0, 1],
    ];
    this.conv = new Conv2d(channels, channels, 3, { stride: 2, padding: padding === 0 ? farSides : padding });
  }

  forward(x: Tensor): Tensor {
    return this.conv.forward(x);
  }
}

/** Nearest-neighbour doubling, then a 3×3 convolution. x: [B, C, H, W] → [B, C, 2 H, 2 W]. */
export class Upsample2D extends Module {
  readonly conv: Conv2d;

  constructor(channels: number) {
    super();
    this.conv = new Conv2d(channels, channels, 3, { padding: 1 });
  }

  forward(x: Tensor): Tensor {
    return this.conv.forward(resize(x, { scale: 2 }));
  }
}

/** A function that changes the resolution without parameters. */
export type Resampler = (x: Tensor) => Tensor;

/** Means of 2×2 pixels. */
export const averageDown: Resampler = (x) => avgPool(x, 2);
/** Every pixel four times. */
export const nearestUp: Resampler = (x) => resize(x, { scale: 2 });

/** The separable filter (1, 3, 3, 1) as one kernel per channel, summing to `gain`. */
function firKernel(channels: number, gain: number): Tensor {
  const taps = [1, 3, 3, 1];
  const kernel = taps.flatMap((a) => taps.map((b) => (gain * a * b) / 64));
  return constant(ndArray(Float32Array.from(kernel), [1, 1, 4, 4])).expand([channels, 1, 4, 4]);
}

/** Smooth halving with the filter (1, 3, 3, 1), as StyleGAN2 and NCSN++ do (Karras et al. 2020; Song et al. 2021). */
export const firDown: Resampler = (x) => {
  const channels = x.shape[1]!;
  return conv(x, firKernel(channels, 1), undefined, { stride: 2, padding: 1, groups: channels });
};

/** Smooth doubling with the filter (1, 3, 3, 1). */
export const firUp: Resampler = (x) => {
  const channels = x.shape[1]!;
  return convTranspose(x, firKernel(channels, 4), undefined, { stride: 2, padding: 1, groups: channels });
};
