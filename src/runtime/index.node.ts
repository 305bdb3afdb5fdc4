/** @file Room `runtime` for Node. */

export { type NodeEngineOptions, nodeEngine } from './engine.node.ts';
export { DEVICES, type Device } from './host-settings.node.ts';
export * from './index.ts';
