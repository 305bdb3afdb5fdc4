/** @file Room `tensor`: dtypes, shapes, host arrays, seeded randomness, errors. */
export * from './dtype.ts';
export * from './errors.ts';
export * from './half.ts';
export * from './nd-array.ts';
export * from './philox.ts';
export * from './shape.ts';
