/** @file The noise of training, inside a trace: white, with an offset per channel, or over several resolutions. */
import { random, type Tensor } from '../../../graph/index.ts';
import { ConfigError, formatShape, type Shape, ShapeError } from '../../../tensor/index.ts';

/** Makes the noise of a batch of the given shape, unit variance or nearly. */
export type TracedNoise = (shape: Shape) => Tensor;

/** Independent standard normal numbers. */
export const whiteNoise: TracedNoise = (shape) => random.normal(shape);

/**
 * Offset noise (Guttenberg 2023): `ε + strength·δ` with one δ per sample and channel, so that the model learns to change
 * the mean brightness. The variance grows to 1 + strength².
 */
export function offsetNoise(strength = 0.1): TracedNoise {
  return (shape) => {
    const [batch = 1, channels = 1, ...spatial] = shape;
    const shift = random.normal([batch, channels, ...spatial.map(() => 1)]);
    return random.normal(shape).add(shift.mul(strength));
  };
}

/**
 * Multi-resolution noise (Whitaker 2023, "pyramid"): `Σᵢ discountⁱ·upsample(εᵢ)` over resolutions halved i times,
 * upsampled by repetition and scaled back to unit variance. Shapes [B, C, H, W] whose sides divide by 2^levels.
 */
export function multiResolutionNoise({ discount = 0.8, levels = 3 } = {}): TracedNoise {
  if (!(discount > 0 && discount < 1)) throw new ConfigError(`discount lies in (0, 1), got ${discount}`);
  return (shape) => {
    const [batch, channels, height, width] = shape;
    const coarsest = 2 ** levels;
    if (shape.length !== 4 || height! % coarsest !== 0 || width! % coarsest !== 0) {
      throw new ShapeError(
        `multi-resolution noise of ${levels} levels needs [B, C, H, W] with sides that divide by ${coarsest}, got ${formatShape(shape)}`,
        'use fewer levels',
      );
    }
    let sum = random.normal(shape);
    let variance = 1;
    for (let level = 1; level <= levels; level++) {
      const stride = 2 ** level;
      const [h, w] = [height! / stride, width! / stride];
      const coarse = random
        .normal([batch!, channels!, h, w])
        .reshape([batch!, channels!, h, 1, w, 1])
        .expand([batch!, channels!, h, stride, w, stride])
        .reshape(shape);
      sum = sum.add(coarse.mul(discount ** level));
      variance += discount ** (2 * level);
    }
    return sum.mul(1 / Math.sqrt(variance));
  };
}
