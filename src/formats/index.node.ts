/** @file Room `formats` in Node: the universal part, and files on disk. */
export * from './atomic-write.node.ts';
export * from './index.ts';
export * from './png.node.ts';
