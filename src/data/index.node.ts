/** @file Room `data` in Node: the universal part, the built-in sets and folders of pictures. */
export * from './avatars.node.ts';
export * from './cache.node.ts';
export * from './image-folder.node.ts';
export * from './index.ts';
export * from './mnist.node.ts';
export * from './open-data.node.ts';
