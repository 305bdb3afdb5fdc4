/** @file Room `formats` in Node: the universal part, and files on disk. */
export * from './atomic-write.node.ts';
export * from './diffusers-config.node.ts';
export * from './diffusers-folder.node.ts';
export * from './diffusers-weights.node.ts';
export * from './index.ts';
export * from './json-file.node.ts';
export * from './output-files.node.ts';
export * from './png.node.ts';
export * from './read-problem.node.ts';
export * from './safetensors.node.ts';
