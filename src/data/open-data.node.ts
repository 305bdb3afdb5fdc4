/** @file Opening data by what a user types: the name of a built-in set, or a path. */
import { existsSync } from 'node:fs';
import { DataError, nearestName } from '../tensor/index.ts';
import { type AvatarsOptions, openAvatars } from './avatars.node.ts';
import type { DataSplits } from './dataset.ts';

/** Options of `openData`; each source uses those that concern it. */
export type OpenDataOptions = AvatarsOptions;

const BUILT_IN: Readonly<Record<string, (options: OpenDataOptions) => Promise<DataSplits>>> = {
  avatars: openAvatars,
};

/** Names of the built-in data sets. */
export const BUILT_IN_DATA: readonly string[] = Object.keys(BUILT_IN);

/** Opens `spec`. Throws `DataError` listing the choices when it is neither a built-in name nor a path. */
export async function openData(spec: string, options: OpenDataOptions = {}): Promise<DataSplits> {
  const open = BUILT_IN[spec];
  if (open) return open(options);
  const near = nearestName(spec, BUILT_IN_DATA);
  throw new DataError(
    existsSync(spec) ? `${spec} holds no data inkwash can read` : `there is no data set and no folder called "${spec}"`,
    `${near ? `did you mean "${near}"? ` : ''}built-in sets: ${BUILT_IN_DATA.join(', ')}; or give the path of a folder of pictures`,
  );
}
