/** @file Pictures of a data set that fit a model, as arrays. */
import {
  BUILT_IN_DATA,
  type DataSplits,
  type Dataset,
  formatImageSize,
  type ImageShape,
  openData,
} from '../data/index.node.ts';
import { ConfigError, sizeOf } from '../tensor/index.ts';
import type { Terminal } from './terminal.ts';

/** Pictures [N, C, H, W], flattened, in [-1, 1]. */
export interface OpenedPictures {
  readonly train: Float32Array;
  readonly heldOut: Float32Array;
  /** `[C, H, W]`. */
  readonly shape: ImageShape;
}

/** Most pictures of a part; enough for every measure. */
const MOST = 1024;

/**
 * Opens `spec` at the size and channels that a model wants, or its own. Throws `DataError` when there is no such data,
 * `ConfigError` when a built-in set has pictures of another shape.
 */
export async function openPictures(
  spec: string,
  wanted: ImageShape | undefined,
  terminal: Pick<Terminal, 'warn'>,
): Promise<OpenedPictures> {
  const fixed = BUILT_IN_DATA.includes(spec);
  const [channels, height, width] = wanted ?? [0, 0, 0];
  const { train, heldOut }: DataSplits = await openData(spec, {
    ...(!fixed && wanted && { size: formatImageSize({ width, height }), channels: channels === 1 ? 'grey' : 'rgb' }),
    onWarning: terminal.warn,
  });
  const shape = train.imageShape;
  if (wanted && shape.join() !== wanted.join()) {
    throw new ConfigError(
      `${train.name} has pictures of [${shape.join(', ')}], the model makes [${wanted.join(', ')}]`,
      'name the data that the model learned',
    );
  }
  return { train: pictures(train), heldOut: pictures(heldOut), shape };
}

/** The first pictures of a set, at most `most`. */
export function pictures(data: Dataset, most = MOST): Float32Array {
  const count = Math.min(data.length, most);
  const size = sizeOf(data.imageShape);
  const out = new Float32Array(count * size);
  for (let i = 0; i < count; i++) data.copyImage(i, out, i * size);
  return out;
}
