/** @file Room `training` in Node: the universal part, run folders and `trainDiffusion`. */
export * from './checkpoint.node.ts';
export * from './index.ts';
export * from './intact-checkpoint.node.ts';
export * from './open-training-data.node.ts';
export * from './run-folder.node.ts';
export * from './train.node.ts';
