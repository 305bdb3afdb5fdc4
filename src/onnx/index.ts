/** @file Room `onnx`: lowering graphs to ONNX models and writing them down. */
export * from './hand-over.ts';
export { type LoweredGraph, type LowerOptions, lower } from './lower.ts';
export * from './model.ts';
export * from './rename-values.ts';
export * from './target.ts';
