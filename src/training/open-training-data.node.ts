/** @file Opens the data that a configuration names. */

import { type DataSplits, type OpenDataOptions, openData } from '../data/index.node.ts';
import type { AvatarAttribute, Dataset } from '../data/index.ts';
import type { TrainingConfigInput } from './config.ts';

/** Callbacks while data is opened. */
export type OpenDataCallbacks = Pick<OpenDataOptions, 'onProgress' | 'onWarning'>;

/**
 * Opens the data of a configuration's `data` part. Mirroring is left to the loader, which draws it anew every step.
 * Throws `DataError` when there is no such data, `ConfigError` when its settings do not fit.
 */
export async function openTrainingData(
  data: TrainingConfigInput['data'] & object,
  callbacks: OpenDataCallbacks = {},
): Promise<DataSplits> {
  const { spec = '', size, channels, crop, labelBy, count, heldOut, captionColumn, folderRepeats } = data;
  const opened = await openData(spec, {
    ...callbacks,
    ...(size != null && { size }),
    ...(channels !== undefined && { channels }),
    ...(crop !== undefined && { crop }),
    ...(labelBy != null && { labelBy: labelBy as AvatarAttribute | AvatarAttribute[] }),
    ...(count != null && { count }),
    ...(heldOut != null && { heldOut }),
    ...(captionColumn !== undefined && { captionColumn }),
    ...(folderRepeats !== undefined && { folderRepeats }),
  });
  if (opened.report && hasCaptions(opened.train)) {
    callbacks.onWarning?.('the captions are not used: the network learns from the pictures and their classes');
  }
  return opened;
}

function hasCaptions(data: Dataset): boolean {
  return Array.from({ length: data.length }, (_, i) => i).some((i) => data.caption(i) !== undefined);
}
