/** @file Room `data`, the part that runs everywhere: the data set contract, splits and the batch loader. */
export * from './avatar-words.ts';
export * from './batch-loader.ts';
export * from './colour-words.ts';
export * from './content-hash.ts';
export * from './dataset.ts';
export * from './folder-classes.ts';
export * from './image-size.ts';
export * from './split.ts';
