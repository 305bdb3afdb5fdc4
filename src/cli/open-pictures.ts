/** @file Pictures of a data set that fit a model, as arrays. */
import { BUILT_IN_DATA, type DataSplits, type Dataset, openData } from '../data/index.node.ts';
import { ConfigError, sizeOf } from '../tensor/index.ts';
import type { Terminal } from './terminal.ts';

/** Pictures [N, C, H, W], flattened, in [-1, 1]. */
export interface OpenedPictures {
  readonly train: Float32Array;
  readonly heldOut: Float32Array;
}

/** Most pictures of a part; enough for every measure. */
const MOST = 1024;

/**
 * Opens `spec` at the size and channels of a model's pictures. Throws `DataError` when there is no such data,
 * `ConfigError` when a built-in set has pictures of another shape.
 */
export async function openPictures(
  spec: string,
  [channels, height, width]: readonly [number, number, number],
  terminal: Pick<Terminal, 'warn'>,
): Promise<OpenedPictures> {
  const fixed = BUILT_IN_DATA.includes(spec);
  if (!fixed && height !== width) {
    throw new ConfigError(`folders of pictures open as squares, the model makes ${width}×${height}`);
  }
  const splits: DataSplits = await openData(spec, {
    ...(!fixed && { size: height, channels: channels === 1 ? 'grey' : 'rgb' }),
    onWarning: terminal.warn,
  });
  const { imageShape, name } = splits.train;
  if (imageShape.join() !== [channels, height, width].join()) {
    throw new ConfigError(
      `${name} has pictures of [${imageShape.join(', ')}], the model makes [${channels}, ${height}, ${width}]`,
      'name the data that the model learned',
    );
  }
  return { train: pictures(splits.train), heldOut: pictures(splits.heldOut) };
}

/** The first pictures of a set, at most `most`. */
export function pictures(data: Dataset, most = MOST): Float32Array {
  const count = Math.min(data.length, most);
  const size = sizeOf(data.imageShape);
  const out = new Float32Array(count * size);
  for (let i = 0; i < count; i++) data.copyImage(i, out, i * size);
  return out;
}
