/** @file Room `graph`: symbolic tensors, tracing, printing, evaluation on the host, simplification. */
export * from './build.ts';
export * from './decompositions.ts';
export * from './evaluate/index.ts';
export type * from './node.ts';
export * from './normalization.ts';
export * from './order.ts';
export * from './print.ts';
export * from './rewrite.ts';
export * from './scope.ts';
export * from './shape-rules/index.ts';
export * from './simplify.ts';
export * from './tensor.ts';
export * from './trace.ts';
export * from './variable.ts';
export * from './windows.ts';
