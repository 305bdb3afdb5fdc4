/** @file Room `pipelines` in Node: the universal part, and models and pictures on disk. */
export * from './find-scheduler.node.ts';
export * from './index.ts';
export * from './inspect.node.ts';
export * from './load-pipeline.node.ts';
export * from './open-model.node.ts';
export * from './own-scheduler.node.ts';
export * from './save-images.node.ts';
export * from './save-onnx.node.ts';
