/** @file Room `nn`: modules, parameters, layers, initialisers. */
export * from './activation.ts';
export * from './attention.ts';
export * from './conv.ts';
export * from './dropout.ts';
export * from './embedding.ts';
export type { Initializer, InitializerKey } from './initializers.ts';
export * as initializers from './initializers.ts';
export * from './linear.ts';
export * from './load-parameters.ts';
export * from './module.ts';
export * from './normalization.ts';
export * from './parameter.ts';
export * from './timestep-embedding.ts';
