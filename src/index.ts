/** @file The package's universal entry: everything that runs in Node and in the browser alike. */
export { gradients } from './autodiff/index.ts';
export * from './data/index.ts';
export type { RunOptions as SolverRunOptions } from './diffusion/gaussian/index.ts';
export * from './diffusion/gaussian/index.ts';
export * from './evaluation/index.ts';
export * from './formats/index.ts';
export {
  concat,
  constant,
  detach,
  full,
  type Graph,
  input,
  isTraining,
  printGraph,
  random,
  scalar,
  substituting,
  Tensor,
  type TensorLike,
  type Traced,
  toTensor,
  trace,
  Variable,
} from './graph/index.ts';
export * from './models/index.ts';
export * from './nn/index.ts';
export { lower, type OnnxModel, type OnnxTarget, type SerializedModel, serializeModel } from './onnx/index.ts';
export * from './pipelines/index.ts';
export type { RunOptions } from './runtime/index.ts';
export * from './runtime/index.ts';
export * from './tensor/index.ts';
export * from './training/index.ts';
