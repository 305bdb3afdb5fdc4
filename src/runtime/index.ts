/** @file Room `runtime`, the universal part: contracts and the reference engine. */
export type * from './engine.ts';
export { OnnxEngine } from './onnx-engine.ts';
export { referenceEngine } from './reference-engine.ts';
