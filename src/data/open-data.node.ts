/** @file Opening data by what a user types: the name of a built-in set, or the path of a folder of pictures. */
import { existsSync } from 'node:fs';
import { ConfigError, DataError, nearestName } from '../tensor/index.ts';
import { type AvatarsOptions, openAvatars } from './avatars.node.ts';
import type { DataSplits } from './dataset.ts';
import { type ImageFolderOptions, openImageFolder } from './image-folder.node.ts';
import { formatImageSize, parseImageSize } from './image-size.ts';
import { openMnist } from './mnist.node.ts';

/** Options of `openData`; each source uses those that concern it. */
export type OpenDataOptions = AvatarsOptions & ImageFolderOptions;

const BUILT_IN: Readonly<Record<string, (options: OpenDataOptions) => Promise<DataSplits>>> = {
  avatars: openAvatars,
  mnist: openMnist,
};

/** Names of the built-in data sets. */
export const BUILT_IN_DATA: readonly string[] = Object.keys(BUILT_IN);

/**
 * Opens `spec`: a built-in name, else the path of a folder of pictures (write `./avatars` for a folder of that name).
 * Throws `DataError` listing the choices when it is neither, `ConfigError` when `size` is not a built-in set's own.
 */
export async function openData(spec: string, options: OpenDataOptions = {}): Promise<DataSplits> {
  const open = Object.hasOwn(BUILT_IN, spec) ? BUILT_IN[spec] : undefined;
  if (open) {
    const data = await open(options);
    const [, height, width] = data.train.imageShape;
    const wanted = parseImageSize(options.size ?? formatImageSize({ width, height }));
    if (wanted.width !== width || wanted.height !== height) {
      throw new ConfigError(
        `${spec} has pictures of ${width}×${height}, size ${options.size} was asked for`,
        'leave size out',
      );
    }
    return options.flip ? { ...data, train: data.train.withMirrored() } : data;
  }
  if (existsSync(spec)) return openImageFolder(spec, options);
  const near = nearestName(spec, BUILT_IN_DATA);
  throw new DataError(
    `there is no data set and no folder called "${spec}"`,
    `${near ? `did you mean "${near}"? ` : ''}built-in sets: ${BUILT_IN_DATA.join(', ')}; or give the path of a folder of pictures`,
  );
}
