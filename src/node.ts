/** @file The package's entry for Node: the universal part, the Node engine, files and training runs. */
export * from './data/index.node.ts';
export * from './formats/index.node.ts';
export * from './index.ts';
export * from './models/index.node.ts';
export * from './pipelines/index.node.ts';
export * from './runtime/index.node.ts';
export * from './training/index.node.ts';
