/** @file Room `tensor`: dtypes, shapes, host arrays, seeded randomness, errors. */
export * from './deferred-array.ts';
export * from './dtype.ts';
export * from './errors.ts';
export * from './half.ts';
export * from './mt19937.ts';
export * from './nd-array.ts';
export * from './nearest-name.ts';
export * from './philox.ts';
export * from './shape.ts';
export * from './torch-random.ts';
