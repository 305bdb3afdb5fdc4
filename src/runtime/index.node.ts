/** @file Room `runtime` for Node. */

export { DEVICES, type Device, type NodeEngineOptions, nodeEngine } from './engine.node.ts';
export * from './index.ts';
