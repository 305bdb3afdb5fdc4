/** @file Room `models` in Node: the universal part, and model folders on disk. */
export * from './image-model-folder.node.ts';
export * from './index.ts';
