/** @file Room `training` in Node: the universal part, run folders and `trainDiffusion`. */
export * from './checkpoint.node.ts';
export * from './index.ts';
export * from './intact-checkpoint.node.ts';
export * from './open-training-data.node.ts';
export * from './run-folder.node.ts';
export { type RunLockHolder, runLockHolder } from './run-lock.node.ts';
export { defaultRunFolder } from './run-path.node.ts';
export * from './train.node.ts';
