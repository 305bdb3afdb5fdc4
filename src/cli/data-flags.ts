/** @file Flags that say how a folder of pictures is read. */
import { type Flags, imageSize, text, toggle } from './flags.ts';

export const DATA_FLAGS = {
  size: imageSize('Edge of the pictures, or width x height as in 48x32', { setting: 'data.size' }),
  captionColumn: text('Column of the captions in metadata files (default: text)', {
    value: 'name',
    setting: 'data.captionColumn',
  }),
  folderRepeats: toggle('Sub-folders called 10_cat are seen 10 times an epoch, as class cat', {
    setting: 'data.folderRepeats',
  }),
} satisfies Flags;
