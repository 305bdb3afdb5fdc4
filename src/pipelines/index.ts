/** @file Room `pipelines`, the part that runs everywhere. */
export * from './class-words.ts';
export * from './diffusion-pipeline.ts';
export * from './export-onnx.ts';
export * from './infotext.ts';
export * from './kinds.ts';
export * from './pipeline-network.ts';
